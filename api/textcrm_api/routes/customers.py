"""Customers: upsert, get, list, and what each wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated

from fastapi import Header, Query, Response

from textcrm.errors import NotFoundError
from textcrm.link import normalise
from textcrm.operations.intake.accept import put_customers, replace_customer, sent_customer
from textcrm.records import Customer, Insight
from textcrm_api import convert, cursors
from textcrm_api.answers import (
    CustomerDetailOut,
    CustomerMessagesOut,
    CustomerOut,
    CustomersOut,
    CustomersStoredOut,
    TimelineOut,
)
from textcrm_api.eyes import eyes
from textcrm_api.gate import needs
from textcrm_api.problems import ProblemError
from textcrm_api.routes import router as common
from textcrm_api.schemas import CustomerIn, CustomersIn
from textcrm_api.service import Service, ServiceDep

router = common.make("customers")
IfMatch = Annotated[
    str | None, Header(pattern=r'^(\*|"[0-9a-f]{32}")$', description="`ETag` of what was read, or `*`: must exist.")
]


@router.get("/v1/customers", **needs("read"))
def list_customers(
    *,
    service: ServiceDep,
    email: common.Value = None,
    phone: common.Value = None,
    handle: common.Value = None,
    number: common.Value = None,
    cursor: Annotated[str | None, Query(max_length=128, description="`next` of the page before.")] = None,
    limit: common.Limit = 50,
) -> CustomersOut:
    """List customers by id, or find those that carry an exact identifier, which needs the scope `text`."""
    wanted = [
        ("email", normalise.email(email) if email else None),
        ("phone", normalise.phone(phone, service.settings.region) if phone else None),
        ("handle", normalise.handle(handle) if handle else None),
        ("number", number.strip().casefold() if number else None),
    ]
    if any((email, phone, handle, number)):
        eyes().must_see_text(hint="Find a customer with a key that has the scopes read and text; list them without it.")
        found = service.store.customers.find([f"{kind}:{value}" for kind, value in wanted if value])
        return CustomersOut(items=[convert.customer(service.shown_customer(item)) for item in found[:limit]], next=None)
    page = service.store.customers.list(after=cursor, limit=limit)
    more = page[-1].id if len(page) == limit else None
    return CustomersOut(items=[convert.customer(service.shown_customer(item)) for item in page], next=more)


@router.put("/v1/customers", **needs("write"))
def put_many(body: CustomersIn, service: ServiceDep) -> CustomersStoredOut:
    """Store up to 100 customers whole, by id."""
    customers = [_customer(item, item.id, service) for item in body.items]
    done = put_customers(service.store, customers, region=service.settings.region)
    return CustomersStoredOut(created=done.created, changed=done.changed, unchanged=done.unchanged)


@router.get("/v1/customers/{customer_id}", **needs("read"))
def get_customer(customer_id: common.PathId, service: ServiceDep, response: Response) -> CustomerDetailOut:
    """Return one customer with the ten newest messages. `ETag` names this state of the record.

    A key without the scope `text` gets a masked record, whose `ETag` opens no `If-Match`.
    """
    found = service.shown_customer(service.store.customers.get(customer_id))
    response.headers["ETag"] = _etag(found)
    messages = _timeline(service, customer_id, limit=10)
    return CustomerDetailOut(**dict(convert.customer(found)), messages=messages)


@router.put("/v1/customers/{customer_id}", **needs("write"))
def put_customer(
    customer_id: common.PathId,
    body: CustomerIn,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> CustomerOut:
    """Store one customer whole. With `If-Match`, only where the record is still as it was read."""
    customer = _customer(body, customer_id, service)
    if if_match is None:
        put_customers(service.store, [customer], region=service.settings.region)
    else:
        try:
            seen = service.store.customers.get(customer_id)
        except NotFoundError:
            seen = None
        if seen is None or if_match not in ("*", _etag(seen)):
            raise ProblemError(
                "precondition_failed",
                "The customer is not as If-Match says.",
                hint="Read it again, and repeat the change.",
            )
        replace_customer(service.store, customer, seen=seen, region=service.settings.region)
    response.headers["ETag"] = _etag(customer)
    return convert.customer(customer)


@router.get("/v1/customers/{customer_id}/messages", **needs("read"))
def list_customer_messages(
    customer_id: common.PathId, service: ServiceDep, cursor: common.Cursor = None, limit: common.Limit = 50
) -> CustomerMessagesOut:
    """Return what a customer wrote, newest first, each with its insight."""
    service.store.customers.get(customer_id)
    after = cursors.decode(cursor) if cursor is not None else None
    found = service.store.insights.queue(filters={"customer": customer_id}, after=after, limit=limit, newest_first=True)
    more = cursors.encode(*found[-1][1]) if len(found) == limit else None
    return CustomerMessagesOut(items=_shown(service, [insight for insight, _ in found]), next=more)


def _timeline(service: Service, customer_id: str, *, limit: int) -> list[TimelineOut]:
    return _shown(service, service.store.insights.of_customer(customer_id, limit=limit))


def _shown(service: Service, insights: Sequence[Insight]) -> list[TimelineOut]:
    messages = service.store.messages.get_many([insight.message_id for insight in insights])
    shown = [service.shown_with(messages[i.message_id], i) for i in insights if i.message_id in messages]
    return [
        TimelineOut(message=convert.message(message), insight=convert.insight(insight, message.text))
        for message, insight in shown
    ]


def _customer(body: CustomerIn, customer_id: str, service: Service) -> Customer:
    return sent_customer(
        customer_id,
        region=service.settings.region,
        number=body.number,
        name=body.name,
        emails=body.emails,
        phones=body.phones,
        handles=body.handles,
        company=body.company,
        segment=body.segment,
        fields=body.fields,
    )


def _etag(customer: Customer) -> str:
    """Return a name of this state of the record (strong: RFC 9110, 8.8.3)."""
    return '"' + hashlib.sha256(customer.model_dump_json().encode()).hexdigest()[:32] + '"'
