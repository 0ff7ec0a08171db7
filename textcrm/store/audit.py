"""The audit log: who wrote what and who read which texts, as a chain that shows where somebody changed it.

Each entry carries an HMAC of itself and of the HMAC before it; the key is not in the database. The number and the
HMAC of the newest entry stand sealed in the database, and in a file outside of it: a chain that ends before them was
cut. An entry's number is its ``_id``, so that of two writers who want the same number one takes the next.

References
----------
RFC 2104 (HMAC); Schneier and Kelsey 1999, "Secure audit logs to support computer forensics" (hash chains).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pymongo import WriteConcern
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from textcrm.store.codec import Document
from textcrm.store.private import write_private

Kind = Literal["read", "write", "alarm"]
KINDS: tuple[Kind, ...] = ("read", "write", "alarm")
MOST_ABOUT = 200
MOST_PROBLEMS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_START = ""
_FIELDS = frozenset(("_id", "at", "who", "kind", "action", "about", "request", "previous", "mac"))


@dataclass(frozen=True)
class Deed:
    """What is to be written down.

    ``who`` is ``key:ID``, ``person:NAME`` or ``terminal:USER``; ``action`` the route or the command; ``about`` the ids
    of what was written, or of the messages whose text was read. Never a text.
    """

    who: str
    kind: Kind
    action: str
    about: tuple[str, ...] = ()
    request: str = ""


@dataclass(frozen=True)
class Entry:
    """A deed as it stands in the log."""

    number: int
    at: datetime
    deed: Deed
    mac: str


@dataclass(frozen=True)
class Verified:
    """What a check of the log found. ``problems`` are in words, at most the first twenty."""

    entries: int
    problems: tuple[str, ...]


@dataclass
class _Batch:
    """Deeds that are written together."""

    deeds: list[Deed] = field(default_factory=list)
    written: bool = False
    error: PyMongoError | None = None


class AuditLog:
    """The log of one database.

    Parameters
    ----------
    key
        Of the HMACs.
    anchor
        File outside the database that names the newest entry.
    """

    def __init__(self, database: Database[Document], now: Callable[[], datetime], *, key: bytes, anchor: Path) -> None:
        self._c = database["audit"]
        self._heads = database["audit_head"].with_options(write_concern=WriteConcern(w=1))
        self._now = now
        self._key = key
        self._anchor = anchor
        self._gather = threading.Lock()
        self._turn = threading.Lock()
        self._waiting = _Batch()
        self._last: tuple[int, str] | None = None

    def append(self, *deeds: Deed) -> None:
        """Write *deeds* down and return once they are kept. Callers at the same moment share one write."""
        if not deeds:
            return
        with self._gather:
            batch = self._waiting
            batch.deeds += deeds
        with self._turn:
            if not batch.written:  # else whoever had the turn before took ours along
                with self._gather:
                    self._waiting = _Batch()
                self._write(batch)
        if batch.error is not None:
            raise batch.error

    def page(
        self,
        *,
        before: int | None = None,
        who: str | None = None,
        kind: Kind | None = None,
        about: str | None = None,
        limit: int = 50,
    ) -> list[Entry]:
        """Return entries, newest first, from before the number *before*."""
        wanted: Document = {} if before is None else {"_id": {"$lt": before}}
        for name, value in (("who", who), ("kind", kind), ("about", about)):
            if value is not None:
                wanted[name] = {"$eq": value}
        return [_entry(d) for d in self._c.find(wanted).sort("_id", -1).limit(limit)]

    def verify(self) -> Verified:
        """Read the whole log and say where it was changed."""
        marks = [("database", self._head()), ("file beside it", self._anchored())]
        problems: list[str] = []
        if marks[0][1] is None and self._heads.find_one({"_id": "head"}) is not None:
            problems.append("The mark of the newest entry in the database was changed.")
        count, previous = 0, _START
        macs = {number: mac for _, mark in marks if mark for number, mac in (mark,)}
        for document in self._c.find({}).sort("_id", 1):
            count += 1
            number = document["_id"]
            if number != count:
                problems.append(f"Before entry {number}, {number - count} are missing.")
                count = number
            elif document.get("previous") != previous:
                problems.append(f"Entry {number} does not follow the one before it.")
            if document.keys() != _FIELDS or not hmac.compare_digest(self._mac(document), str(document["mac"])):
                problems.append(f"Entry {number} was changed.")
            elif document["kind"] == "alarm":
                problems.append(f"Entry {number}, an alarm: {document['action']}.")
            if number in macs and macs[number] != document.get("mac"):
                problems.append(f"Entry {number} is another one than was written.")
            previous = str(document.get("mac"))
            if len(problems) >= MOST_PROBLEMS:
                break
        else:
            for where, mark in marks:
                if mark is not None and mark[0] > count:
                    problems.append(f"The end was cut: the {where} knows {mark[0]} entries, {count} are there.")
        return Verified(count, tuple(problems))

    def _write(self, batch: _Batch) -> None:
        batch.written = True
        try:
            self._chain(batch.deeds)
        except PyMongoError as error:
            self._last, batch.error = None, error

    def _chain(self, deeds: Sequence[Deed]) -> None:
        at = self._now()
        left = list(deeds)
        if self._last is None:
            self._last, alarm = self._load()
            left = [*alarm, *left]
        while left:
            number, mac = self._last
            documents: list[Document] = []
            for deed in left:
                number += 1
                document = _document(number, at, deed, previous=mac)
                mac = document["mac"] = self._mac(document)
                documents.append(document)
            try:
                self._c.insert_many(documents)
            except (BulkWriteError, DuplicateKeyError) as error:
                if not _taken(error):
                    raise
                # another process has the number: go on after its entry, with what is not in yet
                done = error.details.get("nInserted", 0) if isinstance(error, BulkWriteError) and error.details else 0
                left = left[done:]
                self._last, alarm = self._load()
                left = [*alarm, *left]
                continue
            self._last, left = (number, mac), []
        self._set_head(*self._last)

    def _load(self) -> tuple[tuple[int, str], list[Deed]]:
        """Return the newest entry, and an alarm where the log ends before what is known of it."""
        known = [mark for mark in (self._head(), self._anchored()) if mark is not None]
        found = self._c.find_one({}, {"mac": 1}, sort=[("_id", -1)])
        last = (0, _START) if found is None else (int(found["_id"]), str(found["mac"]))
        alarms = []
        most = max(known, default=None)
        if most is not None and most[0] > last[0]:
            action = f"the end was cut: {most[0]} entries were known, {last[0]} are there"
            alarms.append(Deed("textcrm", "alarm", action))
        return last, alarms

    def _mac(self, d: Document) -> str:
        at = (d["at"] - _EPOCH) // timedelta(milliseconds=1) if isinstance(d.get("at"), datetime) else None
        names = ("_id", "who", "kind", "action", "about", "request", "previous")
        content = json.dumps([at, *(d.get(name) for name in names)], default=str, separators=(",", ":"))
        return hmac.new(self._key, content.encode(), hashlib.sha256).hexdigest()

    def _seal(self, number: int, mac: str) -> str:
        return hmac.new(self._key, f"head {number} {mac}".encode(), hashlib.sha256).hexdigest()

    def _set_head(self, number: int, mac: str) -> None:
        head = {"number": number, "mac": mac, "seal": self._seal(number, mac)}
        with suppress(DuplicateKeyError):  # another process is further
            self._heads.update_one({"_id": "head", "number": {"$lt": number}}, {"$set": head}, upsert=True)
        write_private(self._anchor, json.dumps([number, mac]), durable=False)

    def _head(self) -> tuple[int, str] | None:
        found = self._heads.find_one({"_id": "head"})
        if found is None or not hmac.compare_digest(self._seal(found["number"], found["mac"]), str(found["seal"])):
            return None
        return int(found["number"]), str(found["mac"])

    def _anchored(self) -> tuple[int, str] | None:
        try:
            number, mac = json.loads(self._anchor.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None
        return int(number), str(mac)

    def __iter__(self) -> Iterator[Entry]:
        """Yield all entries, oldest first."""
        return (_entry(d) for d in self._c.find({}).sort("_id", 1))


def _taken(error: BulkWriteError | DuplicateKeyError) -> bool:
    if isinstance(error, DuplicateKeyError):
        return True
    return all(e.get("code") == 11000 for e in (error.details or {}).get("writeErrors", [{}]))


def _document(number: int, at: datetime, deed: Deed, *, previous: str) -> Document:
    return {
        "_id": number,
        "at": at,
        "who": deed.who,
        "kind": deed.kind,
        "action": deed.action,
        "about": list(deed.about[:MOST_ABOUT]),
        "request": deed.request,
        "previous": previous,
    }


def _entry(d: Document) -> Entry:
    deed = Deed(d["who"], d["kind"], d["action"], tuple(d["about"]), d["request"])
    return Entry(d["_id"], d["at"], deed, d["mac"])
