"""Trends: sentiment by period and channel."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from textcrm.operations.trends.trends import by_channel
from textcrm.records import Channel
from textcrm.store.rollup import Period
from textcrm_api.answers import PointOut, TrendsOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import Instant
from textcrm_api.service import ServiceDep

router = common.make("trends")


@router.get("/v1/trends", **needs("read"))
def get_trends(
    service: ServiceDep,
    by: Annotated[Period, Query(description="Weeks begin on Monday; all in UTC.")] = "week",
    channel: Channel | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
) -> TrendsOut:
    """Return how customers felt over time."""
    cells = by_channel(service.store, by=by, channel=channel, since=since, until=until)
    return TrendsOut(
        by=by,
        items=[
            PointOut(
                start=cell.start,
                channel=cell.key,
                negative=cell.mood.negative,
                neutral=cell.mood.neutral,
                positive=cell.mood.positive,
                unknown=cell.mood.unknown,
                total=cell.mood.total,
                net=cell.mood.net,
            )
            for cell in cells
        ],
    )
