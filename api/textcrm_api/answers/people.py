"""Answers about customers as people know them: what was decided, and what happened when."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from textcrm.records import Channel, LinkOutcome
from textcrm_api.answers.base import Answer


class DecisionOut(Answer):
    """What somebody decided: ``customer`` is ``other`` (merge), or ``messages`` are of one and not of the other."""

    id: str
    kind: Literal["merge", "split", "confirm", "reject"]
    customer: str
    other: str | None
    messages: list[str]
    by: str
    at: datetime
    undone: bool


class DecisionsOut(Answer):
    """The decisions that stand, oldest first."""

    items: list[DecisionOut]


class PastMessageOut(Answer):
    """A message of the past. Labels are the models'; None: abstained."""

    message_id: str
    channel: Channel
    link: LinkOutcome
    labels: dict[str, str | None]


class PastEventOut(Answer):
    """What a customer did, as another system says; ``amount`` as a decimal number in text."""

    id: str
    kind: str
    number: str | None
    amount: str | None
    currency: str | None


class MomentOut(Answer):
    """One moment: a message or an event."""

    at: datetime | None
    message: PastMessageOut | None
    event: PastEventOut | None


class MonthOut(Answer):
    """The mean sentiment of a month (``2026-09``), in [-1, 1]."""

    month: str
    sentiment: float


class CustomerTimelineOut(Answer):
    """All that happened with a customer, newest first, and what it comes to."""

    customer: str
    messages: int
    last_contact: datetime | None
    last_sentiment: str | None
    trend: Literal["better", "worse", "steady", "unknown"]
    open_intents: list[str]
    sentiment_by_month: list[MonthOut]
    moments: list[MomentOut]
