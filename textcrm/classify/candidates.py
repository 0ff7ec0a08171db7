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
    n, labels = margins[0].shape
    count = min(count, labels)
    views = np.stack(margins)  # (n_views, n, n_labels)
    spreads = (views - views.mean(axis=2, keepdims=True)) / (views.std(axis=2, keepdims=True) + 1e-6)
    together = spreads.sum(axis=0, dtype=np.float32)
    if count < labels:
        chosen = np.argpartition(-together, count - 1, axis=1)[:, :count]
        ahead = together[np.arange(n)[:, None], chosen]
        chosen = chosen[np.arange(n)[:, None], np.argsort(-ahead, axis=1, kind="stable")]
    else:
        chosen = np.argsort(-together, axis=1, kind="stable")
    every = np.concatenate([views, together[None]])
    outstanding = np.concatenate([spreads, together[None] / max(1, len(margins))])
    places = np.arange(n)[:, None]
    value = every[:, places, chosen]  # (n_views + 1, n, count)
    if labels > 1:
        top = np.partition(every, labels - 2, axis=2)
        best, second = top[:, :, -1:], top[:, :, -2:-1]
    else:
        best = second = every
    lead = value - np.where(value >= best, second, best)
    rank = (every[:, :, None, :] > value[:, :, :, None]).sum(axis=3, dtype=np.float32)
    measured = np.stack([value, lead, outstanding[:, places, chosen], rank], axis=1)
    blocks: list[Floats] = [measured.reshape(-1, n, count).transpose(1, 2, 0)]
    if labels <= FEW_LABELS:
        blocks.append((chosen[:, :, None] == np.arange(labels)).astype(np.float32))
    if cues is not None:
        blocks.append(np.broadcast_to(cues[:, None, :], (n, count, cues.shape[1])))
    return Candidates(chosen.astype(np.int64), np.concatenate(blocks, axis=2, dtype=np.float32))
