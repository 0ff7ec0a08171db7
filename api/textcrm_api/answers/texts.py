"""Answers about texts that are not stored."""

from __future__ import annotations

from datetime import datetime

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


class ClassifiedOut(Answer):
    """The answer for one text. ``id`` is the given one, or the place in the batch from 0."""

    id: str
    error: ItemError | None
    language: LanguageOut | None
    predictions: list[PredictionOut]
    warnings: list[str]


class ClassifyOut(Answer):
    """Answers in the order of the texts."""

    items: list[ClassifiedOut]


class AnalysedOut(Answer):
    """All that is known of one message: as an insight, not stored."""

    id: str
    error: ItemError | None
    language: LanguageOut | None
    kind: Kind | None
    clean: str
    entities: list[EntityOut]
    predictions: list[PredictionOut]
    intents: list[IntentOut]
    parts: list[PartOut]
    link: LinkOut | None
    pipeline: str
    warnings: list[str]


class AnalyseOut(Answer):
    """Answers in the order of the messages."""

    offsets: Unit
    items: list[AnalysedOut]


class SimilarItemOut(Answer):
    """A similar message; ``similarity`` is the cosine of the two vectors, in [-1, 1]. Labels as they stand."""

    message_id: str
    similarity: float
    channel: Channel
    sent_at: datetime
    customer: str | None
    labels: dict[str, str | None]


class SimilarOut(Answer):
    """Similar messages, the most similar first, of the ``searched`` ones."""

    searched: int
    items: list[SimilarItemOut]


class EntitiesItemOut(Answer):
    """The entities of one text."""

    id: str
    error: ItemError | None
    entities: list[EntityOut]


class EntitiesOut(Answer):
    """Answers in the order of the texts."""

    offsets: Unit
    items: list[EntitiesItemOut]


class MaskedOut(Answer):
    """One masked text. The offsets of ``entities``, kept ones and marks, are into the masked text."""

    id: str
    error: ItemError | None
    text: str | None
    entities: list[EntityOut]


class MaskOut(Answer):
    """Answers in the order of the texts."""

    offsets: Unit
    items: list[MaskedOut]
