"""Exports: everything that fits, as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse

from textcrm.entities.mask import Purpose
from textcrm.operations.texts.masking import mask_customer, mask_records
from textcrm.operations.trends.exports import (
    CUSTOMER_COLUMNS,
    Format,
    customer_pages,
    message_columns,
    message_pages,
    written,
)
from textcrm.records import Channel, Customer, Insight, Kind, LinkOutcome, Message
from textcrm_api.eyes import eyes
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import Instant
from textcrm_api.service import ServiceDep

router = common.make("exports")
MEDIA: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {kind.partition(";")[0]: {} for kind in MEDIA.values()}}}
Mask = Annotated[
    bool, Query(description="Without personal data, as pipelines say for exports; else as other answers show it.")
]


@router.get("/v1/exports/messages.{form}", response_class=StreamingResponse, responses=_FILE, **needs("read"))
def export_messages(
    *,
    form: Format,
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
    since: Instant | None = None,
    until: Instant | None = None,
    mask: Mask = True,
) -> StreamingResponse:
    """Return messages with labels, confidence and customer, newest first."""
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
    if not mask:
        eyes().see_many()
    tasks = sorted({c.task for line in service.engine.lines.values() for c in line.classifiers})
    purpose: Purpose = "export" if mask else "answers"

    def shown(message: Message, insight: Insight | None) -> tuple[Message, Insight | None]:
        with service.engine.turn(message.channel):
            return mask_records(message, insight, purpose, masking=service.engine.masking)

    pages = message_pages(
        service.store,
        tasks=tasks,
        filters={name: value for name, value in given.items() if value is not None},
        since=since,
        until=until,
        shown=shown,
        named=not mask,
    )
    return _stream(written(pages, message_columns(tasks), form), f"messages.{form}", form)


@router.get("/v1/exports/customers.{form}", response_class=StreamingResponse, responses=_FILE, **needs("read"))
def export_customers(form: Format, service: ServiceDep) -> StreamingResponse:
    """Return all customers with what their messages say of them, by id; masked for a key without the scope `text`."""
    looked, masking = eyes(), service.engine.masking
    if looked.sees_text:
        looked.see_many()

    def shown(customer: Customer) -> Customer:
        return customer if looked.sees_text else mask_customer(customer, looked.purpose, masking=masking)

    pages = customer_pages(service.store, shown=shown)
    return _stream(written(pages, CUSTOMER_COLUMNS, form), f"customers.{form}", form)


def _stream(parts: Iterator[bytes], name: str, form: Format) -> StreamingResponse:
    """Return a stream whose first part is there already: what fails at once is answered as a problem."""
    first = next(parts, b"")

    def all_parts() -> Iterator[bytes]:
        yield first
        yield from parts

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(all_parts(), media_type=MEDIA[form], headers=headers)
