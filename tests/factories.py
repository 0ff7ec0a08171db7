"""Records made by hand for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from textcrm.records import (
    Author,
    Insight,
    LabelScore,
    Language,
    Link,
    Message,
    Prediction,
    Source,
    message_key,
)

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def message(text: str = "Where is my order?", **fields: Any) -> Message:
    """Return a chat message; its id follows from its text."""
    channel = fields.setdefault("channel", "chat")
    external_id = fields.pop("external_id", None)
    fields.setdefault("id", message_key(channel, external_id=external_id, content=text))
    fields.setdefault("received_at", NOON)
    fields.setdefault("source", Source(kind="test", external_id=external_id))
    fields.setdefault("author", Author(email="ann@example.com"))
    return Message(text=text, **fields)


def prediction(task: str, label: str, confidence: float = 0.9, **fields: Any) -> Prediction:
    """Return a prediction with one label."""
    return Prediction(
        task=task, label=label, confidence=confidence, top=(LabelScore(label=label, confidence=confidence),), **fields
    )


def insight(of: Message, *, urgency: str = "normal", sentiment: str = "neutral", **fields: Any) -> Insight:
    """Return an insight of a message."""
    fields.setdefault("predictions", (prediction("urgency", urgency), prediction("sentiment", sentiment)))
    return Insight(
        message_id=of.id,
        channel=of.channel,
        made_at=NOON,
        pipeline=fields.pop("pipeline", "p1"),
        language=Language(code="en", confidence=0.99, supported=True),
        kind=fields.pop("kind", "request"),
        clean=of.text,
        entities=(),
        link=fields.pop("link", Link(customer_id=None, outcome="none", confidence=0.0)),
        **fields,
    )
