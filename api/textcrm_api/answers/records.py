"""Answers about what is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from textcrm.records import Channel, Kind
from textcrm_api.answers.base import (
    Answer,
    EntityOut,
    IntentOut,
    ItemError,
    LanguageOut,
    LinkOut,
    PartOut,
    PredictionOut,
    Unit,
)


class StoredOut(Answer):
    """What became of one message: ``id`` is textcrm's, ``given_id`` the sender's."""

    id: str
    given_id: str | None
    outcome: Literal["stored", "duplicate", "refused"]
    error: ItemError | None


class MessagesStoredOut(Answer):
    """What became of the messages, in their order."""

    stored: int
    duplicates: int
    items: list[StoredOut]


class AuthorOut(Answer):
    """Who wrote a message, as it says."""

    name: str | None
    email: str | None
    phone: str | None
    handle: str | None
    customer_number: str | None


class AttachmentOut(Answer):
    """An attachment, listed and not opened."""

    name: str | None
    content_type: str
    size: int
    sha256: str


class MessageOut(Answer):
    """A message as received."""

    id: str
    given_id: str | None
    channel: Channel
    subject: str | None
    text: str
    content_type: str
    author: AuthorOut
    sent_at: datetime | None
    received_at: datetime
    product: str | None
    attachments: list[AttachmentOut]
    warnings: list[str]


class MessagesOut(Answer):
    """A page of messages, newest first; ``next`` is the cursor of the page after."""

    items: list[MessageOut]
    next: str | None


class InsightOut(Answer):
    """What is known of a stored message."""

    message_id: str
    offsets: Unit
    channel: Channel
    made_at: datetime
    pipeline: str
    language: LanguageOut
    kind: Kind
    clean: str
    entities: list[EntityOut]
    predictions: list[PredictionOut]
    intents: list[IntentOut]
    parts: list[PartOut]
    link: LinkOut | None
    warnings: list[str]


class InsightsOut(Answer):
    """A page of insights; ``next`` is the cursor of the page after."""

    items: list[InsightOut]
    next: str | None


class CorrectionOut(Answer):
    """A correction; ``said`` is what the model had said."""

    id: str
    message_id: str
    task: str
    label: str
    by: str
    at: datetime
    said: PredictionOut | None
    undone: bool


class CorrectionsOut(Answer):
    """The corrections that stand, oldest first."""

    items: list[CorrectionOut]


class CustomerOut(Answer):
    """A customer. ``provisional``: made from messages, not yet confirmed by a record."""

    id: str
    number: str | None
    name: str | None
    emails: list[str]
    phones: list[str]
    handles: list[str]
    company: str | None
    segment: str | None
    provisional: bool
    fields: dict[str, str]


class TimelineOut(Answer):
    """One message of a customer, with what is known of it once it is analysed."""

    message: MessageOut
    insight: InsightOut | None


class CustomersOut(Answer):
    """A page of customers in the order of their ids."""

    items: list[CustomerOut]
    next: str | None


class CustomersStoredOut(Answer):
    """How many customers were new, changed, or stood already."""

    created: int
    changed: int
    unchanged: int


class CustomerDetailOut(CustomerOut):
    """A customer with the newest messages."""

    messages: list[TimelineOut]


class CustomerMessagesOut(Answer):
    """A page of the messages of a customer, newest first; ``next`` is the cursor of the page after."""

    items: list[TimelineOut]
    next: str | None
