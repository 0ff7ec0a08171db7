"""What requests may hold: closed, every field capped. What they are answered with is in ``answers``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from textcrm.records import Channel, Kind, LinkOutcome

MAX_ITEMS = 100
MAX_TEXT = 2_000_000
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Short = Annotated[str, StringConstraints(max_length=320)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _written_out(value: Any) -> Any:
    if not isinstance(value, str) or not _ISO.match(value):
        raise ValueError("a time is written 2026-09-01T10:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time lies in the years 1 to 9999") from error


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
ModelChoice = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,47}(@[0-9a-f]{4,12})?$",
        description="A task (`intent`), or a task at a version (`intent@1a2b3c4d5e6f`).",
        examples=["intent"],
    ),
]


class Request(BaseModel):
    """Base of what comes in: unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AuthorIn(Request):
    """Who wrote the message."""

    name: Short | None = None
    email: Short | None = None
    phone: Short | None = None
    handle: Short | None = None
    customer_number: Short | None = None


class TextIn(Request):
    """A text to classify. ``id`` comes back with the answer; without it, the place in the batch does."""

    id: Id | None = None
    text: Text
    channel: Channel = "chat"


class TextsIn(Request):
    """Up to 100 texts."""

    items: Annotated[list[TextIn], Field(min_length=1, max_length=MAX_ITEMS)]
    models: Annotated[list[ModelChoice], Field(min_length=1, max_length=16)] | None = None
    pipeline: Label | None = None


class OneTextIn(TextIn):
    """One text; answered as a batch of one."""

    models: Annotated[list[ModelChoice], Field(min_length=1, max_length=16)] | None = None
    pipeline: Label | None = None


class MessageIn(Request):
    """A message. ``id`` is the sender's own id: the same id and content is the same message."""

    id: Id | None = None
    text: Text
    channel: Channel = "chat"
    content_type: Literal["text/plain", "text/html"] = "text/plain"
    subject: Annotated[str, StringConstraints(max_length=1000)] | None = None
    author: AuthorIn = AuthorIn()
    sent_at: Instant | None = None
    product: Short | None = None


class MessagesIn(Request):
    """Up to 100 messages."""

    items: Annotated[list[MessageIn], Field(min_length=1, max_length=MAX_ITEMS)]


class TextListIn(Request):
    """Up to 100 texts."""

    items: Annotated[list[TextIn], Field(min_length=1, max_length=MAX_ITEMS)]


Policy = Literal["export", "answers", "storage", "logs"]


class CorrectionIn(Request):
    """The right label of a message for a task."""

    message_id: Id
    task: Label
    label: Label


class CustomerIn(Request):
    """A customer as it is to be. What is left out is emptied."""

    number: Short | None = None
    name: Short | None = None
    emails: Annotated[list[Short], Field(max_length=50)] = []
    phones: Annotated[list[Short], Field(max_length=50)] = []
    handles: Annotated[list[Short], Field(max_length=50)] = []
    company: Short | None = None
    segment: Short | None = None
    fields: Annotated[dict[Label, Short], Field(max_length=100)] = {}


class CustomerWithIdIn(CustomerIn):
    """A customer of a batch."""

    id: Id


class CustomersIn(Request):
    """Up to 100 customers."""

    items: Annotated[list[CustomerWithIdIn], Field(min_length=1, max_length=MAX_ITEMS)]


class KeyIn(Request):
    """A key to make."""

    name: Label
    scopes: Annotated[list[Literal["read", "text", "write", "correct", "admin"]], Field(min_length=1, max_length=5)]
    expires_at: Instant | None = None
    per_second: (
        Annotated[float, Field(strict=True, gt=0, le=100_000, description="Requests a second; bursts of twice.")] | None
    ) = None
    per_day: Annotated[int, Field(strict=True, ge=1, le=10**12, description="Requests a day, in UTC.")] | None = None


class RotationIn(Request):
    """How long the old key works on beside the new one."""

    overlap_hours: Annotated[float, Field(strict=True, ge=0, le=8_760)] = 24.0


class MergeIn(Request):
    """The customer that another one is."""

    into: Id


class SplitIn(Request):
    """Messages that are of another customer."""

    messages: Annotated[list[Id], Field(min_length=1, max_length=1_000)]
    to: Id


class SimilarIn(Request):
    """A text to find similar messages of."""

    text: Annotated[Text, StringConstraints(min_length=1)]
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 10


class JobIn(Request):
    """A job to start: which messages are to be analysed anew. Without anything, all."""

    channel: Channel | None = None
    intent: Label | None = None
    sentiment: Label | None = None
    urgency: Label | None = None
    customer: Id | None = None
    language: Label | None = None
    kind: Kind | None = None
    link: LinkOutcome | None = None
    product: Short | None = None
    since: Instant | None = None
    until: Instant | None = None
    stale: Annotated[bool, Field(strict=True, description="Those alone whose insight is of an older pipeline.")] = False


class WebhookIn(Request):
    """A webhook to make. ``url`` is https, and its host public or listed in TEXTCRM_PRIVATE_HOSTS."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    url: Annotated[str, StringConstraints(min_length=1, max_length=2048)]


def _shape(value: Any) -> str:
    return "(batch)" if isinstance(value, dict) and "items" in value else "(single)"


ClassifyIn = Annotated[
    Annotated[TextsIn, Tag("(batch)")] | Annotated[OneTextIn, Tag("(single)")], Discriminator(_shape)
]
MessagesOrOneIn = Annotated[
    Annotated[MessagesIn, Tag("(batch)")] | Annotated[MessageIn, Tag("(single)")], Discriminator(_shape)
]
TextsOrOneIn = Annotated[
    Annotated[TextListIn, Tag("(batch)")] | Annotated[TextIn, Tag("(single)")], Discriminator(_shape)
]
