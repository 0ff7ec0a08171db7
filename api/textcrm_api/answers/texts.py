"""Answers about texts that are not stored."""

from __future__ import annotations

from collections.abc import Sequence
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
    items: Sequence[SimilarItemOut]


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
    """One masked text. The offsets of ``entities``, kept ones and marks, are into the masked text."""

    id: str
    error: ItemError | None
    text: str | None
    entities: Sequence[EntityOut]


class MaskOut(Answer):
    """Answers in the order of the texts."""

    offsets: Unit
    items: Sequence[MaskedOut]
