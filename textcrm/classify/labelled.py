"""Reads texts, and labels where there are any, from CSV, TSV, JSON Lines or plain lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from textcrm.errors import NotFoundError, TooLargeError, UnreadableError, UsageError

TEXT_NAMES = (
    "text", "sentence", "message", "body", "review", "content", "query", "utterance", "comment", "tweet",
    "description", "question", "title", "subject",
)  # fmt: skip
LABEL_NAMES = (
    "label", "category", "intent", "sentiment", "class", "target", "topic", "urgency", "priority", "rating", "score",
    "polarity", "tag", "labels",
)  # fmt: skip
SLICE_NAMES = ("channel", "language", "split", "group")
MAX_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Labelled:
    """Rows of a file.

    ``labels`` is empty where no column of labels was asked for. ``lines`` are the places of the rows in the file,
    counted from 1, the header not counted; ``skipped`` those of rows without text or label. ``guessed`` says which
    columns were guessed. ``slices`` are columns to break figures down by.
    """

    texts: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    skipped: tuple[int, ...]
    guessed: tuple[str, ...]
    slices: dict[str, tuple[str, ...]]


def read_labelled(
    path: Path, *, text: str | None = None, label: str | None = None, with_labels: bool, multi_label: bool = False
) -> Labelled:
    """Read a file of texts.

    Parameters
    ----------
    path
        ``.csv`` and ``.tsv`` have a header or are guessed from their columns; ``.jsonl`` has an object a line; anything
        else is tab-separated where every line has a tab, and plain lines of text otherwise.
    text, label
        Names of columns, or their numbers counted from 0. Guessed where absent.
    with_labels
        Whether rows need a label.
    multi_label
        Whether a label is several, divided by ``|``, or a JSON list.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        There is no such column, or none can be guessed.
    UnreadableError, TooLargeError
        The file is no text, or too large.
    """
    content = _decode(path)
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json"):
        header, rows = _json_rows(content, path.name)
    else:
        header, rows = _table_rows(content, suffix)
    guessed: list[str] = []
    text_at = _column(header, text, TEXT_NAMES, "text", guessed=guessed, rows=rows)
    label_at = (
        _column(header, label, LABEL_NAMES, "label", guessed=guessed, rows=rows, other=text_at) if with_labels else None
    )
    extra = {name.lower(): place for place, name in enumerate(header) if name.lower() in SLICE_NAMES}
    texts, labels, lines, skipped = [], [], [], []
    slices: dict[str, list[str]] = {name: [] for name in extra}
    for line, row in enumerate(rows, start=1):
        value = _cell(row, text_at)
        own = _labels(row[label_at] if label_at is not None and label_at < len(row) else None, multi_label)
        if (not value.strip() and with_labels) or (with_labels and not own):
            skipped.append(line)
            continue
        texts.append(value)
        labels.append(own)
        lines.append(line)
        for name, place in extra.items():
            slices[name].append(_cell(row, place))
    return Labelled(
        tuple(texts),
        tuple(labels) if with_labels else (),
        tuple(lines),
        tuple(skipped),
        tuple(guessed),
        {name: tuple(values) for name, values in slices.items()},
    )


def _decode(path: Path) -> str:
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="Check the path.")
    if path.stat().st_size > MAX_BYTES:
        raise TooLargeError(f"{path.name} is larger than {MAX_BYTES} bytes", hint="Cut it up.")
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise UnreadableError(f"{path.name} is no UTF-16", hint="Save it as UTF-8.") from error
    if b"\x00" in data[:4096]:
        raise UnreadableError(f"{path.name} is no text file", hint="Give a CSV, TSV or JSONL file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            return data.decode("latin-1")


def _json_rows(content: str, name: str) -> tuple[list[str], list[list[Any]]]:
    objects: list[Any] = []
    stripped = content.lstrip()
    try:
        if stripped.startswith("["):
            objects = json.loads(stripped)
        else:
            objects = [json.loads(line) for line in content.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{name} has a line that is no JSON", hint="Give one object a line.") from error
    if not all(isinstance(item, dict) for item in objects):
        raise UnreadableError(f"{name} has a line that is no JSON object", hint="Give one object a line.")
    header = list(dict.fromkeys(key for item in objects for key in item))
    return header, [[item.get(key) for key in header] for item in objects]


def _table_rows(content: str, suffix: str) -> tuple[list[str], list[list[Any]]]:
    # not splitlines: a NEL or a form feed inside a text ends no row
    lines = content.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    filled = [line for line in lines[:2000] if line.strip()]
    if suffix == ".csv":
        delimiter: str | None = _delimiter(filled)
    elif suffix in (".tsv", ".tab") or (filled and all("\t" in line for line in filled)):
        delimiter = "\t"
    else:
        return ["text"], [[line] for line in lines]
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    if delimiter == "\t" and any(line.count('"') % 2 for line in filled):
        quoting = csv.QUOTE_NONE  # a quote is a plain character
    csv.field_size_limit(100_000_000)
    rows: list[list[Any]] = [
        list(row)
        for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter or ",", quoting=quoting)
        if row
    ]
    if not rows:
        return ["text"], []
    known = {name.strip().lower() for name in rows[0]}
    if known & {*TEXT_NAMES, *LABEL_NAMES}:
        return [name.strip() for name in rows[0]], rows[1:]
    if len(rows[0]) > 1 and suffix in (".csv", ".tsv") and all(_looks_like_name(name) for name in rows[0]):
        return [name.strip() for name in rows[0]], rows[1:]
    return [str(place) for place in range(max(len(row) for row in rows[:100]))], rows


def _looks_like_name(cell: str) -> bool:
    return 0 < len(cell.strip()) <= 40 and cell.strip()[0].isalpha() and cell.count(" ") <= 3 and cell[-1].isalnum()


def _delimiter(lines: Sequence[str]) -> str:
    first = lines[0] if lines else ""
    return max((",", ";", "\t", "|"), key=lambda mark: (first.count(mark), mark == ","))


def _column(
    header: Sequence[str],
    wanted: str | None,
    names: Sequence[str],
    what: str,
    *,
    guessed: list[str],
    rows: Sequence[Sequence[Any]],
    other: int | None = None,
) -> int:
    lower = [name.strip().lower() for name in header]
    if wanted is not None:
        if wanted in header:
            return list(header).index(wanted)
        if wanted.strip().lower() in lower:
            return lower.index(wanted.strip().lower())
        if wanted.isdigit() and int(wanted) < len(header):
            return int(wanted)
        raise UsageError(f"there is no column {wanted} for the {what}", hint=f"Use --{what}.", options=header)
    for name in names:
        if name in lower and lower.index(name) != other:
            guessed.append(f"{what} = {header[lower.index(name)]}")
            return lower.index(name)
    rest = [place for place in range(len(header)) if place != other]
    if not rest:
        raise UsageError(f"no column for the {what} can be guessed", hint=f"Name it with --{what}.", options=header)
    sample = rows[:300]
    if what == "text":
        best = max(rest, key=lambda place: sum(len(_cell(row, place)) for row in sample))
    else:
        few = [place for place in rest if len({_cell(row, place) for row in sample}) <= max(2, len(sample) // 2)]
        if not few:
            raise UsageError("no column for the label can be guessed", hint="Name it with --label.", options=header)
        best = few[-1]
    guessed.append(f"{what} = {header[best]}")
    return best


def _cell(row: Sequence[Any], place: int) -> str:
    value = row[place] if place < len(row) else None
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _labels(value: Any, multi_label: bool) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        parts: Iterable[str] = (str(part) for part in value)
    elif multi_label:
        parts = str(value).split("|")
    else:
        parts = (value if isinstance(value, str) else json.dumps(value),)
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
