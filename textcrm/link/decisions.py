"""What people decided about customers: merge, split, confirm, reject; undone ones count as never made.

The state is worked out from the decisions that stand, in the order in which they were made. Nothing is overwritten,
so undoing is exact: the state is that of the remaining decisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from textcrm.records import Link, Record

DecisionKind = Literal["merge", "split", "confirm", "reject"]
KINDS: tuple[DecisionKind, ...] = ("merge", "split", "confirm", "reject")


class Decision(Record):
    """One decision.

    ``merge``: ``customer`` is the same person as ``other``, whose record stays. ``split``: the ``messages`` are not of
    ``customer`` but of ``other``. ``confirm``: the ``messages`` are of ``customer``. ``reject``: they are not.
    """

    id: str
    kind: DecisionKind
    customer: str
    other: str | None = None
    messages: tuple[str, ...] = ()
    by: str
    at: datetime
    undone: bool = False

    @property
    def about(self) -> tuple[str, ...]:
        """The ids of the decision, of its customers and of its messages."""
        return (self.id, self.customer, *filter(None, (self.other,)), *self.messages)


class Standing:
    """What the decisions that stand say together."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self._into: dict[str, str] = {}
        self._given: dict[str, str] = {}
        self._refused: dict[str, set[str]] = {}
        for decision in sorted((d for d in decisions if not d.undone), key=lambda d: (d.at, d.id)):
            self._take(decision)

    def _take(self, decision: Decision) -> None:
        if decision.kind == "merge" and decision.other is not None:
            loser, winner = self.customer(decision.customer), self.customer(decision.other)
            if loser != winner:
                self._into[loser] = winner
        for message in decision.messages:
            if decision.kind == "confirm":
                self._given[message] = decision.customer
                self._refused.get(message, set()).discard(decision.customer)
            elif decision.kind == "split" and decision.other is not None:
                self._given[message] = decision.other
                self._refused.setdefault(message, set()).add(decision.customer)
            elif decision.kind == "reject":
                self._refused.setdefault(message, set()).add(decision.customer)
                if self._given.get(message) == decision.customer:
                    del self._given[message]

    def customer(self, customer_id: str) -> str:
        """Return the customer that stands for *customer_id* after all merges."""
        while customer_id in self._into:
            customer_id = self._into[customer_id]
        return customer_id

    def apply(self, message_id: str, link: Link) -> Link:
        """Return the link of a message as people want it."""
        if message_id in self._given:
            return _by_person(self.customer(self._given[message_id]), link, "confirmed_by_person")
        refused = self._refused.get(message_id, set())
        if link.customer_id is not None and link.customer_id in refused:
            return link.model_copy(
                update={"customer_id": None, "outcome": "none", "confidence": 1.0, "rule": "rejected_by_person"}
            )
        candidates = tuple(dict.fromkeys(self.customer(c) for c in link.candidates if c not in refused))
        if link.outcome == "review" and len(candidates) == 1 and len(link.candidates) > 1:
            return _by_person(candidates[0], link, "one_candidate_left_by_person")
        if link.outcome == "review" and link.candidates and not candidates:
            return link.model_copy(
                update={"outcome": "none", "confidence": 1.0, "rule": "rejected_by_person", "candidates": ()}
            )
        if link.customer_id is None:
            return link.model_copy(update={"candidates": candidates})
        stands = self.customer(link.customer_id)
        changed = {"customer_id": stands, "candidates": candidates}
        if stands != link.customer_id and link.outcome == "provisional" and not stands.startswith("p-"):
            changed["outcome"] = "linked"
        return link.model_copy(update=changed)


def _by_person(customer_id: str, link: Link, rule: str) -> Link:
    return link.model_copy(update={"customer_id": customer_id, "outcome": "linked", "confidence": 1.0, "rule": rule})
