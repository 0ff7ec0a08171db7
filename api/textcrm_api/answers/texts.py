"""Answers about texts that are not stored."""

from __future__ import annotations

from collections.abc import Sequence

from textcrm.records import Kind
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
