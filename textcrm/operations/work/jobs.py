"""Analyse much anew: asked for by one call, carried on by the worker behind all that is new, resumed after any end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError

from textcrm.errors import ConflictError, StoreError
from textcrm.operations.work.stream import lag
from textcrm.store import Store
from textcrm.store.jobs import OPEN, Job

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
AT_ONCE = 1_000
IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Progress:
    """How a job stands. ``seconds_left`` at the rate of the last minute; None while nothing moves or where it ended."""

    job: Job
    done: int
    failed: int
    left: int
    seconds_left: float | None


def start_job(
    store: Store,
    *,
    by: str,
    filters: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    standing: Sequence[str] = (),
) -> Progress:
    """Have messages analysed anew: all, or those that fit.

    Parameters
    ----------
    filters
        As of the queue (`textcrm.store.insights.FILTERS`).
    since, until
        Sent in ``[since, until)``.
    standing
        Fingerprints of pipelines whose insights are left as they are; none: all are made anew.

    Raises
    ------
    UsageError
        A filter names an unknown field.
    """
    return job_progress(
        store, store.jobs.add(filters=filters or {}, since=since, until=until, standing=standing, by=by)
    )


def job_progress(store: Store, job: Job) -> Progress:
    """Return how a job stands."""
    left = store.jobs.left(job)
    coming = 0 if job.walked or job.state not in OPEN else max(0, job.matched - job.queued)
    seconds = None
    if job.state in OPEN:
        now = lag(store)
        seconds = (now.waiting + left + coming) / now.rate if now.rate else None
    failed = store.jobs.failed(job)
    return Progress(job, max(0, job.queued - left - failed), failed, left + coming, seconds)


def cancel_job(store: Store, job_id: str) -> Progress:
    """End a job; the insights that stand stay.

    Raises
    ------
    NotFoundError
        There is none with this id.
    ConflictError
        It has ended.
    """
    job = store.jobs.get(job_id)
    if job.state not in OPEN:
        raise ConflictError(f"The job is {job.state}", hint="Nothing is left of it to cancel.")
    return job_progress(store, store.jobs.cancel(job))


def run_jobs(store: Store, *, owner: str, stop: threading.Event) -> None:
    """Carry the jobs on until *stop*; of several that want to, one does each."""
    while not stop.is_set():
        try:
            moved = carry_on(store, owner=owner)
        except (StoreError, PyMongoError) as error:
            log.warning("jobs wait for the database: %s", type(error).__name__)
            moved = False
        if not moved:
            stop.wait(IDLE_SECONDS)
    try:
        store.jobs.give_up(owner)
    except (StoreError, PyMongoError):
        log.warning("the lease of a job runs out by itself")


def carry_on(store: Store, *, owner: str, at_once: int = AT_ONCE) -> bool:
    """Take one step with the oldest open job; tell whether there was something to do."""
    job = store.jobs.lease(owner, LEASE)
    if job is None:
        return False
    if not job.walked:
        after = store.jobs.walk(job, limit=at_once)
        if after.state == "cancelled":  # between the lease and the step
            store.jobs.withdraw(after)
        return True
    if store.jobs.left(job) == 0:
        store.jobs.finish(job)
        log.info("job %s: done", job.id)
        return True
    return False
