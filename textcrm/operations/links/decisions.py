"""People decide about customers: merge, split, confirm, reject, undo. Recorded, reversible, respected by later runs.

A decision changes no record. It is kept, and the messages that it touches are linked anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textcrm.errors import UsageError
from textcrm.link.decisions import Decision, DecisionKind, Standing
from textcrm.records import Insight
from textcrm.store import Store
from textcrm.store.decisions import Decisions

MOST_TOUCHED = 100_000


def standing(store: Store) -> Standing:
    """Return what the decisions that stand say together."""
    return Standing(map(_decision, _decisions(store).list()))


def as_decided(store: Store, insights: Sequence[Insight]) -> list[Insight]:
    """Return the insights with the links that people want."""
    now = standing(store)
    return [i if i.link is None else i.model_copy(update={"link": now.apply(i.message_id, i.link)}) for i in insights]


def decisions(store: Store, *, undone: bool = False) -> list[Decision]:
    """Return the decisions, oldest first; with *undone* those too that were taken back."""
    return [_decision(document) for document in _decisions(store).list(standing=not undone)]


def decide(
    store: Store, kind: DecisionKind, customer: str, *, by: str, other: str | None = None, messages: Sequence[str] = ()
) -> Decision:
    """Record a decision and have the messages that it touches linked anew (see `Decision` for what each kind needs).

    Raises
    ------
    NotFoundError
        A customer or a message does not exist.
    UsageError
        The kind needs another customer or messages, and there are none.
    """
    if kind in ("merge", "split") and (other is None or other == customer):
        raise UsageError(f"To {kind}, name another customer", hint="A record is always itself.")
    if kind != "merge" and not messages:
        raise UsageError(f"To {kind}, name the messages")
    for customer_id in filter(None, (customer, other)):
        store.customers.get(customer_id)
    for message_id in messages:
        store.messages.get(message_id)
    document = _decisions(store).add(kind=kind, customer=customer, other=other, messages=messages, by=by)
    decision = _decision(document)
    _link_again(store, decision)
    return decision


def undo(store: Store, decision_id: str) -> Decision:
    """Take a decision back; the state is as if it had never been made.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    decision = _decision(_decisions(store).mark(decision_id, undone=True))
    _link_again(store, decision)
    return decision


def _link_again(store: Store, decision: Decision) -> None:
    touched = set(decision.messages)
    if decision.kind == "merge":
        now = standing(store)
        ends = {decision.customer, decision.other or "", now.customer(decision.customer)}
        for customer_id in filter(None, ends):
            touched |= {i.message_id for i in store.insights.of_customer(customer_id, limit=MOST_TOUCHED)}
    if touched:
        store.messages.requeue({"_id": {"$in": sorted(touched)}}, priority=0)


def _decision(document: dict[str, Any]) -> Decision:
    fields = {key: value for key, value in document.items() if key != "_id"}
    return Decision(id=document["_id"], **fields)


def _decisions(store: Store) -> Decisions:
    return Decisions(store.database["decisions"], store.now)
