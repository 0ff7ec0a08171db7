"""Candidate pairs: those that share a rare enough key, and each record's nearest by the letters of all its fields.

Keys are the values of a column, or of two columns together, in a form that forgives (sound, first letters, year).
Which keys are used is chosen from the data: those that make few pairs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import jellyfish
import numpy as np
from numpy.typing import NDArray

from textcrm.link.columns import Column

Ints = NDArray[np.int32]
MOST_BLOCK = 200
RULE_PAIRS = 5
"""Pairs that one rule may make for each record, where that is more than a thousandth of all."""
ALL_PAIRS = 150
"""Pairs that all rules together may make for each record, those found twice counted twice."""
NEAREST = 0.15
"""Cosine below which nothing is near."""
_WORD = re.compile(r"[^\W\d_]{3,}")


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
    most = max(2.5 * n, min(RULE_PAIRS * n, n * n / 1600))
    keys = _keys(columns)
    made = {name: _pair_count(codes) for name, codes in keys.items()}
    chosen = [(name, keys[name]) for name in keys if made[name] <= most]
    wide = [name for name in keys if made[name] > most]
    for first, second in combinations(wide, 2):
        if first.split(" ~")[0] != second.split(" ~")[0]:
            joint = _joint(keys[first], keys[second])
            if _pair_count(joint) <= most:
                chosen.append((f"{first} + {second}", joint))
    chosen = _affordable(chosen, ALL_PAIRS * n)
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


def _affordable(chosen: list[tuple[str, NDArray[np.int64]]], most: float) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the rules that make the fewest pairs, up to *most* pairs together."""
    kept, total = [], 0.0
    for rule in sorted(chosen, key=lambda rule: _pair_count(rule[1])):
        total += _pair_count(rule[1])
        if total > most:
            break
        kept.append(rule)
    return kept


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
    most = max(60, min(300, n // 20))
    count = int(np.clip(n * 0.006, 12, 30))
    try:
        x = TfidfVectorizer(
            analyzer=str.split, lowercase=False, min_df=2, max_df=min(n, most), dtype=np.float32, sublinear_tf=True
        ).fit_transform(texts)
    except ValueError:  # no gram is shared: nothing is near
        return np.empty(0, dtype=np.int64)
    x = sparse.csr_matrix(x)
    found = []
    step = max(100, min(1000, 20_000_000 // n))
    for start in range(0, n, step):
        near = (x[start : start + step] @ x.T).tocoo()
        keep = (near.row + start != near.col) & (near.data >= NEAREST)
        rows, cols, data = near.row[keep], near.col[keep], near.data[keep]
        order = np.lexsort((-data, rows))
        rows, cols = rows[order], cols[order]
        begin = np.searchsorted(rows, np.arange(step + 1))
        best = np.arange(len(rows)) - begin[rows] < count
        a, b = rows[best].astype(np.int64) + start, cols[best].astype(np.int64)
        found.append(np.minimum(a, b) * n + np.maximum(a, b))
    return np.unique(np.concatenate(found))


def _texts(columns: Sequence[Column], n: int) -> list[str]:
    """Return per record its grams, each with a mark of the kind of field, names under one mark.

    The words of a mail address stand under the mark of names too: many people write from their name.
    """
    words: list[list[str]] = [[] for _ in range(n)]
    for number, column in enumerate(columns):
        mark = "n" if column.kind in ("given", "family") else str(number)
        grams = [_grams(value, mark) for value in column.values]
        if column.kind == "email":
            named = [_WORD.findall(value.rpartition("@")[0]) for value in column.values]
            grams = [" ".join([g, *(_grams(w, "n") for w in some)]) for g, some in zip(grams, named, strict=True)]
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
