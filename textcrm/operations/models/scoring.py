"""Embedding and scoring while models are made: vectors come from the cache, figures from rows that were held out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.predictor import Classifier
from textcrm.embed.cache import encode_cached
from textcrm.embed.sentence import SentenceEncoder
from textcrm.operations.models.corpora import Rows
from textcrm.operations.models.models import Steps, figures_of
from textcrm.settings import Settings
from textcrm.specs import RecipeSpec

Floats = NDArray[np.float32]


def encoder_of(spec: RecipeSpec, settings: Settings, steps: Steps) -> tuple[Path | None, SentenceEncoder | None]:
    """Return the folder of the encoder that a recipe names, exported where it was not yet, and it; None for none."""
    if spec.sentence is None:
        return None, None
    from textcrm.embed.export import export_encoder

    with steps("Sentence encoder", None):
        folder = export_encoder(spec.sentence.model, settings.home / "encoders")
    return folder, SentenceEncoder.open(folder, threads=os.cpu_count() or 1)


def embed(encoder: SentenceEncoder | None, texts: Sequence[str], settings: Settings, steps: Steps) -> Floats | None:
    """Return the vectors of *texts*, those of earlier trainings from the cache; None without an encoder."""
    if encoder is None:
        return None
    with steps("Embedding", len(texts)) as step:
        return encode_cached(encoder, texts, settings.home / "cache" / "embeddings", step=step)


def score(
    model: Classifier, rows: Rows, encoder: SentenceEncoder | None, settings: Settings, steps: Steps
) -> dict[str, Any] | None:
    """Score *model* on held-out rows, with vectors from the cache where *encoder* is its own."""
    if not rows.texts:
        return None
    ours = encoder if encoder is not None and encoder.hash == model.encoder_hash else None
    embeddings = embed(ours, rows.texts, settings, steps)
    with steps("Scoring held-out rows", len(rows.texts)) as step:
        return figures_of(model, rows.texts, rows.labels, slices=rows.slices, step=step, embeddings=embeddings)
