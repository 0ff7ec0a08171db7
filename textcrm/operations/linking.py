"""Which records of a table are one person, and which records of two tables belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from textcrm.errors import UsageError
from textcrm.link.block import Block
from textcrm.link.cluster import components
from textcrm.link.columns import columns_of, record_column
from textcrm.link.decide import LINK, score_pairs
from textcrm.records import Evidence
from textcrm.sources.rejected import Rejected
from textcrm.sources.structured import structured_rows

Progress = Callable[[str], None]


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


def dedupe(path: Path) -> tuple[list[Clustered], LinkReport]:
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
    scored = score_pairs(columns, n)
    if scored is None:
        return [Clustered(name, place, 1.0) for place, name in enumerate(table.ids)], report
    report.rules, report.pairs = scored.rules, len(scored.left)
    linked = scored.probability >= LINK
    labels = components(scored.left[linked], scored.right[linked], n)
    return _clustered(table.ids, labels, scored.left, scored.right, scored.probability), report


def _clustered(
    ids: Sequence[str], labels: np.ndarray, left: np.ndarray, right: np.ndarray, probability: np.ndarray
) -> list[Clustered]:
    n = len(ids)
    inside, outside = np.zeros(n), np.zeros(n)
    same = labels[left] == labels[right]
    for end in (left, right):
        np.maximum.at(inside, end[same], probability[same])
        np.maximum.at(outside, end[~same], probability[~same])
    alone = np.bincount(labels, minlength=n)[labels] == 1
    confidence = np.where(alone, 1.0 - outside, inside)
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels.tolist()))}
    return [
        Clustered(name, numbers[int(label)], round(float(c), 6))
        for name, label, c in zip(ids, labels, confidence, strict=True)
    ]
