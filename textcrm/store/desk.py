"""The desk's own state of messages: who has one, what is closed or asleep, what people noted and corrected.

It lies as ``desk`` on the document of the insight, where the queue can filter and sort by it, and outlives a new
analysis. What was done, by whom and when is kept in the collection ``desk_events``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from textcrm.errors import NotFoundError
from textcrm.records import Insight
from textcrm.store.codec import URGENCY_RANK, Document, insight_of
from textcrm.store.insights import check_filters
from textcrm.store.rollup import Rollup

Cursor = tuple[int, datetime, str]
State = Literal["open", "snoozed", "closed", "all"]
EventKind = Literal["assign", "unassign", "close", "reopen", "snooze", "wake", "note", "correct", "undo"]
STATES: tuple[State, ...] = ("open", "snoozed", "closed", "all")
MOST_COUNTED = 1000
ANY_TIME = {"$gt": datetime(1, 1, 1, tzinfo=UTC)}  # a bound: then filters go by the index, and not by the documents
_PATIENCE_MS = 5_000


@dataclass(frozen=True)
class DeskState:
    """What people did with a message. ``labels`` are the labels they corrected, task and label."""

    assignee: str | None = None
    closed: datetime | None = None
    until: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Which messages the queue shows. ``equal`` are fields of `textcrm.store.insights.FILTERS` and their values."""

    equal: tuple[tuple[str, str], ...] = ()
    abstained: bool | None = None
    assignee: str | None = None
    state: State = "open"
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None


@dataclass(frozen=True)
class Queued:
    """One message of the queue; ``cursor`` goes on after it."""

    insight: Insight
    desk: DeskState
    cursor: Cursor


@dataclass(frozen=True)
class Event:
    """One thing that somebody did at the desk."""

    message_id: str
    kind: EventKind
    by: str
    at: datetime
    text: str = ""


class Desk:
    """Reads the queue and writes what people do with it."""

    def __init__(
        self,
        client: MongoClient[Document],
        *,
        insights: Collection[Document],
        messages: Collection[Document],
        events: Collection[Document],
        rollup: Rollup,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._c = insights
        self._messages = messages
        self._events = events
        self._rollup = rollup
        self._now = now

    def page(
        self, wanted: Wanted, *, after: Cursor | None = None, limit: int = 50, newest_first: bool = False
    ) -> list[Queued]:
        """Return messages in order of urgency (or of time), newest first within the same."""
        query = self._query(wanted)
        keys = ["sent_at", "_id"] if newest_first else ["rank", "sent_at", "_id"]
        if newest_first:
            query.setdefault("sent_at", ANY_TIME)
        if after is not None:
            rank, at, last = after
            older: list[Document] = [{"sent_at": {"$lt": at}}, {"sent_at": at, "_id": {"$lt": last}}]
            deeper = older if newest_first else [{"rank": {"$lt": rank}}, *({"rank": rank, **part} for part in older)]
            query = {"$and": [query, {"$or": deeper}]}
        rows = self._c.find(query).sort([(key, -1) for key in keys]).limit(limit).max_time_ms(_PATIENCE_MS)
        return [Queued(insight_of(d), _state(d), (d["rank"], d["sent_at"], d["_id"])) for d in rows]

    def count(self, wanted: Wanted, *, most: int = MOST_COUNTED) -> int:
        """Return how many messages are wanted, counted up to *most* + 1."""
        return self._c.count_documents(self._query(wanted), limit=most + 1, maxTimeMS=_PATIENCE_MS)

    def get(self, message_id: str) -> Queued:
        """Return one message.

        Raises
        ------
        NotFoundError
            It is unknown or not analysed yet.
        """
        d = self._c.find_one({"_id": {"$eq": message_id}})
        if d is None:
            raise NotFoundError("There is no such message at the desk", hint="It may not be analysed yet.")
        return Queued(insight_of(d), _state(d), (d["rank"], d["sent_at"], d["_id"]))

    def some(self, ids: Sequence[str]) -> list[Queued]:
        """Return those of the messages *ids* that are at the desk, in their order."""
        found = {d["_id"]: d for d in self._c.find({"_id": {"$in": list(ids)}})}
        rows = [found[message_id] for message_id in ids if message_id in found]
        return [Queued(insight_of(d), _state(d), (d["rank"], d["sent_at"], d["_id"])) for d in rows]

    def states(self, ids: Sequence[str]) -> dict[str, DeskState]:
        """Return the desk's state of messages, by id."""
        return {d["_id"]: _state(d) for d in self._c.find({"_id": {"$in": list(ids)}}, {"desk": 1})}

    def values(self, field: str) -> list[str]:
        """Return the values that *field* (one of `FILTERS`) takes, sorted."""
        check_filters({field: ""})
        return sorted(value for value in self._c.distinct(field) if isinstance(value, str))

    def assign(self, ids: Sequence[str], *, to: str | None, by: str) -> int:
        """Give messages to a person, or to nobody."""
        return self._act(ids, {"desk.assignee": to}, kind="assign" if to else "unassign", by=by, text=to or "")

    def close(self, ids: Sequence[str], *, by: str) -> int:
        """Close messages."""
        return self._act(ids, {"desk.closed": self._now(), "desk.until": None}, kind="close", by=by)

    def reopen(self, ids: Sequence[str], *, by: str) -> int:
        """Put closed or sleeping messages back into the queue."""
        return self._act(ids, {"desk.closed": None, "desk.until": None}, kind="reopen", by=by)

    def snooze(self, ids: Sequence[str], *, until: datetime, by: str) -> int:
        """Take messages out of the queue until a time."""
        return self._act(ids, {"desk.until": until}, kind="snooze", by=by, text=until.isoformat())

    def note(self, message_id: str, *, text: str, by: str) -> None:
        """Keep a note beside a message."""
        self._act([message_id], {}, kind="note", by=by, text=text)

    def relabel(self, message_id: str, *, labels: dict[str, str], kind: EventKind, by: str, text: str) -> None:
        """Make the corrected labels those that the queue and the trends go by.

        Parameters
        ----------
        labels
            Task to label: all corrections of the message that stand.
        """
        found = self.get(message_id)
        insight = found.insight
        fields: Document = {p.task: None if p.abstained else p.label for p in insight.predictions}
        fields.update(labels)
        fields["abstained"] = any(p.abstained and p.task not in labels for p in insight.predictions)
        asked = insight.kind in ("request", "empty")
        fields["rank"] = URGENCY_RANK.get(fields.get("urgency") or "normal", 1) if asked else -1
        changed = {name: fields[name] for name in (*labels, "abstained", "rank")} if labels else {}
        fields |= {"desk.labels": labels, "desk.fields": changed}
        self._act([message_id], fields, kind=kind, by=by, text=text, day=found.cursor[1])

    def history(self, message_id: str) -> list[Event]:
        """Return what was done with a message, oldest first."""
        rows = self._events.find({"message": {"$eq": message_id}}).sort([("at", 1), ("_id", 1)]).limit(500)
        return [Event(d["message"], d["kind"], d["by"], d["at"], d["text"]) for d in rows]

    def _act(
        self,
        ids: Sequence[str],
        fields: Document,
        *,
        kind: EventKind,
        by: str,
        text: str = "",
        day: datetime | None = None,
    ) -> int:
        """Change messages and keep that somebody did; *day* is to be counted anew by the trends."""
        now = self._now()

        def write(session: ClientSession) -> int:
            known = [d["_id"] for d in self._c.find({"_id": {"$in": list(ids)}}, {"_id": 1}, session=session)]
            if not known:
                return 0
            if fields:
                self._c.update_many({"_id": {"$in": known}}, {"$set": fields}, session=session)
            if day is not None:
                self._rollup.mark([day], session=session)
            events = [{"message": i, "kind": kind, "by": by, "at": now, "text": text} for i in known]
            self._events.insert_many(events, session=session)
            return len(known)

        with self._client.start_session() as session:
            return session.with_transaction(write)

    def _query(self, wanted: Wanted) -> Document:
        query = check_filters(dict(wanted.equal))
        if wanted.abstained is not None:
            query["abstained"] = wanted.abstained
        if wanted.assignee is not None:
            query["desk.assignee"] = {"$eq": wanted.assignee}
        bounds = {k: v for k, v in (("$gte", wanted.since), ("$lt", wanted.until)) if v is not None}
        if bounds:
            query["sent_at"] = bounds
        if wanted.state != "all":
            query["desk.closed"] = {"$ne": None} if wanted.state == "closed" else None
        if wanted.state == "snoozed":
            query["desk.until"] = {"$gt": self._now()}
        elif wanted.state == "open":
            query["desk.until"] = {"$not": {"$gt": self._now()}}
        if wanted.search:
            query["_id"] = {"$in": self._found(wanted.search)}
        return query

    def _found(self, words: str) -> list[str]:
        """Return the ids of the best 2,000 messages that hold the words."""
        score = {"$meta": "textScore"}
        rows = self._messages.find({"$text": {"$search": words}}, {"_id": 1, "score": score})
        return [d["_id"] for d in rows.sort([("score", score)]).limit(2_000).max_time_ms(_PATIENCE_MS)]


def _state(document: Document) -> DeskState:
    desk = document.get("desk") or {}
    return DeskState(
        assignee=desk.get("assignee"),
        closed=_utc(desk.get("closed")),
        until=_utc(desk.get("until")),
        labels=tuple(sorted((desk.get("labels") or {}).items())),
    )


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
