"""Jobs: much work at once, asked for by one call. What is still to do lies on the messages; here is the rest."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo.database import Database

from textcrm.errors import NotFoundError
from textcrm.store.codec import Document
from textcrm.store.insights import check_filters
from textcrm.store.messages import BACKFILL

State = Literal["waiting", "running", "done", "cancelled"]
OPEN: tuple[State, ...] = ("waiting", "running")


@dataclass(frozen=True)
class Job:
    """One job: analyse anew what fits.

    ``matched`` messages fitted when it was asked for, ``queued`` were put into the queue so far; ``walked`` once all
    were. ``standing`` are the pipelines whose insights are left as they are.
    """

    id: str
    filters: dict[str, str]
    since: datetime | None
    until: datetime | None
    standing: tuple[str, ...]
    state: State
    by: str
    at: datetime
    ended_at: datetime | None
    matched: int
    queued: int
    walked: bool
    cursor: str


class Jobs:
    """The jobs."""

    def __init__(self, database: Database[Document], now: Callable[[], datetime]) -> None:
        self._c = database["jobs"]
        self._messages = database["messages"]
        self._insights = database["insights"]
        self._now = now

    def add(
        self,
        *,
        filters: Mapping[str, str],
        since: datetime | None,
        until: datetime | None,
        standing: Sequence[str],
        by: str,
    ) -> Job:
        """Keep a job.

        Raises
        ------
        UsageError
            A filter names an unknown field.
        """
        document: Document = {
            "_id": secrets.token_hex(10),
            "filters": dict(filters),
            "since": since,
            "until": until,
            "standing": list(standing),
            "state": "waiting",
            "by": by,
            "at": self._now(),
            "ended_at": None,
            "queued": 0,
            "walked": False,
            "cursor": "",
        }
        query, source = self._matching(_job({**document, "matched": 0}))
        document["matched"] = source.count_documents(query)
        self._c.insert_one(document)
        return _job(document)

    def get(self, job_id: str) -> Job:
        """Return one job.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        document = self._c.find_one({"_id": {"$eq": job_id}})
        if document is None:
            raise NotFoundError(f"There is no job {job_id[:64]!r}")
        return _job(document)

    def list(self, *, limit: int = 50) -> list[Job]:
        """Return the jobs, newest first."""
        return [_job(d) for d in self._c.find({}).sort([("at", -1), ("_id", -1)]).limit(limit)]

    def lease(self, owner: str, lease: timedelta) -> Job | None:
        """Take or keep the right to carry the oldest open job on; None where there is none to be had."""
        now = self._now()
        free = {"$or": [{"lease.owner": owner}, {"lease": None}, {"lease.deadline": {"$lt": now}}]}
        found = self._c.find_one_and_update(
            {"state": {"$in": list(OPEN)}, **free},
            {"$set": {"state": "running", "lease": {"owner": owner, "deadline": now + lease}}},
            sort=[("walked", 1), ("at", 1)],
            return_document=True,
        )
        return None if found is None else _job(found)

    def give_up(self, owner: str) -> None:
        """Let another one carry on."""
        self._c.update_many({"lease.owner": owner}, {"$set": {"lease": None}})

    def walk(self, job: Job, *, limit: int) -> Job:
        """Put the next messages that fit into the queue; what was queued for this job before is not queued again."""
        query, source = self._matching(job)
        ids = [
            d["_id"]
            for d in source.find({"$and": [{"_id": {"$gt": job.cursor}}, query]}, {"_id": 1})
            .sort("_id", 1)
            .limit(limit)
        ]
        put = self._messages.update_many(
            {"_id": {"$in": ids}, "work.state": {"$in": ["done", "failed"]}, "work.job": {"$ne": job.id}},
            {
                "$set": {
                    "work.state": "pending",
                    "work.priority": BACKFILL,
                    "work.queued_at": self._now(),
                    "work.attempts": 0,
                    "work.job": job.id,
                }
            },
        )
        change: Document = {"$inc": {"queued": put.modified_count}, "$set": {"walked": len(ids) < limit}}
        if ids:
            change["$set"]["cursor"] = ids[-1]
        return _job(self._c.find_one_and_update({"_id": job.id}, change, return_document=True) or {})

    def left(self, job: Job) -> int:
        """Return how many messages of a job wait or are worked on."""
        return self._messages.count_documents({"work.job": job.id, "work.state": {"$in": ["pending", "leased"]}})

    def failed(self, job: Job) -> int:
        """Return how many messages of a job could not be analysed."""
        return self._messages.count_documents({"work.job": job.id, "work.state": "failed"})

    def finish(self, job: Job) -> None:
        """Note that all of a job is done."""
        self._c.update_one(
            {"_id": job.id, "state": "running"},
            {"$set": {"state": "done", "ended_at": self._now(), "lease": None}},
        )

    def cancel(self, job: Job) -> Job:
        """End an open job: what waits for it stays as it is. What is being worked on is finished."""
        self._c.update_one(
            {"_id": job.id, "state": {"$in": list(OPEN)}},
            {"$set": {"state": "cancelled", "ended_at": self._now(), "lease": None}},
        )
        self.withdraw(job)
        return self.get(job.id)

    def withdraw(self, job: Job) -> None:
        """Take what waits for a job out of the queue: done where there is an insight, else failed as before."""
        waiting: Document = {"work.job": job.id, "work.state": "pending"}
        known = {**waiting, "work.pipeline": {"$exists": True}}
        self._messages.update_many(known, {"$set": {"work.state": "done"}})
        self._messages.update_many(waiting, {"$set": {"work.state": "failed"}})

    def _matching(self, job: Job) -> tuple[Document, Any]:
        """Return the query of a job and the collection that it is asked of."""
        query = check_filters(job.filters)
        times = {sign: at for sign, at in (("$gte", job.since), ("$lt", job.until)) if at is not None}
        if times:
            query["sent_at"] = times
        by_message = set(query) <= {"channel", "sent_at"}
        if job.standing:
            query["work.pipeline" if by_message else "pipeline"] = {"$nin": list(job.standing)}
        return query, self._messages if by_message else self._insights


def _job(d: Document) -> Job:
    return Job(
        d["_id"],
        d["filters"],
        d["since"],
        d["until"],
        tuple(d["standing"]),
        d["state"],
        d["by"],
        d["at"],
        d["ended_at"],
        d["matched"],
        d["queued"],
        d["walked"],
        d["cursor"],
    )
