"""What the API answers. No field has a default: every answer says everything it knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from textcrm.records import AbstainReason, Channel, Kind, LinkOutcome, PartKind

Unit = Literal["codepoints", "utf16"]


class Answer(BaseModel):
    """Base of what goes out."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelOut(Answer):
    """A label and its calibrated probability."""

    label: str
    confidence: float


class PredictionOut(Answer):
    """What one model says. ``label`` is its best label even where it abstained."""

    task: str
    label: str
    confidence: float
    top: Sequence[LabelOut]
    abstained: bool
    reason: AbstainReason | None
    model: str


class LanguageOut(Answer):
    """Language as ISO 639-1 or ``und``; whether the models can read it."""

    code: str
    confidence: float
    supported: bool


class EntityOut(Answer):
    """A named thing. Offsets are half open, in the unit that the answer states."""

    start: int
    end: int
    label: str
    text: str
    value: str | None
    source: str
    score: float


class PartOut(Answer):
    """A stretch of the text and what it is."""

    kind: PartKind
    start: int
    end: int
    rule: str


class IntentOut(Answer):
    """The intent of one sentence."""

    start: int
    end: int
    label: str
    confidence: float


class EvidenceOut(Answer):
    """One reason for or against a link; ``weight`` in bits."""

    field: str
    level: str
    weight: float
    left: str | None
    right: str | None


class LinkOut(Answer):
    """The customer that a message belongs to, and why."""

    customer_id: str | None
    outcome: LinkOutcome
    confidence: float
    rule: str
    evidence: Sequence[EvidenceOut]
    candidates: Sequence[str]


class ItemError(Answer):
    """Why one item of a batch failed."""

    code: str
    detail: str


class ClassifiedOut(Answer):
    """The answer for one text. ``id`` is the given one, or the place in the batch from 0."""

    id: str
    error: ItemError | None
    language: LanguageOut | None
    predictions: Sequence[PredictionOut]
    warnings: Sequence[str]


class ClassifyOut(Answer):
    """Answers in the order of the texts."""

    items: Sequence[ClassifiedOut]


class AnalysedOut(Answer):
    """All that is known of one message: as an insight, not stored."""

    id: str
    error: ItemError | None
    language: LanguageOut | None
    kind: Kind | None
    clean: str
    entities: Sequence[EntityOut]
    predictions: Sequence[PredictionOut]
    intents: Sequence[IntentOut]
    parts: Sequence[PartOut]
    link: LinkOut | None
    pipeline: str
    warnings: Sequence[str]


class AnalyseOut(Answer):
    """Answers in the order of the messages."""

    offsets: Unit
    items: Sequence[AnalysedOut]


class EntitiesItemOut(Answer):
    """The entities of one text."""

    id: str
    error: ItemError | None
    entities: Sequence[EntityOut]


class EntitiesOut(Answer):
    """Answers in the order of the texts."""

    offsets: Unit
    items: Sequence[EntitiesItemOut]


class MaskedOut(Answer):
    """One masked text. The offsets of ``entities`` are into the text as given."""

    id: str
    error: ItemError | None
    text: str | None
    entities: Sequence[EntityOut]


class MaskOut(Answer):
    """Answers in the order of the texts."""

    offsets: Unit
    items: Sequence[MaskedOut]


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
    items: Sequence[StoredOut]


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
    attachments: Sequence[AttachmentOut]
    warnings: Sequence[str]


class MessagesOut(Answer):
    """A page of messages, newest first; ``next`` is the cursor of the page after."""

    items: Sequence[MessageOut]
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
    entities: Sequence[EntityOut]
    predictions: Sequence[PredictionOut]
    intents: Sequence[IntentOut]
    parts: Sequence[PartOut]
    link: LinkOut | None
    warnings: Sequence[str]


class InsightsOut(Answer):
    """A page of insights; ``next`` is the cursor of the page after."""

    items: Sequence[InsightOut]
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

    items: Sequence[CorrectionOut]


class CustomerOut(Answer):
    """A customer. ``provisional``: made from messages, not yet confirmed by a record."""

    id: str
    number: str | None
    name: str | None
    emails: Sequence[str]
    phones: Sequence[str]
    handles: Sequence[str]
    company: str | None
    segment: str | None
    provisional: bool
    fields: dict[str, str]


class CustomersOut(Answer):
    """A page of customers in the order of their ids."""

    items: Sequence[CustomerOut]
    next: str | None


class CustomersStoredOut(Answer):
    """How many customers were new, changed, or stood already."""

    created: int
    changed: int
    unchanged: int


class TimelineOut(Answer):
    """One message of a customer, with what is known of it once it is analysed."""

    message: MessageOut
    insight: InsightOut | None


class CustomerDetailOut(CustomerOut):
    """A customer with the newest messages."""

    messages: Sequence[TimelineOut]


class CustomerMessagesOut(Answer):
    """The messages of a customer, newest first."""

    items: Sequence[TimelineOut]


class ModelOut(Answer):
    """One version of a model. ``scores`` are its figures on its own held-out data."""

    name: str
    version: str
    active: bool
    task: str
    labels: Sequence[str]
    scores: dict[str, float]


class ModelsOut(Answer):
    """All models."""

    items: Sequence[ModelOut]


class PipelineOut(Answer):
    """How messages of a channel are analysed. ``fingerprint`` names everything that makes an insight."""

    name: str
    channel: Channel
    languages: Sequence[str]
    models: dict[str, str]
    fingerprint: str


class PipelinesOut(Answer):
    """All pipelines that are loaded."""

    items: Sequence[PipelineOut]


class PointOut(Answer):
    """Messages of one period and channel by sentiment; ``net`` in [-1, 1]."""

    start: datetime
    channel: str
    negative: int
    neutral: int
    positive: int
    unknown: int
    total: int
    net: float | None


class TrendsOut(Answer):
    """Points, oldest first."""

    by: Literal["day", "week", "month"]
    items: Sequence[PointOut]


class QuarantinedOut(Answer):
    """One item that could not be taken."""

    id: str
    reason: str
    detail: str
    source: str
    place: int | None
    channel: str
    size: int
    at: datetime
    status: str


class QuarantineOut(Answer):
    """Items in quarantine, newest first."""

    items: Sequence[QuarantinedOut]


class KeyOut(Answer):
    """A key, without its secret."""

    id: str
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class KeysOut(Answer):
    """All keys, newest first."""

    items: Sequence[KeyOut]


class NewKeyOut(Answer):
    """A new key. ``secret`` is shown this once."""

    key: KeyOut
    secret: str


class CheckOut(Answer):
    """One check of the readiness."""

    name: str
    ok: bool
    detail: str


class HealthOut(Answer):
    """The process is alive."""

    status: Literal["ok"]
    version: str


class ReadyOut(Answer):
    """The service can answer. ``waiting``: messages that are stored and not yet analysed."""

    status: Literal["ready"]
    checks: Sequence[CheckOut]
    waiting: int


class ProblemKindOut(Answer):
    """A code that problems carry."""

    code: str
    status: int
    title: str


class ProblemKindsOut(Answer):
    """All codes."""

    items: Sequence[ProblemKindOut]
