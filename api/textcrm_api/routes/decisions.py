"""What people decide about customers, and what happened with each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query

from textcrm.link.decisions import Decision
from textcrm.operations.customers.insights import customer_view
from textcrm.operations.links.decisions import decide, decisions, undo
from textcrm.records import CustomerEvent, Insight
from textcrm_api.answers import (
    CustomerTimelineOut,
    DecisionOut,
    DecisionsOut,
    MomentOut,
    MonthOut,
    PastEventOut,
    PastMessageOut,
)
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import MergeIn, SplitIn
from textcrm_api.service import CallerDep, ServiceDep

router = common.make("customers")


@router.post("/v1/customers/{customer_id}/merge", **needs("write"))
def merge_customer(customer_id: common.PathId, body: MergeIn, service: ServiceDep, caller: CallerDep) -> DecisionOut:
    """Say that a customer is the same person as another one, whose record stays. Can be undone."""
    return _out(decide(service.store, "merge", customer_id, other=body.into, by=f"key:{caller.id}"))


@router.post("/v1/customers/{customer_id}/split", **needs("write"))
def split_customer(customer_id: common.PathId, body: SplitIn, service: ServiceDep, caller: CallerDep) -> DecisionOut:
    """Say that messages are not of a customer but of another one. Can be undone."""
    made = decide(service.store, "split", customer_id, other=body.to, messages=body.messages, by=f"key:{caller.id}")
    return _out(made)


@router.get("/v1/decisions", **needs("read"))
def list_decisions(service: ServiceDep) -> DecisionsOut:
    """List the decisions about customers that stand, oldest first."""
    return DecisionsOut(items=[_out(decision) for decision in decisions(service.store)])


@router.delete("/v1/decisions/{decision_id}", **needs("write"))
def undo_decision(decision_id: common.PathId, service: ServiceDep) -> DecisionOut:
    """Take a decision back; all is as if it had never been made. It stays on record."""
    return _out(undo(service.store, decision_id))


@router.get("/v1/customers/{customer_id}/timeline", **needs("read"))
def get_timeline(
    customer_id: common.PathId,
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=1000, description="The newest moments.")] = 100,
) -> CustomerTimelineOut:
    """Return what happened with a customer: messages and events by time, newest first, and what it comes to."""
    view = customer_view(service.store, customer_id)
    return CustomerTimelineOut(
        customer=view.customer.id,
        messages=view.fields.messages,
        last_contact=view.fields.last_contact,
        last_sentiment=view.fields.last_sentiment,
        trend=view.fields.trend,
        open_intents=list(view.open_intents),
        sentiment_by_month=[MonthOut(month=month, sentiment=value) for month, value in view.sentiment_by_month],
        moments=[_moment(at, what) for at, what in view.moments[:limit]],
    )


def _moment(at: datetime | None, what: Insight | CustomerEvent) -> MomentOut:
    if isinstance(what, Insight):
        labels = {p.task: None if p.abstained else p.label for p in what.predictions}
        link = what.link.outcome if what.link else "none"
        message = PastMessageOut(message_id=what.message_id, channel=what.channel, link=link, labels=labels)
        return MomentOut(at=at, message=message, event=None)
    amount = None if what.amount is None else str(what.amount)
    event = PastEventOut(id=what.id, kind=what.kind, number=what.number, amount=amount, currency=what.currency)
    return MomentOut(at=at, message=None, event=event)


def _out(decision: Decision) -> DecisionOut:
    return DecisionOut(
        id=decision.id,
        kind=decision.kind,
        customer=decision.customer,
        other=decision.other,
        messages=list(decision.messages),
        by=decision.by,
        at=decision.at,
        undone=decision.undone,
    )
