"""What people look at: the queue, and the trends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textcrm.records import Channel, Customer, Insight, Message
from textcrm.store import Store
from textcrm.store.insights import Period, Point

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


def trend(
    store: Store,
    *,
    by: Period = "week",
    channel: Channel | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Point]:
    """Return sentiment counts by period and channel, oldest first."""
    return store.insights.trend(by=by, channel=channel, since=since, until=until)


def snippet(insight: Insight, message: Message, *, length: int = 80) -> str:
    """Return the subject and the beginning of the author's own text, on one line."""
    head = f"{message.subject.strip()} — " if message.subject else ""
    text = " ".join((head + insight.clean).split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
