"""Which records of a table are one person, and which records of two tables belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textcrm.errors import UsageError
from textcrm.link.block import Block
from textcrm.link.columns import columns_of, guess_kind, record_column
from textcrm.link.decide import Resolved, resolve
from textcrm.records import Evidence
from textcrm.sources.rejected import Rejected
from textcrm.sources.structured import structured_rows

Progress = Callable[[str], None]
NOT_COMPARED = -1e6  # log2 odds below those of any pair that was compared


@dataclass(frozen=True)
class Clustered:
    """A record, the cluster it is in (numbered from 0), and the probability that it belongs there."""

    record: str
    cluster: int
    confidence: float


@dataclass(frozen=True)
class Matched:
    """A pair of records of two tables, the probability that they are one, and the evidence."""

    left: str
    right: str
    confidence: float
    why: tuple[Evidence, ...]


@dataclass
class LinkReport:
    """How it was done: what each column was taken for, the pairs that each rule made, rows that were left out."""

    columns: dict[str, str] = field(default_factory=dict)
    rules: tuple[Block, ...] = ()
    pairs: int = 0
    all_pairs: int = 0
    record_column: str | None = None
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """Rows of a file by column, and what each record is called."""

    names: tuple[str, ...]
    rows: list[dict[str, str]]
    ids: list[str]
    id_column: str | None
    rejected: list[Rejected]


def read_records(path: Path) -> Table:
    """Read a table; the first column that is unique names the records, else their place does (from 1).

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        It is no table, or has no rows.
    """
    rows: list[dict[str, str]] = []
    rejected: list[Rejected] = []
    for row in structured_rows(path):
        if isinstance(row, Rejected):
            rejected.append(row)
        else:
            rows.append({name.strip(): value.strip() for name, value in row[1].items()})
    if not rows:
        raise UsageError(f"{path.name} has no rows that can be read", hint="It needs a header and one record a row.")
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    unique = record_column(names, rows)
    ids = [row[unique] for row in rows] if unique else [str(place) for place in range(1, len(rows) + 1)]
    return Table(names, rows, ids, unique, rejected)


def dedupe(path: Path, *, progress: Progress | None = None) -> tuple[list[Clustered], LinkReport]:
    """Find the records of a table that are one person.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        It is no table, or has no rows.
    """
    table = read_records(path)
    n = len(table.rows)
    columns = columns_of([name for name in table.names if name != table.id_column], table.rows)
    report = LinkReport({c.name: c.kind for c in columns}, (), 0, n * (n - 1) // 2, table.id_column, table.rejected)
    found = resolve(columns, n, progress=progress)
    if found is None:
        return [Clustered(name, place, 1.0) for place, name in enumerate(table.ids)], report
    report.rules, report.pairs = found.rules, found.blocked
    confidence = _confidence(found)
    return [
        Clustered(name, int(person), round(float(sure), 6))
        for name, person, sure in zip(table.ids, found.people, confidence, strict=True)
    ], report


def match(
    left: Path, right: Path, *, one_to_one: bool = False, progress: Progress | None = None
) -> tuple[list[Matched], LinkReport]:
    """Find the records of two tables that are one person, the most probable first.

    Columns are paired by name; where that leaves none, by what they hold.

    Parameters
    ----------
    one_to_one
        Neither table has a person twice: each record gets one partner at most. Of the pairs that would be returned
        otherwise, those are kept that say most together.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        One is no table or has no rows, or the two have no column in common.
    """
    a, b = read_records(left), read_records(right)
    rows, names = _together(a, b)
    if not names:
        raise UsageError(
            f"{left.name} and {right.name} have no column in common", hint="Give the columns to compare the same names."
        )
    border, n = len(a.rows), len(rows)
    table = (np.arange(n) >= border).astype(np.int64)
    columns = columns_of(names, rows)
    report = LinkReport(
        {c.name: c.kind for c in columns}, (), 0, n * (n - 1) // 2, a.id_column, [*a.rejected, *b.rejected]
    )
    found = resolve(columns, n, table=table, progress=progress)
    if found is None:
        return [], report
    report.rules, report.pairs = found.rules, found.blocked
    pairs = _matched(found, a, b, border, one_to_one=one_to_one)
    return sorted(pairs, key=lambda pair: -pair.confidence), report


def _together(a: Table, b: Table) -> tuple[list[dict[str, str]], list[str]]:
    """Return the rows of both tables under the names of the first, and the columns that both have."""
    ours = [name for name in a.names if name != a.id_column]
    theirs = [name for name in b.names if name != b.id_column]
    folded = {_loose(name): name for name in theirs}
    named = {name: folded.pop(_loose(name)) for name in ours if _loose(name) in folded}
    kinds: dict[str, list[str]] = {}
    for name in folded.values():
        kinds.setdefault(guess_kind(name, [row.get(name, "") for row in b.rows]), []).append(name)
    for name in ours:
        kind = guess_kind(name, [row.get(name, "") for row in a.rows])
        if name not in named and len(kinds.get(kind, ())) == 1 and kind not in ("text", "code", "category"):
            named[name] = kinds.pop(kind)[0]
    used = [name for name in ours if name in named]
    rows = [{name: row.get(name, "") for name in used} for row in a.rows]
    rows += [{name: row.get(named[name], "") for name in used} for row in b.rows]
    return rows, used


def _loose(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _matched(found: Resolved, a: Table, b: Table, border: int, *, one_to_one: bool) -> Iterator[Matched]:
    """Yield the pairs across the border that are one person."""
    compared = {
        (i, j): place
        for place, (i, j) in enumerate(zip(found.left.tolist(), found.right.tolist(), strict=True))
        if i < border <= j
    }
    members: dict[int, list[int]] = {}
    for record, person in enumerate(found.people.tolist()):
        members.setdefault(person, []).append(record)
    sure, direct = _confidence(found), found.probability
    for group in members.values():
        ours = [record for record in group if record < border]
        theirs = [record for record in group if record >= border]
        pairs = list(product(ours, theirs))
        if one_to_one and len(pairs) > 1:
            pairs = best_partners(ours, theirs, compared, found.fitted.odds)
        for i, j in pairs:
            place = compared.get((i, j))
            confidence = float(min(sure[i], sure[j]))
            if place is not None and (one_to_one or len(group) == 2):
                confidence = float(direct[place])
            why = found.evidence(place) if place is not None else ()
            yield Matched(a.ids[i], b.ids[j - border], round(confidence, 6), why)


def best_partners(
    ours: Sequence[int], theirs: Sequence[int], compared: Mapping[tuple[int, int], int], odds: NDArray[np.float64]
) -> list[tuple[int, int]]:
    """Return the pairs of one cluster in which no record comes twice and the log odds add up to the most.

    Pairs that were never compared are left out.

    References
    ----------
    Jaro, M. A. (1989). Advances in record-linkage methodology as applied to matching the 1985 census of Tampa, Florida.
    Journal of the American Statistical Association 84 (406), 414-420.
    """
    from scipy.optimize import linear_sum_assignment

    scores = np.full((len(ours), len(theirs)), NOT_COMPARED)
    for (x, i), (y, j) in product(enumerate(ours), enumerate(theirs)):
        if (i, j) in compared:
            scores[x, y] = odds[compared[i, j]]
    rows, columns = linear_sum_assignment(scores, maximize=True)
    chosen = [(ours[x], theirs[y]) for x, y in zip(rows.tolist(), columns.tolist(), strict=True)]
    return [pair for pair in chosen if pair in compared]


def _confidence(found: Resolved) -> NDArray[np.float64]:
    """Return the probability that each record belongs where it was put: with its nearest, or alone."""
    n = len(found.people)
    inside, outside = np.zeros(n), np.zeros(n)
    same = found.people[found.left] == found.people[found.right]
    direct = found.probability
    for end in (found.left, found.right):
        np.maximum.at(inside, end[same], direct[same])
        np.maximum.at(outside, end[~same], direct[~same])
    alone = np.bincount(found.people, minlength=n)[found.people] == 1
    confidence: NDArray[np.float64] = np.where(alone, 1.0 - outside, inside)
    return confidence
