"""TF-IDF of word and character n-grams by vectorised hashing.

The code points of a whole batch are one array; the hash of every window of it comes from prefix sums, so that no
n-gram is ever built as a string. A model therefore holds no vocabulary (no word of its training texts), counting is
fast for one text and for thousands, and each n-gram knows its place in the text, which is what explanations need.

References
----------
Karp, Rabin (1987), Efficient randomized pattern-matching algorithms (polynomial hashes of windows).
Weinberger et al. (2009), Feature hashing for large scale multitask learning.
Salton, Buckley (1988), Term-weighting approaches in automatic text retrieval (sublinear tf, idf, length 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from textcrm.classify.shared import SharedTexts, once
from textcrm.errors import ArtifactError

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_SPACE = 32
CHUNK_CHARS = 1 << 20
FEW_TEXTS = 8

Ints = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Grams:
    """The n-grams of a batch: the row, the hash and the span ``[start, end)`` in its text, of each."""

    rows: Ints
    hashes: NDArray[np.uint64]
    starts: Ints
    ends: Ints


def _powers(count: int, base: np.uint64) -> NDArray[np.uint64]:
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread a hash over all its bits (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX1
    values = (values ^ (values >> np.uint64(27))) * _MIX2
    return values ^ (values >> np.uint64(31))


def _codes(texts: Sequence[str]) -> tuple[Ints, Ints, Ints]:
    """Return lower-case code points, with every run of other than letters and digits as spaces, and row and place.

    Each text has a space before and after. Lower-casing is by code point where that keeps the length, so that places
    stay those of the text as it came.
    """
    lowered = [low if len(low := text.lower()) == len(text) else _lower_each(text) for text in texts]
    joined = " ".join(["", *lowered, ""])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    lengths = np.fromiter((len(text) + 1 for text in lowered), dtype=np.int64, count=len(lowered))
    firsts = np.concatenate(([0], np.cumsum(lengths)))
    rows = np.repeat(np.arange(len(lowered)), lengths)
    places = np.arange(len(rows)) - np.repeat(firsts[:-1], lengths) - 1
    # the space before a text belongs to it; the last space of the batch to the last text
    return codes, np.append(rows, len(lowered) - 1), np.append(places, lengths[-1] - 1 if len(lengths) else 0)


def _lower_each(text: str) -> str:
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _is_word(codes: Ints) -> NDArray[np.bool_]:
    """Tell letters and digits (and anything beyond ASCII that is no punctuation block) from the rest."""
    digit = (codes >= 48) & (codes <= 57)
    letter = ((codes >= 97) & (codes <= 122)) | ((codes >= 65) & (codes <= 90)) | (codes == 95)
    beyond = (codes >= 0xAA) & ~((codes >= 0x2000) & (codes <= 0x206F)) & (codes != 0xAB) & (codes != 0xBB)
    return np.asarray(digit | letter | beyond)


class _Words:
    """The words of a batch; ``!`` and ``?`` are words, an apostrophe is part of its word."""

    def __init__(self, texts: Sequence[str]) -> None:
        codes, rows, self._places = once(texts, "codes", lambda: _codes(texts))
        word = _is_word(codes)
        inside = ((codes == 39) | (codes == 0x2019)) & _before(word) & _after(word)
        word |= inside
        codes = np.where(inside, 39, codes)
        edge = np.flatnonzero(word[1:] != word[:-1]) + 1  # the first and the last are spaces
        singles = np.flatnonzero((codes == 33) | (codes == 63))
        starts, ends = np.concatenate((edge[0::2], singles)), np.concatenate((edge[1::2], singles + 1))
        order = np.argsort(starts, kind="stable")
        self._starts, self._ends = starts[order], ends[order]
        self._owner = rows[self._starts]
        self._hashes = [_window_hashes(codes, self._starts, self._ends)]  # of n words, at n - 1

    def grams(self, n: int) -> Grams:
        """Return the n-grams of *n* words."""
        count = max(0, len(self._starts) - n + 1)
        same = self._owner[:count] == self._owner[n - 1 :]
        starts, ends = self._starts[:count][same], self._ends[n - 1 :][same]
        return Grams(
            self._owner[:count][same], self._hashes_of(n)[same], self._places[starts], self._places[ends - 1] + 1
        )

    def _hashes_of(self, n: int) -> NDArray[np.uint64]:
        while len(self._hashes) < n:
            more = len(self._hashes)
            self._hashes.append(_mix(self._hashes[-1][:-1] * _PAIR + self._hashes[0][more:]))
        return self._hashes[n - 1]


class _Characters:
    """The characters of a batch, within words; a space marks the edge of a word, and there are never two."""

    def __init__(self, texts: Sequence[str]) -> None:
        codes, rows, places = once(texts, "codes", lambda: _codes(texts))
        codes = np.where((codes == 0x2019) | (codes == 0x2018), 39, codes)
        kept = _is_word(codes) | (codes == 39) | (codes == 33) | (codes == 63) | (codes == 37)
        codes = np.where(kept, codes, _SPACE)
        space = codes == _SPACE
        single = ~(space & _before(space) & (rows == _before(rows)))
        single[0] = True
        self._rows, self._places, self._space = rows[single], places[single], space[single]
        self._spaces = np.concatenate(([0], np.cumsum(self._space)))
        self._prefix, self._inverse = _prefix(codes[single])

    def grams(self, n: int) -> Grams:
        """Return the n-grams of *n* characters."""
        rows, space, spaces = self._rows, self._space, self._spaces
        count = max(0, len(rows) - n + 1)
        if n > 1:
            # the space after a word is the first of the next text at the end of a text
            whole = (rows[:count] == rows[n - 1 :]) | (space[n - 1 :] & ~space[:count])
            whole &= spaces[n - 1 : n - 1 + count] == spaces[1 : 1 + count]
        else:
            whole = ~space
        starts = np.flatnonzero(whole)
        hashes = _mix((self._prefix[starts + n] - self._prefix[starts]) * self._inverse[starts] + np.uint64(n))
        first = starts + space[starts]
        last = np.maximum(first, starts + n - 1 - space[starts + n - 1])
        return Grams(rows[first], hashes, self._places[first], self._places[last] + 1)


def word_grams(texts: Sequence[str], low: int, high: int) -> Grams:
    """Return the n-grams of *low* to *high* words; ``!`` and ``?`` are words, an apostrophe is part of its word."""
    words = once(texts, "words", lambda: _Words(texts))
    return _gather([once(texts, ("words", n), partial(words.grams, n)) for n in range(low, high + 1)])


def character_grams(texts: Sequence[str], low: int, high: int) -> Grams:
    """Return the n-grams of *low* to *high* characters within words; a space marks the edge of a word."""
    characters = once(texts, "characters", lambda: _Characters(texts))
    return _gather([once(texts, ("characters", n), partial(characters.grams, n)) for n in range(low, high + 1)])


def _before(values: NDArray[T]) -> NDArray[T]:
    """Return at each place what stands before it."""
    return np.concatenate((values[-1:], values[:-1]))


def _after(values: NDArray[T]) -> NDArray[T]:
    """Return at each place what stands after it."""
    return np.concatenate((values[1:], values[:1]))


def _gather(parts: Sequence[Grams]) -> Grams:
    columns = zip(*((part.rows, part.hashes, part.starts, part.ends) for part in parts), strict=True)
    return Grams(*map(np.concatenate, columns))


def _prefix(codes: Ints) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return prefix sums of ``code * base ** place`` and the inverse powers, all modulo 2**64."""
    terms = (codes.astype(np.uint64) + np.uint64(1)) * _powers(len(codes), _BASE)
    return np.concatenate((np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64))), _powers(len(codes), _INVERSE)


def _window_hashes(codes: Ints, starts: Ints, ends: Ints) -> NDArray[np.uint64]:
    prefix, inverse = _prefix(codes)
    return _mix((prefix[ends] - prefix[starts]) * inverse[starts])


@dataclass(frozen=True)
class Tfidf:
    """A fitted vectoriser.

    Attributes
    ----------
    columns : ndarray of shape (2**bits,), int32
        The column of each bucket of the hash table, -1 where it is not used.
    idf : ndarray of shape (n_columns,), float32
    """

    kind: Literal["words", "characters"]
    low: int
    high: int
    columns: NDArray[np.int32]
    idf: NDArray[np.float32]

    @property
    def shift(self) -> np.uint64:
        """How far a hash is shifted to name its bucket."""
        return np.uint64(64 - (len(self.columns).bit_length() - 1))

    @cached_property
    def key(self) -> bytes:
        """What vectorisers that answer alike have in common."""
        digest = hashlib.blake2b(f"{self.kind} {self.low} {self.high}".encode(), digest_size=16)
        for array in (self.columns, self.idf):
            digest.update(np.ascontiguousarray(array).data)
        return digest.digest()

    def grams(self, texts: Sequence[str]) -> Grams:
        """Return the n-grams of *texts*."""
        find = word_grams if self.kind == "words" else character_grams
        return once(texts, (self.kind, self.low, self.high), lambda: find(texts, self.low, self.high))

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return sublinear TF-IDF of length 1, of shape (n, n_columns), float32."""
        blocks = [self._transform(block) for block in _chunks(texts)]
        if not blocks:
            return sparse.csr_matrix((0, len(self.idf)), dtype=np.float32)
        return blocks[0] if len(blocks) == 1 else sparse.vstack(blocks, format="csr", dtype=np.float32)

    def product(self, texts: Sequence[str], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``transform(texts) @ weights``; for a few texts without the cost of building the matrix."""
        if len(texts) > FEW_TEXTS or sum(map(len, texts)) >= CHUNK_CHARS:
            return np.asarray(self.transform(texts) @ weights, dtype=np.float32)
        pointers, columns, values = self._rows_of(texts)
        result = np.empty((len(texts), weights.shape[1]), dtype=np.float32)
        for row in range(len(texts)):
            own = slice(pointers[row], pointers[row + 1])
            np.matmul(values[own], weights[columns[own]], out=result[row])
        return result

    def prepare(self, texts: SharedTexts) -> None:
        """Count the n-grams of *texts* now, for when they are asked for."""
        for block in _chunks(texts):
            self._rows_of(block)

    def _transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        pointers, columns, values = self._rows_of(texts)
        shape = (len(texts), len(self.idf))
        return sparse.csr_matrix((values, columns.astype(np.int32), pointers.astype(np.int32)), shape=shape)

    def _rows_of(self, texts: Sequence[str]) -> tuple[Ints, Ints, NDArray[np.float32]]:
        """Return where each row begins, and the columns and values of all rows, one after the other."""
        return once(texts, self.key, lambda: self._counted(texts))

    def _counted(self, texts: Sequence[str]) -> tuple[Ints, Ints, NDArray[np.float32]]:
        grams = self.grams(texts)
        columns = self.columns[(grams.hashes >> self.shift).view(np.int64)]
        used = columns >= 0
        return self._weigh(grams.rows[used], columns[used].astype(np.int64), len(texts))

    def _weigh(self, rows: Ints, columns: Ints, count: int) -> tuple[Ints, Ints, NDArray[np.float32]]:
        width = len(self.idf)
        keys = np.sort(rows * width + columns)
        firsts = np.flatnonzero(np.concatenate((keys[:1] >= 0, keys[1:] != keys[:-1])))
        counts = np.concatenate((firsts[1:], [len(keys)])) - firsts
        rows, columns = np.divmod(keys[firsts], width)
        long = (1.0 + np.log(counts)) * self.idf[columns]
        norms = np.sqrt(np.bincount(rows, weights=long * long, minlength=count))
        pointers = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=count))))
        return pointers, columns, (long / norms[rows]).astype(np.float32)

    def parts(self, text: str, weights: NDArray[np.float32]) -> list[tuple[int, int, float]]:
        """Return each n-gram of *text* that is used as ``(start, end, part)``.

        The parts sum to ``transform @ weights``.

        An n-gram that occurs more than once shares its part among its places.
        """
        grams = self.grams([text])
        columns = self.columns[(grams.hashes >> self.shift).astype(np.int64)].astype(np.int64)
        used = columns >= 0
        _, chosen, values = self._weigh(grams.rows[used], columns[used], 1)
        worth = np.zeros(len(self.idf))
        worth[chosen] = values * weights[chosen]
        times = np.bincount(columns[used], minlength=len(self.idf))
        each = worth[columns[used]] / times[columns[used]]
        return list(zip(grams.starts[used].tolist(), grams.ends[used].tolist(), each.tolist(), strict=True))

    def keep(self, chosen: Ints) -> Tfidf:
        """Return a vectoriser with the columns *chosen* (ascending) alone."""
        buckets = self.arrays()["buckets"][chosen]
        columns = np.full(len(self.columns), -1, dtype=np.int32)
        columns[buckets] = np.arange(len(chosen), dtype=np.int32)
        return Tfidf(self.kind, self.low, self.high, columns, self.idf[chosen])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `from_arrays` needs: the used buckets, in the order of their columns, and the idf."""
        buckets = np.zeros(len(self.idf), dtype=np.int32)
        used = np.flatnonzero(self.columns >= 0)
        buckets[self.columns[used]] = used
        return {"buckets": buckets, "idf": self.idf}

    @classmethod
    def from_arrays(
        cls, kind: Literal["words", "characters"], low: int, high: int, bits: int, arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Rebuild a vectoriser.

        Raises
        ------
        ArtifactError
            The arrays do not fit each other.
        """
        buckets, idf = arrays["buckets"].astype(np.int64), arrays["idf"].astype(np.float32)
        size = 1 << bits
        if (
            buckets.ndim != 1
            or buckets.shape != idf.shape
            or (len(buckets) and not 0 <= buckets.min() <= buckets.max() < size)
        ):
            raise ArtifactError("the n-gram table of a view is damaged", hint="Train the model again.")
        columns = np.full(size, -1, dtype=np.int32)
        columns[buckets] = np.arange(len(buckets), dtype=np.int32)
        return cls(kind, low, high, columns, idf)


def fit_tfidf(
    texts: Sequence[str],
    *,
    kind: Literal["words", "characters"],
    low: int,
    high: int,
    bits: int,
    features: int,
    min_rows: int,
) -> Tfidf:
    """Choose the *features* buckets that most texts have, of those that at least *min_rows* have, and their idf."""
    size = 1 << bits
    shift = np.uint64(64 - bits)
    document_counts = np.zeros(size, dtype=np.int64)
    gram = word_grams if kind == "words" else character_grams
    for block in _chunks(texts):
        grams = gram(block, low, high)
        keys = np.unique(grams.rows * size + (grams.hashes >> shift).astype(np.int64))
        document_counts += np.bincount(keys % size, minlength=size)
    used = np.flatnonzero(document_counts >= max(1, min_rows))
    best = used[np.argsort(-document_counts[used], kind="stable")[:features]]
    columns = np.full(size, -1, dtype=np.int32)
    columns[np.sort(best)] = np.arange(len(best), dtype=np.int32)
    idf = (np.log((1 + len(texts)) / (1 + document_counts[np.sort(best)])) + 1.0).astype(np.float32)
    return Tfidf(kind, low, high, columns, idf)


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    """Cut a batch so that each piece has about `CHUNK_CHARS` characters."""
    if sum(map(len, texts)) < CHUNK_CHARS:
        return [texts] if len(texts) else []
    blocks: list[Sequence[str]] = []
    start = size = 0
    for index, text in enumerate(texts):
        size += len(text)
        if size >= CHUNK_CHARS:
            blocks.append(texts[start : index + 1])
            start, size = index + 1, 0
    if start < len(texts):
        blocks.append(texts[start:])
    return blocks
