"""What people look at: the queue, and how its messages are shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textcrm.records import Customer, Insight, Message
from textcrm.store import Store

Cursor = tuple[int, datetime, str]


@dataclass(frozen=True)
class QueueRow:
    """One message of the queue with all that stands beside it; ``cursor`` goes on after it."""

    insight: Insight
    message: Message
    customer: Customer | None
    cursor: Cursor


def queue(
    store: Store,
    *,
    filters: dict[str, str] | None = None,
    after: Cursor | None = None,
    limit: int = 50,
    newest_first: bool = False,
) -> list[QueueRow]:
    """Return messages in order of urgency, newest first within the same, with their customers.

    Raises
    ------
    UsageError
        A filter names an unknown field.
    """
    found = store.insights.queue(filters=filters, after=after, limit=limit, newest_first=newest_first)
    messages = store.messages.get_many([insight.message_id for insight, _ in found])
    ids = {insight.link.customer_id for insight, _ in found if insight.link and insight.link.customer_id}
    customers = store.customers.get_many(sorted(ids))
    return [
        QueueRow(
            insight,
            messages[insight.message_id],
            customers.get((insight.link and insight.link.customer_id) or ""),
            cursor,
        )
        for insight, cursor in found
    ]


def own_text(insight: Insight, message: Message) -> str:
    """Return the author's own words as they were written; for HTML, as they were cleaned."""
    if message.content_type == "text/html" or not insight.parts:
        return insight.clean
    own = [message.text[part.start : part.end] for part in insight.parts if part.kind in ("own", "closing")]
    return "".join(own).strip() or insight.clean


def snippet(insight: Insight, message: Message, *, length: int = 80) -> str:
    """Return the subject and the beginning of the author's own words, on one line."""
    head = f"{message.subject.strip()} — " if message.subject else ""
    text = " ".join((head + own_text(insight, message)).split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def author_name(message: Message, customer: Customer | None) -> str:
    """Return what to call the author of a message."""
    known = customer.name if customer else None
    author = message.author
    return known or author.name or author.handle or author.email or author.phone or "unknown"
