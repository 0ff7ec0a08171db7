"""Laws of linking: nothing depends on the order of things, identifiers have one form, only identifiers link."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from textcrm.link import normalise
from textcrm.link.cluster import agglomerate
from textcrm.link.message import IdentityKey, decide, keys_of
from textcrm.link.names import names_agree
from textcrm.records import Author, CleanText, Customer, Language, Message, OffsetMap, Source

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
locals_ = st.sampled_from(["ann", "ben", "cara", "info", "support"])
addresses = st.builds("{}@{}.example".format, locals_, st.sampled_from(["x", "y"]))
phones = st.sampled_from(["+12025550143", "+4930901820", "+447700900123"])
names = st.sampled_from(["Ann Smith", "Bob Jones", "Ben Jones", "Cara Ng", "Ann"])
customers = st.lists(
    st.builds(
        Customer,
        id=st.integers(1, 9).map("c{}".format),
        name=names | st.none(),
        emails=st.lists(addresses, max_size=2, unique=True).map(tuple),
        phones=st.lists(phones, max_size=2, unique=True).map(tuple),
        provisional=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda c: c.id,
)
authors = st.builds(
    Author,
    name=names | st.none(),
    email=addresses | st.none(),
    reply_to=addresses | st.none(),
    phone=phones | st.none(),
)


def keys(author: Author) -> tuple[Message, tuple[IdentityKey, ...]]:
    message = Message(
        id="m",
        channel="email",
        text="x",
        author=author,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        source=Source(kind="api"),
    )
    clean = CleanText(
        message_id="m",
        text="x",
        offsets=OffsetMap(segments=(), length=0),
        parts=(),
        language=Language(code="en", confidence=1.0, supported=True),
    )
    return message, keys_of(message, clean, (), region="US")


@settings(max_examples=600)
@given(words)
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    once = normalise.email(text)
    assert once is None or normalise.email(once) == once
    assert normalise.handle(normalise.handle(text)) == normalise.handle(text) or not text.strip()
    assert normalise.fold(normalise.fold(text)) == normalise.fold(text)
    number = normalise.phone(text, "US")
    assert number is None or normalise.phone(number, "DE") == number


@given(words, words)
def test_names_agree_both_ways(a: str, b: str) -> None:
    left, right = normalise.name(a), normalise.name(b)
    assert names_agree(left, right) == names_agree(right, left)


@given(authors, customers, st.randoms())
def test_the_order_of_candidates_does_not_matter(author: Author, known: list[Customer], random: object) -> None:
    message, found = keys(author)
    link, new = decide(message, found, known)
    shuffled = list(known)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again, also_new = decide(message, found, shuffled)
    assert (link.outcome, link.customer_id, new) == (again.outcome, again.customer_id, also_new)
    assert set(link.candidates) == set(again.candidates)


@given(authors, customers)
def test_only_a_shared_identifier_links(author: Author, known: list[Customer]) -> None:
    message, found = keys(author)
    link, new = decide(message, found, known)
    values = {key.value for key in found}
    if link.outcome == "linked":
        chosen = next(c for c in known if c.id == link.customer_id)
        assert not chosen.provisional
        assert values & {*chosen.emails, *chosen.phones}
    elif link.outcome == "review":
        assert link.customer_id is None
        assert link.candidates
    elif link.outcome == "provisional":
        assert link.customer_id is not None
        assert new is None or new.id == link.customer_id
    assert not any(normalise.is_role_address(value) for value in values if "@" in value)


@given(authors, customers)
def test_who_was_made_provisional_is_found_again(author: Author, known: list[Customer]) -> None:
    message, found = keys(author)
    link, new = decide(message, found, known)
    if new is not None:
        again, twice = decide(message, found, [*known, new])
        assert (again.outcome, again.customer_id, twice) == (link.outcome, link.customer_id, None)


@settings(max_examples=50)
@given(st.integers(2, 12), st.randoms(use_true_random=False))
def test_clusters_part_the_records_whatever_the_order_of_pairs(n: int, random: object) -> None:
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if random.random() < 0.5]  # type: ignore[attr-defined]
    if not pairs:
        return
    weights = [random.uniform(-20, 20) for _ in pairs]  # type: ignore[attr-defined]

    def clusters(order: list[int]) -> list[int]:
        left = np.array([pairs[k][0] for k in order], dtype=np.int32)
        right = np.array([pairs[k][1] for k in order], dtype=np.int32)
        logs = np.array([[[weights[k]], [0.0]] for k in order])
        rates, match = np.array([-2.0, 0.0]), np.array([True, False])
        seen = np.ones((len(order), 1), np.bool_)
        people: list[int] = agglomerate(left, right, logs, seen, rates=rates, match=match, n=n).tolist()
        return people

    straight = clusters(list(range(len(pairs))))
    assert straight == clusters(list(range(len(pairs)))[::-1])
    seen = list(dict.fromkeys(straight))
    assert seen == list(range(len(seen)))
