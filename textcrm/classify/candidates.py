"""From margins to what the head reads: a row of figures for each label that is in question.

A forest that chooses among 77 labels at once needs many examples of each. Here it answers one question, "is it this
label?", asked for the few labels that the views put first, and learns from all of them together: how far ahead is
the label in each view, what is its rank, do the views agree, what do the cues say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MEASURES = ("value", "lead", "spread", "rank")
FEW_LABELS = 12


@dataclass(frozen=True)
class Candidates:
    """The labels in question, of shape (n, k), most likely first, and their figures, of shape (n, k, n_figures)."""

    labels: NDArray[np.int64]
    figures: Floats


def figure_names(views: Sequence[str], labels: int, cue_names: Sequence[str]) -> list[str]:
    """Return the names of the figures of a candidate."""
    names = [f"{view}:{measure}" for view in [*views, "together"] for measure in MEASURES]
    if labels <= FEW_LABELS:
        names += [f"label:{index}" for index in range(labels)]
    return [*names, *(f"cue:{name}" for name in cue_names)]


def make_candidates(margins: Sequence[Floats], cues: Floats | None, *, count: int) -> Candidates:
    """Choose the *count* most likely labels of each text by all views together, and measure them.

    Parameters
    ----------
    margins
        One array of shape (n, n_labels) a view.
    cues : ndarray of shape (n, n_cues), optional
    """
    labels = margins[0].shape[1]
    count = min(count, labels)
    spreads = [(view - view.mean(axis=1, keepdims=True)) / (view.std(axis=1, keepdims=True) + 1e-6) for view in margins]
    together: Floats = np.sum(np.stack(spreads), axis=0, dtype=np.float32)
    if count < labels:
        chosen = np.argpartition(-together, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(together, chosen, axis=1), axis=1, kind="stable")
        chosen = np.take_along_axis(chosen, order, axis=1)
    else:
        chosen = np.argsort(-together, axis=1, kind="stable")
    columns: list[Floats] = []
    for view, spread in [*zip(margins, spreads, strict=True), (together, together / max(1, len(margins)))]:
        value = np.take_along_axis(view, chosen, axis=1)
        if labels > 1:
            top = -np.partition(-view, 1, axis=1)[:, :2]
            best, second = top[:, :1], top[:, 1:2]
        else:
            best = second = view
        lead = value - np.where(value >= best, second, best)
        rank = (view[:, None, :] > value[:, :, None]).sum(axis=2)
        columns += [value, lead, np.take_along_axis(spread, chosen, axis=1), rank.astype(np.float32)]
    if labels <= FEW_LABELS:
        columns += [(chosen == index).astype(np.float32) for index in range(labels)]
    if cues is not None:
        columns += [np.broadcast_to(cues[:, index : index + 1], chosen.shape) for index in range(cues.shape[1])]
    return Candidates(chosen.astype(np.int64), np.stack(columns, axis=2).astype(np.float32))
