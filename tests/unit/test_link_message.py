from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from textcrm.link.message import IdentityKey, decide, keys_of
from textcrm.records import Author, CleanText, Customer, EntitySpan, Language, Link, Message, OffsetMap, Part, Source
from textcrm.store.codec import identity_keys

ANN = Customer(
    id="c1", number="K-100", name="Ann Smith", emails=("ann@example.com",), phones=("+12025550143",), handles=("@ann",)
)
BEN = Customer(id="c2", number="K-200", name="Ben Jones", emails=("ben@example.com", "home@example.org"))
COUPLE = Customer(id="c3", name="Cora Jones", emails=("home@example.org",))
CUSTOMERS = (ANN, BEN, COUPLE)


def message(text: str = "My order is late.", subject: str | None = None, **author: str) -> Message:
    return Message(
        id="m1",
        channel="email",
        text=text,
        subject=subject,
        author=Author(**author),
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        source=Source(kind="api"),
    )


def cleaned(received: Message, *parts: tuple[str, str]) -> CleanText:
    """Say which stretches of the text are what; all else is the author's own."""
    found = []
    for kind, stretch in parts:
        start = received.text.index(stretch)
        found.append(Part.model_validate({"kind": kind, "start": start, "end": start + len(stretch), "rule": "test"}))
    text = received.text
    for _, stretch in parts:
        text = text.replace(stretch, "")
    return CleanText(
        message_id=received.id,
        text=text.strip(),
        offsets=OffsetMap(segments=(), length=0),
        parts=tuple(found),
        language=Language(code="en", confidence=1.0, supported=True),
    )


def spans(received: Message, *found: tuple[str, str]) -> tuple[EntitySpan, ...]:
    return tuple(
        EntitySpan(
            start=received.text.index(text),
            end=received.text.index(text) + len(text),
            label=label,
            text=text,
            source="test",
            score=0.9,
        )
        for label, text in found
    )


def link(
    received: Message,
    entities: Sequence[EntitySpan] = (),
    *parts: tuple[str, str],
    customers: Sequence[Customer] = CUSTOMERS,
) -> tuple[Link, Customer | None]:
    keys = keys_of(received, cleaned(received, *parts), entities, region="US")
    return decide(received, keys, customers)


@pytest.mark.parametrize(
    ("author", "rule"),
    [
        ({"email": "Ann@Example.com"}, "email_from"),
        ({"email": "noreply@forms.example", "reply_to": "ann@example.com"}, "email_reply_to"),
        ({"phone": "202-555-0143"}, "phone"),
        ({"handle": "Ann"}, "handle"),
        ({"customer_number": "k-100"}, "number_customer_number"),
        ({"email": "ann@example.com", "name": "Someone Else"}, "email_from"),
    ],
)
def test_one_exact_identifier_links(author: dict[str, str], rule: str) -> None:
    found, new = link(message(**author))
    assert (found.outcome, found.customer_id, found.rule, new) == ("linked", "c1", rule, None)
    assert found.evidence
    assert found.confidence > 0.9


@pytest.mark.parametrize(
    "author",
    [
        {"email": "ann@example.com", "reply_to": "ben@example.com"},
        {"email": "ann@example.com", "customer_number": "K-200"},
        {"handle": "@ann", "email": "ben@example.com"},
    ],
)
def test_identifiers_of_two_customers_go_to_review(author: dict[str, str]) -> None:
    found, new = link(message(**author))
    assert (found.outcome, found.customer_id, new) == ("review", None, None)
    assert set(found.candidates) == {"c1", "c2"}


def test_a_shared_address_is_told_apart_by_the_name_or_reviewed() -> None:
    assert link(message(email="home@example.org", name="Cora Jones"))[0].customer_id == "c3"
    assert link(message(email="home@example.org", name="Jones Family"))[0].outcome == "review"


@pytest.mark.parametrize("address", ["info@example.com", "support@example.com", "noreply@example.com"])
def test_a_role_address_identifies_nobody(address: str) -> None:
    carrier = Customer(id="c9", emails=(address,))
    found, new = link(message(email=address), customers=[carrier])
    assert (found.outcome, found.customer_id, new) == ("none", None, None)


def test_a_stranger_becomes_the_same_provisional_customer_each_time() -> None:
    first, new = link(message(email="zoe@example.net", name="Zoe Hill"), customers=[])
    assert first.outcome == "provisional"
    assert new is not None
    assert (new.id, new.provisional, new.emails) == (first.customer_id, True, ("zoe@example.net",))
    again, also_new = link(message("And again.", email="ZOE@example.net"), customers=[])
    assert also_new is not None
    assert again.customer_id == new.id == also_new.id
    known, nobody = link(message(email="zoe@example.net"), customers=[new])
    assert (known.outcome, known.customer_id, nobody) == ("provisional", new.id, None)


def test_a_customer_takes_over_from_a_provisional_one() -> None:
    _, new = link(message(email="ann@example.com"), customers=[])
    assert new is not None
    found, _ = link(message(email="ann@example.com"), customers=[new, ANN])
    assert (found.outcome, found.customer_id) == ("linked", "c1")


@pytest.mark.parametrize("name", ["Ann Smith", "Ann Smyth", "Anne Smith", "A. Smith", "Smith, Ann"])
def test_a_stranger_with_a_similar_name_is_never_linked(name: str) -> None:
    found, _ = link(message(email="other@example.net", name=name))
    assert found.outcome in {"provisional", "review"}
    assert found.customer_id != "c1"


def test_a_switchboard_in_a_signature_does_not_make_a_colleague_the_customer() -> None:
    received = message("Hello\n--\nBob Hall\n202-555-0143", email="bob@example.com", name="Bob Hall")
    found, _ = link(received, spans(received, ("PHONE", "202-555-0143")), ("signature", "--\nBob Hall\n202-555-0143"))
    assert found.outcome == "review"
    own = message("Hello\n--\nAnn Smith\n202-555-0143", email="ann.private@example.net", name="Ann Smith")
    found, _ = link(own, spans(own, ("PHONE", "202-555-0143")), ("signature", "--\nAnn Smith\n202-555-0143"))
    assert (found.outcome, found.customer_id, found.rule) == ("linked", "c1", "phone_signature")


def test_a_number_in_the_text_needs_the_name() -> None:
    received = message("Customer number K-200, please help.", email="ben.office@example.net", name="Ben Jones")
    found, _ = link(received, spans(received, ("CUSTOMER_NUMBER", "K-200")))
    assert (found.outcome, found.customer_id) == ("linked", "c2")
    received = message("Customer number K-200, please help.", email="kim@example.net", name="Kim Park")
    found, _ = link(received, spans(received, ("CUSTOMER_NUMBER", "K-200")))
    assert (found.outcome, found.customer_id) == ("review", None)


def test_what_is_quoted_identifies_nobody() -> None:
    received = message("Thanks\n> write to ben@example.com", email="ann@example.com")
    found, _ = link(received, spans(received, ("EMAIL", "ben@example.com")), ("quoted", "> write to ben@example.com"))
    assert (found.outcome, found.customer_id) == ("linked", "c1")


FORWARDED = "---------- Forwarded message ---------\nFrom: Ben Jones <ben@example.com>\nSubject: Broken\n\nIt broke."


def test_a_forwarded_mail_belongs_to_its_author() -> None:
    received = message("FYI\n" + FORWARDED, subject="Fwd: Broken", email="agent@shop.example", name="Agent")
    found, _ = link(received, (), ("forwarded", FORWARDED))
    assert (found.outcome, found.customer_id, found.rule) == ("linked", "c2", "email_forwarded_from")


def test_a_forwarded_robot_is_not_the_author() -> None:
    robot = FORWARDED.replace("ben@example.com", "orders@shop.example")
    received = message("Where is it?\n" + robot, subject="Fwd: Your order", email="ann@example.com")
    found, _ = link(received, (), ("forwarded", robot))
    assert (found.outcome, found.customer_id) == ("linked", "c1")


def test_keys_come_strongest_first_and_once() -> None:
    received = message("Mail me at ann@example.com", email="ann@example.com", customer_number="K-1", handle="x")
    keys = keys_of(received, cleaned(received), spans(received, ("EMAIL", "ann@example.com")), region="US")
    assert keys == (
        IdentityKey("number:k-1", "customer_number"),
        IdentityKey("email:ann@example.com", "from"),
        IdentityKey("handle:@x", "handle"),
    )


def test_nobody_is_nobody() -> None:
    found, new = link(message())
    assert (found.outcome, found.rule, new) == ("none", "no_identity", None)


def test_hostile_text_is_read_in_no_time() -> None:
    hostile = "From: " * 20_000 + "<" * 20_000 + "@" * 20_000
    received = message(hostile, subject="Fwd: " * 1000, email="ann@example.com")
    found, _ = link(received, (), ("forwarded", hostile))
    assert found.customer_id == "c1"


def test_the_companys_own_addresses_identify_nobody() -> None:
    received = message(email="ann@example.com", name="Ann Smith")
    for ours in ({"ann@example.com"}, {"@example.com"}):
        keys = keys_of(received, cleaned(received), (), region="US", ours=ours)
        assert [k.kind for k in keys] == ["company"]
    near = keys_of(received, cleaned(received), (), region="US", ours={"@ample.com", "nn@example.com"})
    assert [k.kind for k in near] == ["email", "company"]


@pytest.mark.parametrize(
    ("email", "name", "rule"),
    [
        ("a.smith@acme.example", "Ann Smith", "name_and_company"),
        ("a.smith@acme.example", "Smith, Ann", None),  # another way to write it finds nobody: never a guess
        ("a.smith@other.example", "Ann Smith", None),
        ("a.smith@acme.example", "Ann", None),
        ("a.smith@gmail.com", "Ann Smith", None),
    ],
)
def test_a_name_at_a_company_is_a_question_and_no_link(email: str, name: str, rule: str | None) -> None:
    customer = Customer(id="c9", name="Ann Smith", emails=("ann@acme.example", "annsmith@gmail.com"))
    received = message(email=email, name=name)
    keys = keys_of(received, cleaned(received), (), region="US")
    found = [customer] if {k.key for k in keys} & set(identity_keys(customer)) else []
    link_, new = decide(received, keys, found)
    if rule is None:
        assert (link_.outcome, new is None) == ("provisional", False)
    else:
        assert (link_.outcome, link_.customer_id, link_.rule, new) == ("review", None, rule, None)
        assert link_.candidates == ("c9",)
