"""Candidate pairs: those that share a rare enough key, and each record's nearest by the letters of all its fields.

Keys are the values of a column, or of two columns together, in a form that forgives (sound, first letters, year).
Which keys are used is chosen from the data: those that make few pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import jellyfish
import numpy as np
from numpy.typing import NDArray

from textcrm.link.columns import Column

Ints = NDArray[np.int32]
NEIGHBOURS = 12
MOST_BLOCK = 200


@dataclass(frozen=True)
class Block:
    """A rule with how many pairs it makes."""

    rule: str
    pairs: int


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidate pairs, ``left < right``, each once, shape (n_pairs,), and what each rule gave."""

    left: Ints
    right: Ints
    rules: tuple[Block, ...]


def candidates(columns: Sequence[Column], n: int) -> Candidates:
    """Return the pairs worth comparing among *n* records."""
    budget = max(10 * n, n * n // 400)  # pairs of one rule
    keys = _keys(columns)
    chosen: list[tuple[str, NDArray[np.int64]]] = []
    made: dict[str, float] = {name: _pair_count(codes) for name, codes in keys.items()}
    chosen += [(name, keys[name]) for name in keys if made[name] <= budget / 4]
    wide = [name for name in keys if made[name] > budget / 4]
    for first, second in combinations(wide, 2):
        if first.split(" ~")[0] == second.split(" ~")[0]:
            continue
        joint = _joint(keys[first], keys[second])
        if _pair_count(joint) <= budget / 4:
            chosen.append((f"{first} + {second}", joint))
    found: list[NDArray[np.int64]] = []
    rules: list[Block] = []
    for name, codes in chosen:
        pairs = _pairs_of(codes, n)
        rules.append(Block(name, len(pairs)))
        found.append(pairs)
    near = _nearest(columns, n)
    rules.append(Block("nearest by letters", len(near)))
    every = np.unique(np.concatenate([*found, near]))
    left, right = np.divmod(every, n)
    return Candidates(left.astype(np.int32), right.astype(np.int32), tuple(rules))


def _keys(columns: Sequence[Column]) -> dict[str, NDArray[np.int64]]:
    """Return the keys: per name the number of each record's value, 0 where it is missing."""
    keys: dict[str, NDArray[np.int64]] = {}
    for column in columns:
        keys[column.name] = column.codes.astype(np.int64)
        for name, form in _FORMS.get(column.kind, ()):
            keys[f"{column.name} ~{name}"] = _recoded(column, [form(value) if value else "" for value in column.values])
    return keys


def _recoded(column: Column, forms: Sequence[str]) -> NDArray[np.int64]:
    known: dict[str, int] = {"": 0}
    numbers = np.fromiter((known.setdefault(f, len(known)) for f in forms), dtype=np.int64, count=len(forms))
    result: NDArray[np.int64] = numbers[column.codes]
    return result


def _joint(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    joint = a * (int(b.max()) + 1) + b
    joint[(a == 0) | (b == 0)] = 0
    _, inverse = np.unique(joint, return_inverse=True)
    codes: NDArray[np.int64] = inverse + (0 if (joint == 0).any() else 1)
    return codes


def _pair_count(codes: NDArray[np.int64]) -> float:
    sizes = np.bincount(codes)[1:].astype(np.float64)
    return float((sizes * (sizes - 1) / 2).sum())


def _pairs_of(codes: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the pairs of records with one key as ``left * n + right``."""
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] > 0]
    sorted_ = codes[order]
    parts = []
    for step in range(1, MOST_BLOCK):
        same = sorted_[step:] == sorted_[:-step]
        if not same.any():
            break
        a, b = order[:-step][same].astype(np.int64), order[step:][same].astype(np.int64)
        parts.append(np.minimum(a, b) * n + np.maximum(a, b))
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _nearest(columns: Sequence[Column], n: int) -> NDArray[np.int64]:
    """Return each record with its nearest by cosine of the TF-IDF of character trigrams over all fields."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = _texts(columns, n)
    most = max(60, min(600, n // 20))
    try:
        x = TfidfVectorizer(
            analyzer=str.split, lowercase=False, min_df=2, max_df=min(n, most), dtype=np.float32, sublinear_tf=True
        ).fit_transform(texts)
    except ValueError:  # no gram is shared: nothing is near
        return np.empty(0, dtype=np.int64)
    x = sparse.csr_matrix(x)
    found = []
    for start in range(0, n, 1000):
        near = (x[start : start + 1000] @ x.T).tocoo()
        keep = near.row + start != near.col
        rows, cols, data = near.row[keep], near.col[keep], near.data[keep]
        order = np.lexsort((-data, rows))
        rows, cols = rows[order], cols[order]
        begin = np.searchsorted(rows, np.arange(rows.max(initial=0) + 1))
        rank = np.arange(len(rows)) - begin[rows] if len(rows) else rows
        rows, cols = rows[rank < NEIGHBOURS].astype(np.int64) + start, cols[rank < NEIGHBOURS].astype(np.int64)
        found.append(np.minimum(rows, cols) * n + np.maximum(rows, cols))
    return np.unique(np.concatenate(found))


def _texts(columns: Sequence[Column], n: int) -> list[str]:
    """Return per record its grams, each with a mark of the kind of field, names under one mark."""
    words: list[list[str]] = [[] for _ in range(n)]
    for number, column in enumerate(columns):
        mark = "n" if column.kind in ("given", "family") else str(number)
        grams = [_grams(value, mark) for value in column.values]
        for record, code in enumerate(column.codes):
            if code:
                words[record].append(grams[code])
    return [" ".join(parts) for parts in words]


def _grams(value: str, mark: str) -> str:
    padded = f"_{value.replace(' ', '_')}_"
    return " ".join(f"{mark}{padded[i : i + 3]}" for i in range(max(1, len(padded) - 2)))


_FORMS: dict[str, tuple[tuple[str, Callable[[str], str]], ...]] = {
    "given": (("sound", jellyfish.metaphone), ("first letters", lambda v: v[:3])),
    "family": (("sound", jellyfish.metaphone), ("first letters", lambda v: v[:3])),
    "date": (("year", lambda v: v[:4]), ("day", lambda v: v[4:])),
    "email": (("local part", lambda v: v.rpartition("@")[0]),),
    "phone": (("last seven", lambda v: v[-7:]),),
    "place": (("first letters", lambda v: v[:4]),),
    "text": (("first letters", lambda v: v[:5]),),
}
