"""Links that wait for a person: in the order of what deciding settles, answered once for all messages of an author."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import insight, message
from textcrm.errors import UsageError
from textcrm.operations.links.decisions import standing
from textcrm.operations.links.review import answer, questions
from textcrm.records import Author, Customer, Link
from textcrm.store import Store


def keep(store: Store, text: str, *, email: str, urgency: str = "normal", confidence: float = 0.5) -> str:
    store.messages.add([message(text, author=Author(email=email))])
    (claimed,) = (claim := store.messages.claim("test", limit=1, lease=timedelta(minutes=1))).messages
    link = Link(
        customer_id=None, outcome="review", confidence=confidence, rule="shared_identifier", candidates=("a", "b")
    )
    store.insights.complete(claim, [insight(claimed, urgency=urgency, link=link)])
    return claimed.id


def test_the_greatest_gain_comes_first_and_one_answer_settles_an_author(store: Store) -> None:
    store.customers.upsert([Customer(id="a", name="Ann"), Customer(id="b", name="Ben")])
    calm = keep(store, "calm", email="calm@example.com")
    sure = keep(store, "sure", email="sure@example.com", confidence=0.98)
    urgent = keep(store, "urgent", email="urgent@example.com", urgency="critical")
    many = [keep(store, f"many {i}", email="many@example.com") for i in range(3)]
    found = questions(store)
    assert [q.messages[0] for q in found if q.message.author.email != "many@example.com"] == [urgent, calm, sure]
    assert [q.gain for q in found] == sorted((q.gain for q in found), reverse=True)
    assert [q.gain for q in found][:3] == [4.0, 3.0, 1.0]
    group = next(q for q in found if len(q.messages) == 3)
    assert set(group.messages) == set(many)
    assert [c.name for c in group.candidates] == ["Ann", "Ben"]

    made = answer(store, many[0], "a", same=True, by="eve")
    assert (made.kind, set(made.messages)) == ("confirm", set(many))
    assert len(questions(store)) == 3
    assert standing(store).apply(many[2], Link(customer_id=None, outcome="none", confidence=0)).customer_id == "a"
    answer(store, calm, "b", same=False, by="eve")  # of two, one is left: settled
    assert {q.messages[0] for q in questions(store)} == {urgent, sure}
    with pytest.raises(UsageError):
        answer(store, many[1], "a", same=True, by="eve")
