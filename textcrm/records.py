"""The record types that travel from stage to stage: one type at each arrow.

``Message -> CleanText -> EntitySpan* -> Prediction* -> Link -> Insight``

All are frozen. Offsets are Unicode code points into ``Message.text`` as received, half open ``[start, end)``, unless
a field says otherwise. Times are UTC and carry their zone.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Channel = Literal["email", "review", "social", "chat"]
CHANNELS: tuple[Channel, ...] = ("email", "review", "social", "chat")

Kind = Literal[
    "request",
    "auto_reply",
    "out_of_office",
    "bounce",
    "mailing_list",
    "newsletter",
    "calendar",
    "spam",
    "empty",
]
PartKind = Literal["own", "closing", "signature", "quoted", "header", "forwarded", "footer", "device", "markup"]
AbstainReason = Literal["unknown", "ambiguous", "unsupported_language", "too_short"]
Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


class Record(BaseModel):
    """Base: frozen, closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Author(Record):
    """Who wrote a message, as the message itself says."""

    name: str | None = None
    email: str | None = None
    reply_to: str | None = None
    phone: str | None = None
    handle: str | None = None
    customer_number: str | None = None


class Source(Record):
    """Where a message came from.

    ``kind`` is the reader (``eml``, ``mbox``, ``maildir``, ``csv``, ``jsonl``, ``parquet``, ``imap``, ``webhook``,
    ``kafka``, ``api``), ``name`` the file or stream, ``place`` the line or item in it, counted from 1, and
    ``external_id`` the id that the source itself gave (Message-ID, row id).
    """

    kind: str
    name: str = ""
    place: int | None = None
    external_id: str | None = None


class Attachment(Record):
    """An attachment, listed and not opened. ``size`` in bytes, ``sha256`` of the decoded content."""

    name: str | None
    content_type: str
    size: int
    sha256: str


class Message(Record):
    """One message as received.

    ``text`` is the decoded body; for ``content_type`` ``text/html`` it is the HTML source. ``html`` is the HTML
    alternative of a mail whose ``text`` is plain. ``headers`` are the mail headers that later stages read, names in
    lower case, in order, values decoded. ``extra`` are other columns of the source. ``sent_at`` is what the message
    claims; ``received_at`` when textcrm took it.
    """

    id: str
    channel: Channel
    text: str
    content_type: Literal["text/plain", "text/html"] = "text/plain"
    html: str | None = None
    subject: str | None = None
    author: Author = Author()
    sent_at: datetime | None = None
    received_at: datetime
    source: Source
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    product: str | None = None
    extra: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    raw_sha256: str | None = None

    def header(self, name: str) -> str | None:
        """Return the first value of the header *name* (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


def message_key(channel: Channel, *, external_id: str | None, content: str) -> str:
    """Return the id of a message: the same message always has the same id, so that taking it twice changes nothing.

    The content goes into the key beside the source's id: a second message that claims a known Message-ID with other
    words is another message, and is not lost.
    """
    digest = hashlib.sha256()
    for part in (channel, external_id or "", content):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:32]


def name_at_domain(name: str | None, email: str) -> str | None:
    """Return a key of who is called *name* in the company of *email*: ``ann smith@example.com``; None for one word."""
    words = sorted((name or "").casefold().split())
    return f"{' '.join(words)}@{email.rpartition('@')[2]}" if len(words) > 1 and "@" in email else None


class OffsetMap(Record):
    """Maps a cleaned text to the text it was made from.

    ``segments`` are triples ``(clean_start, raw_start, raw_end)``, ascending in ``clean_start``: the clean characters
    from ``clean_start`` to the next segment come from ``raw[raw_start:raw_end]``. Where both have the same length,
    they correspond one to one; otherwise the whole clean run came from the whole raw run.
    """

    segments: tuple[tuple[int, int, int], ...]
    length: int

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that the clean span ``[start, end)`` came from."""
        if not self.segments:
            return (0, 0)
        return (self._left(start), self._right(max(end, start)))

    def _locate(self, position: int) -> tuple[int, int, int, int]:
        starts = [segment[0] for segment in self.segments]
        index = max(0, bisect_right(starts, position) - 1)
        clean_start, raw_start, raw_end = self.segments[index]
        clean_end = self.segments[index + 1][0] if index + 1 < len(self.segments) else self.length
        return clean_start, clean_end, raw_start, raw_end

    def _left(self, position: int) -> int:
        clean_start, clean_end, raw_start, raw_end = self._locate(position)
        if clean_end - clean_start == raw_end - raw_start:
            return min(raw_end, raw_start + (position - clean_start))
        return raw_start if position < clean_end else raw_end

    def _right(self, position: int) -> int:
        if position <= 0:
            return self._left(0)
        clean_start, clean_end, raw_start, raw_end = self._locate(position - 1)
        if clean_end - clean_start == raw_end - raw_start:
            return min(raw_end, raw_start + (position - clean_start))
        return raw_end


class Part(Record):
    """A stretch of ``Message.text`` with what it is and the rule that found it."""

    kind: PartKind
    start: int
    end: int
    rule: str


class Language(Record):
    """Detected language: ISO 639-1 code, or ``und`` (undetermined). ``supported``: the models can read it."""

    code: str
    confidence: Confidence
    supported: bool


class CleanText(Record):
    """The author's own new text, cleaned.

    ``text`` is what the models read; ``offsets`` maps it to ``Message.text``. ``parts`` cover ``Message.text`` and
    lose nothing. ``closing``, ``signature`` and ``quoted`` are the cleaned texts of these parts, for display and for
    linking. ``flags`` are remarks such as ``nothing_left`` or ``truncated``.
    """

    message_id: str
    text: str
    offsets: OffsetMap
    parts: tuple[Part, ...]
    closing: str = ""
    signature: str = ""
    quoted: str = ""
    language: Language
    kind: Kind = "request"
    kind_rule: str = ""
    flags: tuple[str, ...] = ()


class EntitySpan(Record):
    """A named thing in a text. ``text`` is ``raw[start:end]``; ``value`` is the normalised form, where there is one.

    ``source`` names the recogniser (``spacy``, ``iban`` ...), ``score`` is in [0, 1].
    """

    start: int
    end: int
    label: str
    text: str
    source: str
    score: Confidence
    value: str | None = None


class LabelScore(Record):
    """A label and its calibrated probability."""

    label: str
    confidence: Confidence


class Prediction(Record):
    """What one model says. ``label`` is the best label even where the model abstains; an abstention is an answer."""

    task: str
    label: str
    confidence: Confidence
    top: tuple[LabelScore, ...]
    abstained: bool = False
    reason: AbstainReason | None = None
    model: str = ""


class IntentSpan(Record):
    """One intent of a sentence: offsets into ``Message.text``."""

    start: int
    end: int
    label: str
    confidence: Confidence


class Evidence(Record):
    """One reason for or against a link. ``weight`` in bits (log2 of the likelihood ratio)."""

    field: str
    level: str
    weight: float
    left: str | None = None
    right: str | None = None


LinkOutcome = Literal["linked", "review", "provisional", "none"]


class Link(Record):
    """The customer that a message belongs to, and why."""

    customer_id: str | None
    outcome: LinkOutcome
    confidence: Confidence
    rule: str = ""
    evidence: tuple[Evidence, ...] = ()
    candidates: tuple[str, ...] = ()


class Customer(Record):
    """A structured customer record. Identifiers are normalised; ``fields`` are the other columns, as pairs."""

    id: str
    number: str | None = None
    name: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    company: str | None = None
    segment: str | None = None
    provisional: bool = False
    fields: tuple[tuple[str, str], ...] = ()


class CustomerEvent(Record):
    """What a customer did, as another system says: an order, a payment, a return.

    ``number`` is the order or invoice number that messages name, ``amount`` in units of ``currency`` (ISO 4217).
    """

    id: str
    customer_id: str
    kind: str = "order"
    number: str | None = None
    at: datetime | None = None
    amount: Decimal | None = None
    currency: str | None = None
    fields: tuple[tuple[str, str], ...] = ()


class Insight(Record):
    """What textcrm knows of one message. ``pipeline`` is the fingerprint of what made it."""

    message_id: str
    channel: Channel
    made_at: datetime
    pipeline: str
    language: Language
    kind: Kind
    clean: str
    entities: tuple[EntitySpan, ...]
    predictions: tuple[Prediction, ...]
    intents: tuple[IntentSpan, ...] = ()
    parts: tuple[Part, ...] = ()
    link: Link | None = None
    flags: tuple[str, ...] = ()

    def prediction(self, task: str) -> Prediction | None:
        """Return the prediction of *task*, or None."""
        return next((p for p in self.predictions if p.task == task), None)
