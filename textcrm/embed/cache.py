"""Remembers the vectors of texts by the hash of text and encoder, so that training again does not embed again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textcrm.embed.sentence import Floats, SentenceEncoder

MAX_ROWS = 200_000
_KEY_BYTES = 16


def encode_cached(
    encoder: SentenceEncoder, texts: Sequence[str], folder: Path, *, step: Callable[[int], object] | None = None
) -> Floats:
    """Return the vectors of *texts*, from the cache in *folder* where it has them, and add the new ones to it.

    The file holds hashes and vectors, no texts. One that is damaged is made anew; one that grows past `MAX_ROWS` rows
    starts again.
    """
    path = folder / f"{encoder.hash}.npy"
    kind = np.dtype([("key", f"V{_KEY_BYTES}"), ("vector", np.float32, (encoder.dimensions,))])
    known = _read(path, kind)
    place = {bytes(key): row for row, key in enumerate(known["key"])}
    keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest() for text in texts]
    fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in place}
    rows = np.zeros(len(fresh), dtype=kind)
    if fresh:
        rows["key"] = np.array([np.void(key) for key in fresh], dtype=f"V{_KEY_BYTES}")
        rows["vector"] = encoder.encode(list(fresh.values()), step=step)
        place.update((key, len(known) + row) for row, key in enumerate(fresh))
    if step is not None:
        step(len(texts) - len(fresh))
    together = np.concatenate([known, rows])
    result = np.ascontiguousarray(together["vector"][[place[key] for key in keys]]).reshape(len(texts), -1)
    if fresh:
        _write(path, together if len(together) <= MAX_ROWS else rows[:MAX_ROWS])
    return result


def _read(path: Path, kind: np.dtype[Any]) -> Any:
    if path.is_file():
        try:
            rows = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError):
            return np.zeros(0, dtype=kind)
        if rows.dtype == kind and rows.ndim == 1:
            return rows
    return np.zeros(0, dtype=kind)


def _write(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.stem}.{os.getpid()}.tmp")
    with fresh.open("wb") as stream:
        np.save(stream, rows, allow_pickle=False)
    fresh.replace(path)
