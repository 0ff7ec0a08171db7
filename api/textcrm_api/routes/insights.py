"""Insights: the queue of what to answer first."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from textcrm.operations.desk.views import queue
from textcrm.records import Channel, Kind, LinkOutcome
from textcrm_api import convert, cursors
from textcrm_api.answers import InsightOut, InsightsOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.service import ServiceDep

router = common.make("insights")


@router.get("/v1/insights", **needs("read"))
def list_insights(
    *,
    service: ServiceDep,
    channel: Channel | None = None,
    intent: common.Value = None,
    sentiment: common.Value = None,
    urgency: common.Value = None,
    customer: common.Value = None,
    language: common.Value = None,
    kind: Kind | None = None,
    link: LinkOutcome | None = None,
    product: common.Value = None,
    order: Annotated[Literal["urgency", "time"], Query(description="Most urgent first, or newest first.")] = "urgency",
    cursor: common.Cursor = None,
    limit: common.Limit = 50,
    offsets: common.Offsets = "codepoints",
) -> InsightsOut:
    """List insights, the most urgent first."""
    given = {
        "channel": channel,
        "intent": intent,
        "sentiment": sentiment,
        "urgency": urgency,
        "customer": customer,
        "language": language,
        "kind": kind,
        "link": link,
        "product": product,
    }
    rows = queue(
        service.store,
        filters={name: value for name, value in given.items() if value is not None},
        after=cursors.decode(cursor) if cursor is not None else None,
        limit=limit,
        newest_first=order == "time",
    )
    more = cursors.encode(*rows[-1].cursor) if len(rows) == limit else None
    shown = [service.shown_with(row.message, row.insight) for row in rows]
    items = [convert.insight(insight, message.text, offsets) for message, insight in shown]
    return InsightsOut(items=items, next=more)


@router.get("/v1/insights/{message_id}", **needs("read"))
def get_insight(message_id: common.PathId, service: ServiceDep, offsets: common.Offsets = "codepoints") -> InsightOut:
    """Return the insight of one message."""
    insight = service.store.insights.get(message_id)
    message, insight = service.shown_with(service.store.messages.get(message_id), insight)
    return convert.insight(insight, message.text, offsets)
