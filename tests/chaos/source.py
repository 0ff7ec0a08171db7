"""The messages of the chaos tests, made from their numbers alone: the checker makes them again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from textcrm.records import Author, Message, Source, message_key

CUSTOMERS = 97
POSTED = 1_000_000  # numbers from here on come in over HTTP


def numbered(number: int) -> Message:
    """Return the message with this number."""
    text = f"Message {number}: where is order {number * 7919 % 100_003}?"
    return Message(
        id=message_key("chat", external_id=str(number), content=text),
        channel="chat",
        text=text,
        author=Author(email=f"customer{number % CUSTOMERS}@example.com"),
        received_at=datetime(2026, 9, 1, tzinfo=UTC),
        source=Source(kind="chaos", place=number + 1, external_id=str(number)),
    )


def posted(number: int) -> dict[str, Any]:
    """Return the message with this number as a caller of the API sends it."""
    message = numbered(number)
    return {"id": str(number), "text": message.text, "channel": "chat", "author": {"email": message.author.email}}
