"""Decisions of people are kept, undone and acted on, on the real database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.factories import insight, message
from textcrm.errors import NotFoundError, UsageError
from textcrm.operations.links.claims import FindCustomers, settle, work_on
from textcrm.operations.links.decisions import decide, decisions, standing, undo
from textcrm.records import Customer, Insight, Link, Message
from textcrm.store import Store

LINKED = Link(customer_id="a", outcome="linked", confidence=0.99, rule="email_from", candidates=("a",))


@pytest.fixture
def known(store: Store) -> str:
    """Two customers, and the id of one analysed message of the first."""
    store.customers.upsert([Customer(id="a"), Customer(id="b")])
    store.messages.add([message()])
    claim = store.messages.claim("test", limit=1, lease=timedelta(minutes=1))
    store.insights.complete(claim, [insight(claim.messages[0], link=LINKED)])
    assert store.messages.counts() == {"done": 1}
    return claim.messages[0].id


def test_a_merge_is_respected_and_undone(store: Store, known: str) -> None:
    made = decide(store, "merge", "a", other="b", by="ann")
    assert store.messages.counts() == {"pending": 1}  # to be linked anew
    assert standing(store).apply(known, LINKED).customer_id == "b"
    undo(store, made.id)
    assert standing(store).apply(known, LINKED) == LINKED
    assert decisions(store) == []
    assert [d.undone for d in decisions(store, undone=True)] == [True]


def test_reject_then_confirm(store: Store, known: str) -> None:
    decide(store, "reject", "a", messages=[known], by="ann")
    assert standing(store).apply(known, LINKED).outcome == "none"
    decide(store, "confirm", "b", messages=[known], by="ann")
    link = standing(store).apply(known, LINKED)
    assert (link.customer_id, link.outcome, link.confidence, link.rule) == ("b", "linked", 1.0, "confirmed_by_person")
    assert link.evidence == LINKED.evidence


def test_a_split_moves_messages(store: Store, known: str) -> None:
    decide(store, "split", "a", other="b", messages=[known], by="ann")
    assert standing(store).apply(known, LINKED).customer_id == "b"


def test_what_cannot_be_decided_is_told(store: Store, known: str) -> None:
    with pytest.raises(UsageError):
        decide(store, "merge", "a", by="ann")
    with pytest.raises(UsageError):
        decide(store, "merge", "a", other="a", by="ann")
    with pytest.raises(UsageError):
        decide(store, "reject", "a", by="ann")
    with pytest.raises(NotFoundError):
        decide(store, "merge", "a", other="nobody", by="ann")
    with pytest.raises(NotFoundError):
        decide(store, "confirm", "a", messages=["none"], by="ann")
    with pytest.raises(NotFoundError):
        undo(store, "none")
    assert decisions(store, undone=True) == []
    assert known


class Engine:
    """Links every message to the first customer, as the real one would by the mail address."""

    def insights(
        self, messages: Sequence[Message], *, find: FindCustomers, now: datetime
    ) -> tuple[list[Insight], list[Customer]]:
        assert find(["email:nobody@example.com"]) == []
        assert now.tzinfo is not None
        return [insight(m, link=LINKED) for m in messages], []


def test_the_next_run_respects_what_was_decided(store: Store, known: str) -> None:
    made = decide(store, "merge", "a", other="b", by="ann")

    def run() -> str | None:
        claim = store.messages.claim("test", limit=10, lease=timedelta(minutes=1))
        settle(store, claim, work_on(store, Engine(), claim))
        link = store.insights.get(known).link
        return link.customer_id if link else None

    assert run() == "b"
    assert [i.message_id for i in store.insights.of_customer("b")] == [known]
    undo(store, made.id)
    assert run() == "a"
    assert store.insights.of_customer("b") == []
