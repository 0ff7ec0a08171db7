"""Links that wait for a person, those first whose decision settles most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from textcrm.errors import UsageError
from textcrm.link.decisions import Decision, DecisionKind
from textcrm.operations.desk.desk import desk_of
from textcrm.operations.links.decisions import as_decided, decide
from textcrm.records import Customer, Insight, Message
from textcrm.store import Store
from textcrm.store.codec import urgency_rank
from textcrm.store.desk import Wanted

MOST_READ = 2000
# How much a message weighs by its place in the queue: -1 (no request) to 3 (critical).
_WEIGHT = {-1: 0.25, 0: 0.5, 1: 1.0, 2: 2.0, 3: 4.0}


@dataclass(frozen=True)
class Question:
    """Messages of one author that may be of the same customers: one decision settles all.

    ``gain`` is the weight of the messages (a normal one counts 1, a critical one 4) times how uncertain the link is, in
    bits: the entropy of its confidence, 1 where it is even. ``insight`` is of the newest message.
    """

    message: Message
    insight: Insight
    messages: tuple[str, ...]
    candidates: tuple[Customer, ...]
    gain: float


def questions(store: Store, *, limit: int = 20) -> list[Question]:
    """Return the open questions, the greatest gain first."""
    rows = store.insights.queue(filters={"link": "review"}, limit=MOST_READ, newest_first=True)
    open_ = [i for i in as_decided(store, [i for i, _ in rows]) if i.link is not None and i.link.outcome == "review"]
    messages = store.messages.get_many([i.message_id for i in open_])
    groups: dict[tuple[str, tuple[str, ...]], list[Insight]] = {}
    for insight in open_:
        if insight.message_id in messages and insight.link is not None:
            who = _writer(messages[insight.message_id])
            groups.setdefault((who, tuple(sorted(insight.link.candidates))), []).append(insight)
    ranked = sorted(groups.values(), key=lambda group: (-gain(group), group[0].message_id))[:limit]
    known = store.customers.get_many(sorted({c for group in ranked for c in _candidates(group[0])}))
    return [
        Question(
            message=messages[group[0].message_id],
            insight=group[0],
            messages=tuple(i.message_id for i in group),
            candidates=tuple(known[c] for c in _candidates(group[0]) if c in known),
            gain=round(gain(group), 3),
        )
        for group in ranked
    ]


def waiting(store: Store, *, most: int = 99) -> int:
    """Return how many messages have a link that waits for a person, counted up to *most* + 1."""
    return desk_of(store).count(Wanted(equal=(("link", "review"),), state="all"), most=most)


def gain(group: Sequence[Insight]) -> float:
    """Return what deciding about messages of one author settles."""
    total = 0.0
    for insight in group:
        urgency = insight.prediction("urgency")
        rank = urgency_rank(urgency.label if urgency and not urgency.abstained else None, insight.kind)
        total += _WEIGHT[rank] * _entropy(insight.link.confidence if insight.link else 0.0)
    return total


def answer(store: Store, message_id: str, customer_id: str, *, same: bool, by: str) -> Decision:
    """Confirm (*same*) or reject that a customer wrote a message, and all others of the same question.

    Raises
    ------
    NotFoundError
        There is no such message or customer.
    UsageError
        The message waits for no decision.
    """
    full = store.messages.full_id(message_id)
    question = next((q for q in questions(store, limit=MOST_READ) if full in q.messages), None)
    if question is None:
        raise UsageError(
            f"The link of message {full[:12]} waits for no decision",
            hint="See what waits: textcrm link review. Any link can be changed: textcrm customers confirm | reject.",
        )
    kind: DecisionKind = "confirm" if same else "reject"
    return decide(store, kind, customer_id, messages=question.messages, by=by)


def _candidates(insight: Insight) -> tuple[str, ...]:
    return insight.link.candidates if insight.link is not None else ()


def _writer(message: Message) -> str:
    author = message.author
    return author.email or author.phone or author.handle or message.id


def _entropy(p: float) -> float:
    """Return the entropy of a yes or no in bits."""
    return 0.0 if p <= 0.0 or p >= 1.0 else -p * math.log2(p) - (1 - p) * math.log2(1 - p)
