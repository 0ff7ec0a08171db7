"""Read much in order: messages with what is known of them, page by page, so that no cursor has to live long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from textcrm.records import Insight, Message
from textcrm.store.codec import Document, insight_of, message_of
from textcrm.store.insights import check_filters

AT_ONCE = 500


@dataclass(frozen=True)
class Exported:
    """One message. ``labels`` are those that stand, by task: the person's where one corrected it; None: abstained."""

    message: Message
    insight: Insight | None
    labels: Mapping[str, str | None]


def messages_with_insights(
    database: Database[Document],
    *,
    filters: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    at_once: int = AT_ONCE,
) -> Iterator[list[Exported]]:
    """Yield messages newest first, in pages; rows that arrive meanwhile shift nothing.

    Parameters
    ----------
    filters
        As of the queue; those that ask for what is known of a message leave out what was not analysed yet.
    since, until
        Sent in ``[since, until)``.

    Raises
    ------
    UsageError
        A filter names an unknown field.
    """
    query = check_filters(dict(filters or {}))
    times = {sign: at for sign, at in (("$gte", since), ("$lt", until)) if at is not None}
    if times:
        query["sent_at"] = times
    source = database["messages" if set(query) <= {"channel", "sent_at"} else "insights"]
    after: Document = {}
    while True:
        rows = source.find({"$and": [query, after]}, {"sent_at": 1}).sort([("sent_at", -1), ("_id", -1)])
        places = [(d["_id"], d["sent_at"]) for d in rows.limit(at_once)]
        if not places:
            return
        ids = [i for i, _ in places]
        messages = {d["_id"]: message_of(d) for d in database["messages"].find({"_id": {"$in": ids}})}
        insights = {d["_id"]: d for d in database["insights"].find({"_id": {"$in": ids}})}
        yield [_exported(messages[i], insights.get(i)) for i in ids if i in messages]
        last, at = places[-1]
        after = {"$or": [{"sent_at": {"$lt": at}}, {"sent_at": at, "_id": {"$lt": last}}]}


def _exported(message: Message, document: Document | None) -> Exported:
    if document is None:
        return Exported(message, None, {})
    insight = insight_of(document)
    return Exported(message, insight, {p.task: document.get(p.task) for p in insight.predictions})
