"""Tables as messages: CSV and TSV, JSON Lines and JSON, plain or gzip, and Parquet. One bad row stops nothing."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from textcrm.records import Channel, Message, Source
from textcrm.sources.charsets import bom, detect
from textcrm.sources.mapping import complete_mapping
from textcrm.sources.rejected import Rejected
from textcrm.sources.rows import to_message

_SAMPLE_BYTES = 262_144
_SAMPLE_ROWS = 50
_CHUNK = 1 << 20
_MOST_CELL = 25_000_000
_MOST_GIVEN_BACK = 100  # each reads what follows again
_MOST_JSON = 200_000_000
_MAGIC = (
    b"PK\x03\x04",
    b"\x89PNG",
    b"%PDF",
    b"\x7fELF",
    b"GIF8",
    b"\xff\xd8\xff",
    b"\xd0\xcf\x11\xe0",
    b"BZh",
    b"\xfd7zXZ",
)
Row = tuple[int, dict[str, str], bytes]
"""Place (line or item, from 1), cells by column, raw bytes."""


def read_table(
    path: Path,
    kind: str,
    *,
    channel: Channel,
    mapping: Mapping[str, str] | None,
    received_at: datetime,
) -> Iterator[Message | Rejected]:
    """Yield the messages of a table.

    Parameters
    ----------
    path
        The file.
    kind
        ``csv``, ``tsv``, ``jsonl``, ``json`` or ``parquet``.
    channel
        Channel of rows that do not name one.
    mapping
        Field to column; None: guessed. Fields that it leaves out are guessed.
    received_at
        When textcrm took it.

    Raises
    ------
    UsageError
        *mapping* names a field or a column that does not exist.
    """
    source = Source(kind=kind, name=path.name)
    rows = _rows(path, kind, source)
    head = list(itertools.islice(rows, _SAMPLE_ROWS))
    samples = [row[1] for row in head if not isinstance(row, Rejected)]
    columns = list(dict.fromkeys(name for row in samples for name in row))
    full = complete_mapping(mapping, columns, samples) if columns else {}
    for row in itertools.chain(head, rows):
        if isinstance(row, Rejected):
            yield row
            continue
        place, cells, raw = row
        yield to_message(
            cells,
            full,
            raw=raw,
            channel=channel,
            received_at=received_at,
            source=source.model_copy(update={"place": place}),
        )


def sample(path: Path, kind: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns of a table and its first rows, for guessing and showing what is what."""
    with contextlib.closing(_rows(path, kind, Source(kind=kind, name=path.name))) as rows:
        samples = [row[1] for row in itertools.islice(rows, _SAMPLE_ROWS) if not isinstance(row, Rejected)]
    return list(dict.fromkeys(name for row in samples for name in row)), samples


def table_rows(path: Path, kind: str) -> Iterator[Row | Rejected]:
    """Yield the rows of a table as they stand: place, cells by column, raw bytes."""
    return _rows(path, kind, Source(kind=kind, name=path.name))


def _rows(path: Path, kind: str, source: Source) -> Generator[Row | Rejected]:
    if kind == "parquet":
        yield from _parquet(path, source)
        return
    with opened(path) as file:
        try:
            head = file.read(_SAMPLE_BYTES)
            if not head.strip():
                return
            if is_binary(head):
                detail = "This is a binary file, not a table; check what it is and its name."
                yield Rejected(head + file.read(), "unreadable", detail, source)
                return
            encoding = _encoding(path, head)
        except (gzip.BadGzipFile, EOFError) as error:
            detail = f"The gzip file is damaged ({type(error).__name__})."
            yield Rejected(path.read_bytes(), "unreadable", detail, source)
            return
    with opened(path) as file:
        if kind == "json":
            yield from _json(file, encoding, source)
        elif kind == "jsonl":
            yield from _json_lines(file, encoding, source)
        else:
            yield from _separated(file, encoding, kind, source)


def opened(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked where it is gzip, whatever its name says."""
    file = path.open("rb")
    if file.peek(2)[:2] == b"\x1f\x8b":
        file.close()
        return cast("BinaryIO", gzip.open(path, "rb"))
    return file


def is_binary(head: bytes) -> bool:
    """Return whether *head* is no text in any encoding: known magic, or control characters all over."""
    if head.startswith(_MAGIC):
        return True
    if bom(head) or detect(head).startswith("utf-16"):
        return False
    part = head[:_SAMPLE_BYTES]
    controls = len(part) - len(
        part.translate(None, bytes(range(0, 9)) + bytes(range(14, 27)) + bytes((28, 29, 30, 31)))
    )
    return controls > max(3, len(part) // 100)


def _encoding(path: Path, head: bytes) -> str:
    """Return the encoding of the whole file: what the head says, where the rest does not contradict it."""
    encoding = detect(head)
    if encoding != "utf-8":
        return encoding
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opened(path) as file:
        while chunk := file.read(_CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                bad = chunk[max(0, error.start - 4000) : error.start + 4000]
                return "utf-8" if b"\xef\xbf\xbd" in chunk else detect(bad)
    return encoding


def _separated(file: IO[bytes], encoding: str, kind: str, source: Source) -> Iterator[Row | Rejected]:
    csv.field_size_limit(_MOST_CELL)
    with io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="") as text:
        yield from _csv_rows(_Recorder(text), kind, source)


def _csv_rows(lines: _Recorder, kind: str, source: Source) -> Iterator[Row | Rejected]:
    head = lines.peek(40)
    delimiter = "\t" if kind == "tsv" else _delimiter(head)
    enclosed = _quotes_enclose(head, delimiter)
    reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if enclosed else csv.QUOTE_NONE)
    columns: list[str] | None = None
    header = b""  # kept beside each bad row, so that the two alone can be read again
    while True:
        place = lines.start()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Rejected(header + lines.taken(), "unreadable", f"Line {place} is no row.", _at(source, place))
            continue
        if not any(cell.strip() for cell in cells):
            if columns is not None and len(cells) > 1:
                detail = f"The row at line {place} is empty."
                yield Rejected(header + lines.taken(), "no_text", detail, _at(source, place))
            continue
        if columns is None:
            columns = _header(cells)
            if columns is not None:
                header = lines.taken()
                continue
            columns = [str(index) for index in range(1, len(cells) + 1)]
        if len(cells) != len(columns) or lines.cut_short:
            # a stray quote swallows the lines after it: only the first is bad, the others are read again
            detail = f"The row at line {place} has {len(cells)} cells, the header {len(columns)}."
            if lines.cut_short:
                detail = f"A quote that opens at line {place} is never closed."
            lines.give_back()
            yield Rejected(header + lines.taken(), "unequal_row", detail, _at(source, place))
            continue
        yield place, dict(zip(columns, cells, strict=True)), header + lines.taken()


class _Recorder:
    """Lines of a file for the csv reader; keeps those of the current row, so that a bad row is kept as it was."""

    def __init__(self, text: Iterable[str]) -> None:
        self._lines = iter(text)
        self._row: list[str] = []
        self._read = 0
        self._given_back = 0
        self.cut_short = False
        """Whether the current row wanted more lines than the file has: a quote was never closed."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.cut_short = bool(self._row)
            raise StopIteration
        self._read += 1
        self._row.append(line)
        return line

    def peek(self, count: int) -> list[str]:
        """Return the next *count* lines without taking them."""
        head = list(itertools.islice(self._lines, count))
        self._lines = itertools.chain(head, self._lines)
        return head

    def start(self) -> int:
        """Begin a new row and return the number of its first line."""
        self._row = []
        self.cut_short = False
        return self._read + 1

    def give_back(self) -> None:
        """Keep the first line of a bad row; the others will be read again."""
        if len(self._row) > 1 and self._given_back < _MOST_GIVEN_BACK:
            self._given_back += 1
            rest = self._row[1:]
            self._row = self._row[:1]
            self._read -= len(rest)
            self._lines = itertools.chain(rest, self._lines)

    def taken(self) -> bytes:
        """Return the lines of the current row."""
        return "".join(self._row).encode("utf-8", "surrogatepass")


def _delimiter(head: list[str]) -> str:
    first = next((line for line in head if line.strip()), "")
    return max(",;\t|", key=lambda mark: (first.count(mark), mark == ","))


def _quotes_enclose(head: list[str], delimiter: str) -> bool:
    """Tell quotes that enclose cells from quotes that are plain characters (tab separated text often has these)."""
    if delimiter != "\t":
        return True
    cells = [cell for line in head for cell in line.rstrip("\r\n").split(delimiter) if '"' in cell]
    enclosed = sum(cell.startswith('"') and cell.endswith('"') and len(cell) > 1 for cell in cells)
    return bool(cells) and enclosed == len(cells)


def _header(cells: list[str]) -> list[str] | None:
    """Return the column names, or None where the first row is data already."""
    named = [cell.strip() for cell in cells]
    if any(len(cell) > 60 or cell.replace(".", "").isdigit() for cell in named):
        return None
    seen: dict[str, int] = {}
    columns = []
    for index, cell in enumerate(named, start=1):
        name = cell or str(index)
        seen[name] = seen.get(name, 0) + 1
        columns.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return columns


def _json_lines(file: IO[bytes], encoding: str, source: Source) -> Iterator[Row | Rejected]:
    wide = encoding.startswith(("utf-16", "utf-32"))
    lines: Iterable[bytes] = file
    if wide:
        lines = (line.encode() for line in io.TextIOWrapper(file, encoding=encoding, errors="replace"))
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        text = line.decode("utf-8" if wide else encoding, "replace").lstrip("\ufeff")
        yield _object(text, line, place, source)


def _json(file: IO[bytes], encoding: str, source: Source) -> Iterator[Row | Rejected]:
    raw = file.read(_MOST_JSON + 1)
    if len(raw) > _MOST_JSON:
        detail = f"One JSON value of more than {_MOST_JSON:,} bytes; write one object a line (.jsonl)."
        yield Rejected(raw + file.read(), "too_large", detail, source)
        return
    text = raw.decode(encoding, "replace").lstrip("\ufeff")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if text.count("\n") > 1 and text.lstrip().startswith("{"):  # JSON Lines under the other name
            for place, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    yield _object(line, line.encode("utf-8", "surrogatepass"), place, source)
            return
        yield Rejected(raw, "bad_json", "The file is not valid JSON.", source)
        return
    for place, item in enumerate(value if isinstance(value, list) else [value], start=1):
        yield _cells(item, json.dumps(item).encode(), place, source)


def _object(text: str, raw: bytes, place: int, source: Source) -> Row | Rejected:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Rejected(raw, "bad_json", f"Line {place} is not valid JSON.", _at(source, place))
    return _cells(value, raw, place, source)


def _cells(value: Any, raw: bytes, place: int, source: Source) -> Row | Rejected:
    if isinstance(value, str):
        return place, {"text": value}, raw
    if not isinstance(value, dict):
        return Rejected(raw, "bad_json", f"Item {place} is no JSON object.", _at(source, place))
    cells: dict[str, str] = {}
    for name, item in value.items():
        if isinstance(item, dict):  # one level: {"user": {"name": ...}} has the column user.name
            cells |= {f"{name}.{inner}": _cell(deep) for inner, deep in item.items()}
        else:
            cells[name] = _cell(item)
    return place, cells, raw


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=str)


def _parquet(path: Path, source: Source) -> Iterator[Row | Rejected]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            place = 0
            for batch in file.iter_batches(batch_size=1000):
                for item in batch.to_pylist():
                    place += 1
                    cells = {name: _cell(value) for name, value in item.items()}
                    yield place, cells, json.dumps(cells, ensure_ascii=True).encode()
    except (pyarrow.ArrowException, OSError) as error:
        detail = f"This is no Parquet file that can be read ({type(error).__name__})."
        yield Rejected(path.read_bytes(), "unreadable", detail, source)


def count_parquet(path: Path) -> int:
    """Return how many rows a Parquet file has, by its footer."""
    import pyarrow
    from pyarrow import parquet

    try:
        return int(parquet.read_metadata(path).num_rows)
    except (pyarrow.ArrowException, OSError):
        return 1


def _at(source: Source, place: int) -> Source:
    return source.model_copy(update={"place": place})
