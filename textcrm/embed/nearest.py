"""The nearest of very many vectors: an index on disk for most of them, exact search for the rest.

Vectors are kept as 8-bit integers, each scaled to its own largest value, which the angle between two does not see: a
quarter of the memory, and an error of the cosine below 0.01. The index is a graph of small worlds (HNSW) in one file
that all processes of a machine map into memory together. What is newer than the file is searched exactly.

References
----------
Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World
graphs", IEEE TPAMI 42 (2020).
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from usearch.index import Index

Bytes8 = NDArray[np.int8]
Keys = NDArray[np.uint64]
CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 256
FIRST_TAIL = 1_024
_FILE = re.compile(r"([0-9a-f]{6,64})-(\d{1,19})-(\d{1,15})\.usearch")


def quantise(vectors: NDArray[np.float32]) -> Bytes8:
    """Return vectors as 8-bit integers.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimensions), float32

    Returns
    -------
    ndarray of shape (n, dimensions), int8
        Each row scaled so that its largest value is 127 in size; a row of zeros stays one.
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    return np.rint(vectors * (127 / np.where(largest > 0, largest, 1))).astype(np.int8)


class Nearest:
    """Finds the nearest vectors; one writer, any number of threads that search.

    Parameters
    ----------
    folder
        Where the index files lie, ``<name>-<last key>-<bytes>.usearch``; the one with the highest key counts.
    name
        Hexadecimal; of the encoder that made the vectors.
    most_tail
        Of what is in no file yet, so many are searched at most: the newest.
    """

    def __init__(self, folder: Path, name: str, *, dimensions: int, most_tail: int = 100_000) -> None:
        self.dimensions = dimensions
        self.last_in_file = 0
        self._folder, self._name, self._most_tail = folder, name, most_tail
        self._path: Path | None = None
        self._index: Index | None = None
        self._keys: Keys = np.zeros(FIRST_TAIL, np.uint64)
        self._vectors: Bytes8 = np.zeros((FIRST_TAIL, dimensions), np.int8)
        self._tail = 0
        self._lock = threading.Lock()

    @property
    def most_tail(self) -> int:
        """How many vectors that are in no file are searched at most."""
        return self._most_tail

    @property
    def size(self) -> int:
        """How many vectors are searched."""
        return self._tail + (0 if self._index is None else len(self._index))

    @property
    def tail(self) -> int:
        """How many of them are in no file."""
        return self._tail

    @property
    def last(self) -> int:
        """The highest key that is known; 0 without any."""
        return max(self.last_in_file, int(self._keys[: self._tail].max()) if self._tail else 0)

    def refresh(self) -> bool:
        """Use the newest file, where there is a newer one than before, and tell whether there was. One that is damaged
        is removed; when all are gone, the search goes on without."""
        found = newest(self._folder, self._name)
        if found is None and self._path is not None and not self._path.exists():
            self._use(None, None, 0)
            return True
        if found is None or found[0] == self._path:
            return False
        path, last = found
        index = _opened(path, view=True)
        if index is None or index.ndim != self.dimensions:
            path.unlink(missing_ok=True)
            return False
        self._use(path, index, last)
        return True

    def _use(self, path: Path | None, index: Index | None, last: int) -> None:
        with self._lock:
            # without a file all is to be taken up again, from the first key on
            newer = self._keys[: self._tail] > (self.last if index is None else last)
            self._path, self._index, self.last_in_file = path, index, last
            keys, vectors = self._keys[: self._tail][newer], self._vectors[: self._tail][newer]
            self._tail = 0
            self._keys, self._vectors = (
                np.zeros(FIRST_TAIL, np.uint64),
                np.zeros((FIRST_TAIL, self.dimensions), np.int8),
            )
            self._append(keys, vectors)

    def add(self, keys: Keys, vectors: Bytes8) -> None:
        """Search these too, from now on; keys are higher than all before."""
        with self._lock:
            self._append(keys, vectors)

    def _append(self, keys: Keys, vectors: Bytes8) -> None:
        keys, vectors = keys[-self._most_tail :], vectors[-self._most_tail :]
        over = self._tail + len(keys) - self._most_tail
        if over > 0:  # the oldest leave
            self._keys[: self._tail - over] = self._keys[over : self._tail].copy()
            self._vectors[: self._tail - over] = self._vectors[over : self._tail].copy()
            self._tail -= over
        end = self._tail + len(keys)
        if end > len(self._keys):
            room = max(end, 2 * len(self._keys))
            self._keys = np.concatenate([self._keys[: self._tail], np.zeros(room - self._tail, np.uint64)])
            empty = np.zeros((room - self._tail, self.dimensions), np.int8)
            self._vectors = np.concatenate([self._vectors[: self._tail], empty])
        self._keys[self._tail : end], self._vectors[self._tail : end] = keys, vectors
        self._tail = end

    def search(self, vector: Bytes8, count: int) -> list[tuple[int, float]]:
        """Return the keys of the nearest vectors and the cosine of each, nearest first.

        Parameters
        ----------
        vector : ndarray of shape (dimensions,), int8
        """
        from usearch.index import search

        found: dict[int, float] = {}
        with self._lock:  # the library lends its working memory to as many threads as there are cores, and no more
            if self._index is not None and len(self._index):
                near = self._index.search(vector, count, threads=1)
                found.update(zip(near.keys.tolist(), near.distances.tolist(), strict=True))
            if self._tail:
                vectors, keys = self._vectors[: self._tail], self._keys[: self._tail]
                near = search(vectors, vector, min(count, self._tail), exact=True, threads=1)  # by the cosine
                found.update(zip(keys[near.keys].tolist(), near.distances.tolist(), strict=True))
        nearest = sorted(found.items(), key=lambda pair: (pair[1], pair[0]))[:count]
        return [(int(key), 1 - float(distance)) for key, distance in nearest]


def newest(folder: Path, name: str) -> tuple[Path, int] | None:
    """Return the newest whole index file of *name* and its last key."""
    found = []
    for path in folder.glob(f"{name}-*.usearch"):
        parts = _FILE.fullmatch(path.name)
        if parts and path.stat().st_size == int(parts[3]):
            found.append((int(parts[2]), path))
    return None if not found else (max(found)[1], max(found)[0])


def build(
    folder: Path, name: str, batches: Iterable[tuple[Keys, Bytes8]], *, dimensions: int, threads: int = 1
) -> Path | None:
    """Write a new index file: what the newest one holds, and *batches*; return it, or None where nothing was new.

    It appears whole or not at all; the files before it are removed. Takes the memory of the whole index.
    """
    from usearch.index import Index

    folder.mkdir(parents=True, exist_ok=True)
    before = newest(folder, name)
    index = _opened(before[0], view=False) if before else None
    last = before[1] if before and index is not None else 0
    if index is None or index.ndim != dimensions:
        index = Index(ndim=dimensions, metric="cos", dtype="i8", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD)
        last = 0
    added = 0
    for keys, vectors in batches:
        new = keys > last
        if new.any():
            index.add(keys[new], vectors[new], threads=threads)
            last, added = int(keys.max()), added + int(new.sum())
    if not added:
        return None
    partial = folder / f"{name}.{os.getpid()}.partial"
    index.save(str(partial))
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    path = folder / f"{name}-{last}-{partial.stat().st_size}.usearch"
    partial.rename(path)
    for old in folder.glob(f"{name}-*.usearch"):
        if old != path:
            old.unlink(missing_ok=True)
    return path


def _opened(path: Path, *, view: bool) -> Index | None:
    """Return the index in a file; None where it cannot be read."""
    from usearch.index import Index

    try:
        return Index.restore(str(path), view=view, expansion_add=EXPANSION_ADD, expansion_search=EXPANSION_SEARCH)
    except (RuntimeError, ValueError, OSError):
        return None
