"""What kind of file something is, and the messages in a file or a folder of any supported kind."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from textcrm.errors import NotFoundError
from textcrm.records import Channel, Message, Source
from textcrm.sources import readers
from textcrm.sources.mailbox import MailItem, MailParser
from textcrm.sources.mapping import complete_mapping
from textcrm.sources.rejected import Rejected
from textcrm.sources.tabular import count_parquet, opened, read_table, sample

_BY_SUFFIX = {
    ".eml": "eml",
    ".msg822": "eml",
    ".mbox": "mbox",
    ".mbx": "mbox",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
TABLES = frozenset({"csv", "tsv", "jsonl", "json", "parquet"})
_HEAD = 8_192


def kind_of(path: Path) -> str | None:
    """Return ``eml``, ``mbox``, ``maildir``, ``folder``, a table kind, or None for what is none of them."""
    if path.is_dir():
        return "maildir" if (path / "cur").is_dir() and (path / "new").is_dir() else "folder"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = _BY_SUFFIX.get(suffixes[-1]) if suffixes else None
    if kind is not None:
        return kind
    try:
        with opened(path) as file:
            head = file.read(_HEAD)
    except (OSError, EOFError):
        return None
    if not readers.looks_like_mail(head):
        return None
    return "mbox" if readers.ENVELOPE.match(head) else "eml"


def read(
    path: Path,
    *,
    channel: Channel,
    mapping: Mapping[str, str] | None = None,
    received_at: datetime,
    parser: MailParser | None = None,
) -> Iterator[Message | Rejected]:
    """Yield the messages of a file or a folder, and what is no message.

    Parameters
    ----------
    path
        A file (``.eml``, mbox, ``.csv``, ``.tsv``, ``.jsonl``, ``.ndjson``, ``.json``, each plain or gzip,
        ``.parquet``, or a mail without extension), a Maildir, or a folder of any of these.
    channel
        Channel of the messages that do not name one.
    mapping
        Field to column, for tables; what it leaves out is guessed (see ``mapping_of``).
    received_at
        When textcrm took them, UTC.
    parser
        Parses the mail; None: one is started for this call.

    Yields
    ------
    Every mail, row and unknown file, as ``Message`` or ``Rejected``. Hidden files are left out.

    Raises
    ------
    NotFoundError
        There is no such path.
    UsageError
        *mapping* names a field or a column that does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise NotFoundError("there is no such file or folder", hint="Check the path.")
    with nullcontext(parser) if parser is not None else MailParser() as running:
        if kind_of(path) != "folder":
            yield from _file(path, channel, mapping, received_at, running)
            return
        pending: list[Path] = []  # single mails, parsed together: the worker takes them in chunks
        for item in _walk(path):
            if kind_of(item) == "eml":
                pending.append(item)
                if len(pending) >= 256:
                    yield from _mails(pending, channel, received_at, running)
                    pending = []
                continue
            yield from _mails(pending, channel, received_at, running)
            pending = []
            yield from _file(item, channel, mapping, received_at, running)
        yield from _mails(pending, channel, received_at, running)


def count(path: Path) -> int:
    """Return about how many messages *path* holds, for a progress bar. Reads no message."""
    path = Path(path)
    kind = kind_of(path)
    if kind == "folder":
        return sum(count(item) for item in _walk(path))
    if kind == "maildir":
        return sum(1 for part in ("new", "cur") for _ in (path / part).glob("*"))
    if kind in {None, "eml"}:
        return 1
    if kind == "parquet":
        return count_parquet(path)
    mark = b"\nFrom " if kind == "mbox" else b'"}' if kind == "json" else b"\n"
    total = 0
    try:
        with opened(path) as file:
            while chunk := file.read(1 << 20):
                total += chunk.count(mark)
    except (OSError, EOFError):
        total = 0  # damaged: reading it will say so
    return max(1, total + 1 if kind == "mbox" else total - (kind in {"csv", "tsv"}))


def mapping_of(path: Path, mapping: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return field to column as ``read`` takes it for *path*: the user's *mapping* and the guess. Empty for mail.

    Raises
    ------
    UsageError
        *mapping* names a field or a column that does not exist.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind not in TABLES:
        return {}
    columns, rows = sample(path, str(kind))
    return complete_mapping(mapping, columns, rows) if columns else {}


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files and Maildirs below *folder*, sorted, without what is hidden."""
    for item in sorted(folder.iterdir()):
        if item.name.startswith("."):
            continue
        if item.is_dir() and not item.is_symlink():
            if kind_of(item) == "maildir":
                yield item
            else:
                yield from _walk(item)
        elif item.is_file():
            yield item


def _file(
    path: Path, channel: Channel, mapping: Mapping[str, str] | None, received_at: datetime, parser: MailParser
) -> Iterator[Message | Rejected]:
    kind = kind_of(path)
    if path.is_file() and path.stat().st_size == 0:
        yield _empty(path, kind)
    elif kind in TABLES:
        yield from read_table(path, str(kind), channel=channel, mapping=mapping, received_at=received_at)
    elif kind == "maildir":
        yield from parser.parse(readers.maildir(path, channel=channel, received_at=received_at))
    elif kind is None:
        detail = "This is no kind of file that holds messages; name it by its kind (.eml, .mbox, .csv, .jsonl)."
        yield Rejected(path.read_bytes(), "unreadable", detail, Source(kind="file", name=path.name))
    else:
        reader = readers.mbox if kind == "mbox" else readers.single
        try:
            with opened(path) as file:
                yield from parser.parse(reader(path, file, channel=channel, received_at=received_at))
        except (gzip.BadGzipFile, EOFError) as error:
            detail = f"The gzip file is damaged ({type(error).__name__})."
            yield Rejected(path.read_bytes(), "unreadable", detail, Source(kind=kind, name=path.name))


def _mails(
    paths: list[Path], channel: Channel, received_at: datetime, parser: MailParser
) -> Iterator[Message | Rejected]:
    """Parse single mails."""

    def items() -> Iterator[MailItem]:
        for path in paths:
            with opened(path) as file:
                yield MailItem(file.read(), Source(kind="eml", name=path.name), received_at, channel)

    yield from parser.parse(items())


def _empty(path: Path, kind: str | None) -> Rejected:
    return Rejected(b"", "empty", "The file is empty.", Source(kind=kind or "file", name=path.name))
