"""Records to documents and back. Names that users choose are values, never field names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import bson

from textcrm.records import Customer, Insight, Message, Record, name_at_domain

Document = dict[str, Any]
R = TypeVar("R", bound=Record)

MAX_DOCUMENT_BYTES = 15_000_000  # the server's limit is 16 MiB; work state and indexes need room
DOCUMENT_VERSION = 1
URGENCY_RANK = {"critical": 3, "high": 2, "normal": 1, "low": 0}


def message_document(message: Message, *, stored_at: datetime, priority: int, place: int = 0) -> Document:
    """Return the document of a new message: the record, and its work state beside it.

    ``place`` orders messages that were stored at the same moment.
    """
    return {
        "_id": message.id,
        "v": DOCUMENT_VERSION,
        "channel": message.channel,
        "sent_at": message.sent_at or message.received_at,
        "stored_at": stored_at,
        "record": message.model_dump(exclude={"id", "channel"}),
        "work": {"state": "pending", "priority": priority, "queued_at": stored_at, "place": place, "attempts": 0},
    }


def insight_document(insight: Insight, message: Message, *, stored_at: datetime) -> Document:
    """Return the document of an insight: the record, and what queues and trends sort and count by."""
    document: Document = {
        "_id": insight.message_id,
        "v": DOCUMENT_VERSION,
        "channel": insight.channel,
        "kind": insight.kind,
        "language": insight.language.code,
        "sent_at": message.sent_at or message.received_at,
        "stored_at": stored_at,
        "product": message.product,
        "customer": insight.link.customer_id if insight.link else None,
        "link": insight.link.outcome if insight.link else "none",
        "abstained": any(p.abstained for p in insight.predictions),
        "pipeline": insight.pipeline,
        "record": insight.model_dump(exclude={"message_id", "channel"}),
    }
    for prediction in insight.predictions:
        document[prediction.task] = None if prediction.abstained else prediction.label
    urgency = insight.prediction("urgency")
    # between two levels is still about that level; what a model cannot read at all is nobody's emergency yet
    judged = urgency is not None and (not urgency.abstained or urgency.reason == "ambiguous")
    document["rank"] = urgency_rank(urgency.label if urgency and judged else None, insight.kind)
    return document


def urgency_rank(label: str | None, kind: str) -> int:
    """Return the place in the queue: 3 critical to 0 low, -1 for what is no request."""
    if kind not in ("request", "empty"):
        return -1
    return URGENCY_RANK.get(label or "normal", 1)


def customer_document(customer: Customer, *, updated_at: datetime) -> Document:
    """Return the document of a customer; ``keys`` is what messages are matched by."""
    return {
        "_id": customer.id,
        "v": DOCUMENT_VERSION,
        "updated_at": updated_at,
        "keys": list(identity_keys(customer)),
        # texts and tuples of texts alone: as they are, where a million come in
        "record": {name: value for name, value in customer.__dict__.items() if name != "id"},
    }


def identity_keys(customer: Customer) -> tuple[str, ...]:
    """Return the exact identifiers of a customer, each with its kind: ``email:ann@example.com``."""
    keys = [f"email:{value}" for value in customer.emails]
    keys += [f"phone:{value}" for value in customer.phones]
    keys += [f"handle:{value}" for value in customer.handles]
    if customer.number:
        keys.append(f"number:{customer.number.casefold()}")
    keys += [f"company:{value}" for email in customer.emails if (value := name_at_domain(customer.name, email))]
    return tuple(dict.fromkeys(keys))


def message_of(document: Mapping[str, Any]) -> Message:
    """Return the message that *document* holds."""
    return Message.model_validate({"id": document["_id"], "channel": document["channel"], **aware(document["record"])})


def insight_of(document: Mapping[str, Any]) -> Insight:
    """Return the insight that *document* holds."""
    return Insight.model_validate(
        {"message_id": document["_id"], "channel": document["channel"], **aware(document["record"])}
    )


def customer_of(document: Mapping[str, Any]) -> Customer:
    """Return the customer that *document* holds."""
    return Customer.model_validate({"id": document["_id"], **document["record"]})


def aware(value: Mapping[str, Any]) -> Document:
    """Give times without a zone the one they are in: UTC."""
    return {k: v.replace(tzinfo=UTC) if isinstance(v, datetime) and v.tzinfo is None else v for k, v in value.items()}


def size(document: Document) -> int:
    """Return the size of *document* as stored, in bytes."""
    return len(bson.encode(document))
