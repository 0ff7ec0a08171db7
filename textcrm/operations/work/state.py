"""How the work stands: what waits, for how long, what failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from textcrm.store import Store
from textcrm.store.messages import WORK_STATES


@dataclass(frozen=True)
class Work:
    """Messages by work state. ``lag`` is how long the oldest message waits; None where none does.

    ``pipelines`` counts insights by the fingerprint of what made them.
    """

    states: dict[str, int]
    lag: timedelta | None
    insights: int
    customers: int
    provisional: int
    quarantined: int
    links: dict[str, int]
    pipelines: dict[str, int]


def work_now(store: Store) -> Work:
    """Return how the work stands."""
    counts = store.messages.counts()
    oldest = store.database["messages"].find_one(
        {"work.state": "pending"}, {"work.queued_at": 1}, sort=[("work.queued_at", 1)]
    )
    links = store.insights.counts("link")
    return Work(
        states={state: counts.get(state, 0) for state in WORK_STATES},
        lag=store.now() - oldest["work"]["queued_at"] if oldest else None,
        insights=sum(links.values()),
        customers=store.customers.count(provisional=False),
        provisional=store.customers.count(provisional=True),
        quarantined=store.quarantine.count(),
        links=links,
        pipelines=store.insights.counts("pipeline"),
    )
