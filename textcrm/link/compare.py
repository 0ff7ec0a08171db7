"""Compares the fields of candidate pairs: each comparison has levels, from equal to different.

Level 0 says that a value is missing: no evidence. Level 1 is equality; the last level is "different". Distances are
computed once for each pair of different values.

References
----------
Damerau-Levenshtein distance with adjacent transpositions ("optimal string alignment"): G. V. Bard, "Spelling-error
tolerant, order-independent pass-phrases via the Damerau-Levenshtein string-edit distance metric", ACSW 2007.
Comparison levels as values: the practice of Splink (R. Linacre et al., IJPDS 7(3), 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from textcrm.link.columns import Column, Kind
from textcrm.link.names import same_given

Ints = NDArray[np.int32]
Levels = NDArray[np.int8]
Floats = NDArray[np.float32]

NAME = ("exact", "short form", "one typo", "near", "prefix", "similar", "swapped", "swapped, near", "different")
TEXT = ("exact", "one typo", "near", "part", "similar", "somewhat similar", "different")
DATE = ("exact", "day and month swapped", "one digit", "two parts equal", "two digits", "year equal", "different")
EMAIL = ("exact", "same name, other domain", "near", "similar name", "similar, same domain", "same domain", "different")
PHONE = ("exact", "same last seven", "one digit", "two digits", "different")
CODE = ("exact", "one digit", "two digits", "prefix", "different")
MAIL = ("in the address", "nearly in the address", "initial", "different")
CATEGORY = ("exact", "near", "different")
# Levels that speak for one true value behind both.
_AGREES = frozenset(
    """exact|short form|one typo|near|swapped|swapped, near|part|day and month swapped|one digit
    |in the address|nearly in the address|same name, other domain|similar name|same last seven""".replace(
        "\n    ", ""
    ).split("|")
)


@dataclass(frozen=True, eq=False)
class Compared:
    """One field of all pairs: ``levels`` of shape (n_pairs,), 0 where a value is missing, else 1 to len(names).

    ``instead`` names the column in whose place another one was looked at.
    """

    column: Column
    names: tuple[str, ...]
    levels: Levels
    instead: str | None = None

    @property
    def state_of_level(self) -> Levels:
        """Whether a level is missing (0), agreeing (1) or differing (2), shape (n_levels + 1,)."""
        table = np.full(len(self.names) + 1, 2, dtype=np.int8)
        table[0] = 0
        table[[place for place, name in enumerate(self.names, start=1) if name in _AGREES]] = 1
        return table

    @property
    def states(self) -> Levels:
        """Levels told apart only as missing (0), agreeing (1) and differing (2)."""
        return self.state_of_level[self.levels]


def compare(columns: Sequence[Column], left: Ints, right: Ints) -> list[Compared]:
    """Compare all *columns* of the pairs ``(left[i], right[i])``.

    Parameters
    ----------
    left, right
        Record numbers, shape (n_pairs,).
    """
    found: list[Compared] = []
    given = next((c for c in columns if c.kind == "given"), None)
    family = next((c for c in columns if c.kind == "family"), None)
    names = _names(given, family, left, right) if given is not None and family is not None else {}
    for column in columns:
        if column.name in names:
            found.append(Compared(column, NAME, names[column.name]))
            continue
        labels, rule = _RULES[column.kind]
        found.append(Compared(column, labels, _by_value(column, column, left, right, rule)))
    mail = next((c for c in columns if c.kind == "email"), None)
    if mail is not None:
        found += [_in_address(name, mail, left, right) for name in (given, family) if name is not None]
    return found


def _in_address(name: Column, mail: Column, left: Ints, right: Ints) -> Compared:
    """Look for a name that one record lacks in its mail address, where the other has the name."""
    levels = np.zeros(len(left), dtype=np.int8)
    for a, b in ((left, right), (right, left)):
        some = (name.codes[a] > 0) & (name.codes[b] == 0) & (mail.codes[b] > 0)
        levels[some] = _by_value(name, mail, a[some], b[some], _address_rule)
    kind: Kind = "mail_given" if name.kind == "given" else "mail_family"
    return Compared(replace(name, name=f"{name.name} in {mail.name}", kind=kind), MAIL, levels, name.name)


def similarity(left: Sequence[str], right: Sequence[str]) -> Floats:
    """Return 1 - distance / length of the longer, of each ``left[i]`` and ``right[i]``."""
    scores: Floats = process.cpdist(left, right, scorer=OSA.normalized_similarity, dtype=np.float32)
    return scores


def distance(left: Sequence[str], right: Sequence[str]) -> Ints:
    """Return the number of edits between each ``left[i]`` and ``right[i]``."""
    edits: Ints = process.cpdist(left, right, scorer=OSA.distance, dtype=np.int32)
    return edits


Rule = Callable[[list[str], list[str]], Levels]


def _by_value(a: Column, b: Column, left: Ints, right: Ints, rule: Rule) -> Levels:
    """Apply *rule* once to each pair of different values."""
    x, y = a.codes[left], b.codes[right]
    levels = np.zeros(len(x), dtype=np.int8)
    both = (x > 0) & (y > 0)
    keys = x[both].astype(np.int64) * len(b.values) + y[both]
    unique, inverse = np.unique(keys, return_inverse=True)
    first, second = np.divmod(unique, len(b.values))
    texts = ([a.values[i] for i in first], [b.values[j] for j in second])
    levels[both] = rule(*texts)[inverse] if len(unique) else 0
    return levels


def _first(conditions: Sequence[NDArray[np.bool_]]) -> Levels:
    """Return the number (from 1) of the first condition that holds, or one more than there are."""
    levels = np.full(len(conditions[0]), len(conditions) + 1, dtype=np.int8)
    for number in range(len(conditions), 0, -1):
        levels[conditions[number - 1]] = number
    return levels


def _map(test: Callable[[str, str], bool], left: Sequence[str], right: Sequence[str]) -> NDArray[np.bool_]:
    return np.fromiter(map(test, left, right), dtype=np.bool_, count=len(left))


def _is_prefix(a: str, b: str) -> bool:
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    return long.startswith(short) and (len(short) >= 3 or len(short) == 1)


def _contains(a: str, b: str) -> bool:
    """Tell whether all words of the shorter text stand in the longer one, or the words are the same run together."""
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    return (len(short) >= 3 and set(short.split()) <= set(long.split())) or short.replace(" ", "") == long.replace(
        " ", ""
    )


def _name_rule(left: list[str], right: list[str]) -> Levels:
    score, edits = similarity(left, right), distance(left, right)
    short = _map(same_given, left, right)
    prefix = _map(_is_prefix, left, right)
    one = (edits == 1) & (score >= 0.65)
    return _first([edits == 0, short, one, score >= 0.7, prefix, score >= 0.5, *[np.zeros(len(left), np.bool_)] * 2])


def _names(given: Column, family: Column, left: Ints, right: Ints) -> dict[str, Levels]:
    """Compare given and family names, straight and crosswise; where crosswise fits far better they were swapped."""
    straight = {c.name: _by_value(c, c, left, right, _name_rule) for c in (given, family)}
    crossed = [_by_value(a, b, left, right, _name_rule) for a, b in ((given, family), (family, given))]
    worth = np.array([0.0, 1.0, 0.8, 0.8, 0.7, 0.4, 0.4, 0.0, 0.0, 0.0], dtype=np.float32)
    gain = sum(worth[c] for c in crossed) - sum(worth[s] for s in straight.values())
    swapped = gain > 0.5
    for column, cross in zip((given, family), crossed, strict=True):
        equal, near = swapped & (cross == 1), swapped & np.isin(cross, (2, 3, 4))
        straight[column.name][equal] = NAME.index("swapped") + 1
        straight[column.name][near] = NAME.index("swapped, near") + 1
    return straight


def _text_rule(left: list[str], right: list[str]) -> Levels:
    edits = distance(left, right)
    score = similarity(left, right)
    sorted_ = similarity([" ".join(sorted(v.split())) for v in left], [" ".join(sorted(v.split())) for v in right])
    score = np.maximum(score, sorted_)
    part = _map(_contains, left, right) | _map(_is_prefix, left, right)
    one = (edits == 1) & (score >= 0.65)
    return _first([edits == 0, one, score >= 0.75, part, score >= 0.6, score >= 0.45])


def _date_rule(left: list[str], right: list[str]) -> Levels:
    edits = distance(left, right)
    parts = [_map(lambda a, b, s=part: a[s] == b[s], left, right) for part in (slice(4), slice(4, 6), slice(6, 8))]  # type: ignore[misc]
    whole = _map(lambda a, b: len(a) == len(b) == 8, left, right)
    swapped = whole & _map(lambda a, b: a[:4] == b[:4] and a[4:6] == b[6:8] and a[6:8] == b[4:6], left, right)
    two = whole & (sum(part.astype(np.int8) for part in parts) == 2)
    return _first([edits == 0, swapped, edits == 1, two, edits == 2, whole & parts[0]])


def _email_rule(left: list[str], right: list[str]) -> Levels:
    a, b = [v.rpartition("@")[::2] for v in left], [v.rpartition("@")[::2] for v in right]
    local = similarity([v[0] for v in a], [v[0] for v in b])
    domain = similarity([v[1] for v in a], [v[1] for v in b])
    same = domain == 1.0
    edits = distance(left, right)
    near = (edits <= 2) | ((local >= 0.7) & (domain >= 0.6))
    return _first([edits == 0, local == 1.0, near, local >= 0.7, (local >= 0.45) & (domain >= 0.7), same])


def _address_rule(names: list[str], addresses: list[str]) -> Levels:
    plain = [v.replace(" ", "") for v in names]
    local = [v.rpartition("@")[0].replace(".", "").replace("_", "").replace("-", "") for v in addresses]
    inside = _map(lambda n, a: len(n) >= 3 and n in a, plain, local)
    score = process.cpdist(plain, local, scorer=fuzz.partial_ratio, dtype=np.float32)
    near = (score >= 75) & _map(lambda n, a: 4 <= len(n) <= len(a) + 1, plain, local)
    initial = _map(lambda n, a: bool(n) and (a[:1] == n[0] or a.rstrip("0123456789")[-1:] == n[0]), plain, local)
    return _first([inside, near, initial])


def _phone_rule(left: list[str], right: list[str]) -> Levels:
    a, b = [v[-9:] for v in left], [v[-9:] for v in right]
    edits = distance(a, b)
    tail = _map(lambda x, y: x[-7:] == y[-7:], left, right)
    return _first([_map(str.__eq__, left, right), tail, edits == 1, edits == 2])


def _code_rule(left: list[str], right: list[str]) -> Levels:
    edits = distance(left, right)
    longest = np.fromiter((max(len(x), len(y)) for x, y in zip(left, right, strict=True)), np.int32, len(left))
    prefix = _map(lambda x, y: min(len(x), len(y)) >= 2 and x[:3] == y[:3], left, right)
    return _first([edits == 0, (edits == 1) & (longest > 1), (edits == 2) & (longest > 3), prefix])


def _category_rule(left: list[str], right: list[str]) -> Levels:
    edits = distance(left, right)
    return _first([edits == 0, (edits == 1) | (similarity(left, right) >= 0.7)])


_RULES: dict[str, tuple[tuple[str, ...], Rule]] = {
    "given": (NAME, _name_rule),
    "family": (NAME, _name_rule),
    "email": (EMAIL, _email_rule),
    "phone": (PHONE, _phone_rule),
    "date": (DATE, _date_rule),
    "code": (CODE, _code_rule),
    "category": (CATEGORY, _category_rule),
    "place": (TEXT, _text_rule),
    "text": (TEXT, _text_rule),
}
