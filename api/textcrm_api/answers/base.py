"""The pieces that several answers are made of. No field of an answer has a default: it says all it knows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from textcrm.records import AbstainReason, LinkOutcome, PartKind

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
    top: list[LabelOut]
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
    evidence: list[EvidenceOut]
    candidates: list[str]


class ItemError(Answer):
    """Why one item of a batch failed."""

    code: str
    detail: str
