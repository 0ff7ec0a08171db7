"""The desk: the queue as people filter it, one message with all that stands beside it, and what they do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from textcrm.errors import NotFoundError, UsageError
from textcrm.operations.access.users import colleagues
from textcrm.records import Customer, Insight, Message
from textcrm.store import Store
from textcrm.store.corrections import Correction
from textcrm.store.desk import STATES, Cursor, Desk, DeskState, Event, Queued, State, Wanted
from textcrm.store.rollup import Rollup

if TYPE_CHECKING:
    from textcrm.operations.desk.similar import Similar

FIELDS = ("channel", "intent", "sentiment", "urgency", "language", "customer", "product", "kind", "link", "topic")
NOBODY = DeskState()
MOST_NOTE = 4_000
MOST_SEARCH = 200
MOST_AT_ONCE = 200
SIMILAR_WORDS = 10
MOST_NEAR = 40


@dataclass(frozen=True)
class DeskRow:
    """One message of the queue with its customer; ``cursor`` goes on after it."""

    insight: Insight
    message: Message
    customer: Customer | None
    desk: DeskState
    cursor: Cursor


@dataclass(frozen=True)
class Opened:
    """One message at the desk with all that stands beside it."""

    row: DeskRow
    corrections: tuple[Correction, ...]
    history: tuple[Event, ...]
    timeline: tuple[DeskRow, ...]
    timeline_total: int


def desk_of(store: Store) -> Desk:
    """Return the desk of a store."""
    db = store.database
    return Desk(
        store.client,
        insights=db["insights"],
        messages=db["messages"],
        events=db["desk_events"],
        rollup=Rollup(store.client, db),
        now=store.now,
    )


def wanted_of(asked: Mapping[str, str], *, person: str) -> Wanted:
    """Return what a person asked to see.

    Parameters
    ----------
    asked
        Fields of `FIELDS`; ``state``, ``abstained`` (``yes``, ``no``), ``mine`` (``yes``), ``since`` and ``until``
        (dates, ISO 8601, both days included), ``search``.

    Raises
    ------
    UsageError
        A value cannot be.
    """
    state = asked.get("state") or "open"
    if state not in STATES:
        raise UsageError("There is no such state", options=STATES)
    chosen: State = next(s for s in STATES if s == state)
    abstained = {"yes": True, "no": False}.get(asked.get("abstained", ""))
    until = _day(asked.get("until"))
    return Wanted(
        equal=tuple((name, asked[name]) for name in FIELDS if asked.get(name)),
        abstained=abstained,
        assignee=person if asked.get("mine") == "yes" else None,
        state=chosen,
        since=_day(asked.get("since")),
        until=until + timedelta(days=1) if until else None,
        search=(asked.get("search") or "").strip()[:MOST_SEARCH] or None,
    )


def _day(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError("A date has the form 2026-09-30") from error


def queue_page(
    store: Store, wanted: Wanted, *, after: Cursor | None = None, limit: int = 50, newest_first: bool = False
) -> list[DeskRow]:
    """Return messages of the queue, each with its customer."""
    return _rows(store, desk_of(store).page(wanted, after=after, limit=limit, newest_first=newest_first))


def _rows(store: Store, found: Sequence[Queued]) -> list[DeskRow]:
    messages = store.messages.get_many([q.insight.message_id for q in found])
    ids = {q.insight.link.customer_id for q in found if q.insight.link and q.insight.link.customer_id}
    customers = store.customers.get_many(sorted(ids))
    return [
        DeskRow(
            q.insight,
            messages[q.insight.message_id],
            customers.get((q.insight.link and q.insight.link.customer_id) or ""),
            q.desk,
            q.cursor,
        )
        for q in found
        if q.insight.message_id in messages
    ]


def open_message(store: Store, message_id: str, *, timeline: int = 12) -> Opened:
    """Return one message with its customer, the customer's other messages, corrections and history.

    Raises
    ------
    NotFoundError
        It is unknown or not analysed yet.
    """
    desk = desk_of(store)
    queued = desk.get(message_id)
    message = store.messages.get(message_id)
    customer_id = queued.insight.link.customer_id if queued.insight.link else None
    customer = store.customers.get_many([customer_id]).get(customer_id) if customer_id else None
    rows, total = customer_timeline(store, customer, limit=timeline) if customer else ([], 0)
    return Opened(
        row=DeskRow(queued.insight, message, customer, queued.desk, queued.cursor),
        corrections=tuple(store.corrections.list(message_id=message_id)),
        history=tuple(desk.history(message_id)),
        timeline=tuple(rows),
        timeline_total=total,
    )


def customer_timeline(store: Store, customer: Customer, *, limit: int = 100) -> tuple[list[DeskRow], int]:
    """Return the messages of a customer, newest first, and how many there are (counted up to 1,001)."""
    wanted = Wanted(equal=(("customer", customer.id),), state="all")
    return queue_page(store, wanted, limit=limit, newest_first=True), desk_of(store).count(wanted)


def similar_in_meaning(store: Store, row: DeskRow, near: Similar, *, limit: int = 4) -> list[tuple[DeskRow, float]]:
    """Return earlier messages that are most similar in meaning, each with the cosine.

    Raises
    ------
    NotFoundError
        Nothing is known of the meaning of this message: no model reads sentences, or it waits for the worker.
    """
    message_id, at = row.cursor[2], row.cursor[1]
    found = near.to_message(message_id, limit=MOST_NEAR)
    alike = {o.brief.message_id: o.similarity for o in found if o.brief.sent_at <= at}
    return [(other, alike[other.cursor[2]]) for other in _rows(store, desk_of(store).some(list(alike)[:limit]))]


def similar(store: Store, row: DeskRow, *, limit: int = 4) -> list[DeskRow]:
    """Return earlier messages that share the rarest-looking words of this one (by the full-text index)."""
    words = {w for w in (w.strip(".,;:!?()[]\"'*-_/") for w in row.insight.clean[:4_000].split()) if len(w) > 4}
    chosen = sorted(words, key=lambda w: (-len(w), w))[:SIMILAR_WORDS]
    if not chosen:
        return []
    equal = (("intent", intent.label),) if (intent := row.insight.prediction("intent")) and not intent.abstained else ()
    wanted = Wanted(equal=equal, state="all", until=row.cursor[1], search=" ".join(w for w in chosen if w[0].isalpha()))
    if not wanted.search:
        return []
    own = {w.casefold() for w in chosen}
    rows = [r for r in queue_page(store, wanted, limit=60, newest_first=True) if r.cursor[2] != row.cursor[2]]
    shared = [(len(own & {w.strip(".,;:!?()").casefold() for w in r.insight.clean.split()}), r) for r in rows]
    return [r for n, r in sorted(shared, key=lambda pair: -pair[0]) if n >= 2][:limit]


def act(store: Store, ids: Sequence[str], action: str, *, by: str, to: str = "", hours: int = 24) -> int:
    """Do one thing to messages, and return to how many.

    Parameters
    ----------
    action
        ``take`` (assign to oneself), ``assign`` (to the user *to*), ``release``, ``close``, ``reopen``, ``snooze``
        (for *hours*).

    Raises
    ------
    UsageError
        There is no such action, nobody of that name who answers, or too many messages.
    """
    if len(ids) > MOST_AT_ONCE:
        raise UsageError(f"At most {MOST_AT_ONCE} messages can be changed at once")
    desk = desk_of(store)
    if action == "take":
        return desk.assign(ids, to=by, by=by)
    if action == "assign":
        if to not in (those := colleagues(store)):
            raise UsageError("Nobody of that name answers messages", options=those)
        return desk.assign(ids, to=to, by=by)
    if action == "release":
        return desk.assign(ids, to=None, by=by)
    if action == "close":
        return desk.close(ids, by=by)
    if action == "reopen":
        return desk.reopen(ids, by=by)
    if action == "snooze":
        return desk.snooze(ids, until=store.now() + timedelta(hours=min(max(hours, 1), 24 * 90)), by=by)
    raise UsageError("There is no such action", options=("take", "assign", "release", "close", "reopen", "snooze"))


def add_note(store: Store, message_id: str, *, text: str, by: str) -> None:
    """Keep a note beside a message.

    Raises
    ------
    NotFoundError
        The message is not at the desk.
    UsageError
        The note is empty or too long.
    """
    text = text.strip().replace("\0", "").encode("utf-8", "replace").decode()
    if not text or len(text) > MOST_NOTE:
        raise UsageError(f"A note has 1 to {MOST_NOTE} characters")
    desk = desk_of(store)
    desk.get(message_id)
    desk.note(message_id, text=text, by=by)


def next_after(store: Store, wanted: Wanted, cursor: Cursor, *, newest_first: bool = False) -> str | None:
    """Return the id of the message that follows in the queue, or None at its end."""
    found = desk_of(store).page(wanted, after=cursor, limit=1, newest_first=newest_first)
    return found[0].insight.message_id if found else None


def raw_mail(store: Store, message_id: str) -> bytes | None:
    """Return the bytes of a mail as received, or None where they are not kept."""
    name = store.messages.get(message_id).raw_sha256
    if name is None:
        return None
    try:
        return store.raws.get(name)
    except NotFoundError:
        return None
