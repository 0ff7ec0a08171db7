"""Clean single files: what ``textcrm clean`` and its callers do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

from textcrm.clean import Cleaner
from textcrm.errors import InputError, NotFoundError, UnreadableError, UsageError
from textcrm.records import Author, CleanText, Message, Source, message_key
from textcrm.sources import Rejected
from textcrm.sources.charsets import decode
from textcrm.sources.mailbox import MailItem, MailParser
from textcrm.sources.readers import looks_like_mail

_META = re.compile(rb"<meta[^>]{0,300}charset\s?=\s?[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_HTML = frozenset({".html", ".htm", ".xhtml"})


@dataclass(frozen=True, slots=True)
class CleanedFile:
    """A file, the message read from it and its clean text; or why there is none."""

    path: Path
    message: Message | None = None
    clean: CleanText | None = None
    error: InputError | None = None


def clean_files(
    paths: Sequence[Path], *, cleaner: Cleaner, author: str | None = None, received_at: datetime | None = None
) -> Iterator[CleanedFile]:
    """Clean files one by one.

    Parameters
    ----------
    paths
        ``.eml`` files and mails without extension, ``.html`` (the HTML of a mail), ``.txt`` and anything else (the
        plain body of a mail).
    cleaner
        Does the work.
    author
        The From of bodies that carry none, ``Name <address>``.
    received_at
        Time of receipt; None: now.

    Yields
    ------
    One result a path, in order. A file that cannot be read has its ``error`` set, and stops nothing.

    Raises
    ------
    NotFoundError
        A path does not exist; found out before anything is read.
    UsageError
        A path is a folder.
    """
    for path in paths:
        if not path.exists():
            raise NotFoundError("there is no such file", hint="Check the path.")
        if path.is_dir():
            raise UsageError("a folder cannot be cleaned", hint="Name its files, or `textcrm ingest` the folder.")
    moment = received_at or datetime.now(UTC)
    writer = _author(author)
    with MailParser() as parser:
        for path in paths:
            try:
                message = _read(path, parser, writer, moment)
            except InputError as error:
                yield CleanedFile(path, error=error)
            else:
                yield CleanedFile(path, message, cleaner.clean(message))


def _read(path: Path, parser: MailParser, author: Author, moment: datetime) -> Message:
    data = path.read_bytes()
    suffix = path.suffix.lower()
    source = Source(kind="eml" if suffix == ".eml" else "file", name=path.name)
    if suffix == ".eml" or (suffix not in _HTML and suffix != ".txt" and looks_like_mail(data[:8_192])):
        parsed = next(parser.parse([MailItem(data, source, moment)]))
        if isinstance(parsed, Rejected):
            raise UnreadableError(parsed.detail)
        return parsed if parsed.author.name or parsed.author.email else parsed.model_copy(update={"author": author})
    if data[:4096].count(0) > len(data[:4096]) // 20 and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError("this is a binary file", hint="Give mail (.eml), HTML or plain text.")
    declared = _META.search(data[:4096]) if suffix in _HTML else None
    # a file saved as UTF-8 often keeps the charset that its mail had in <meta>
    label = declared[1].decode("ascii") if declared and not _is_utf8(data) else None
    text, warnings = decode(data, label)
    return Message(
        id=message_key("email", external_id=None, content=text),
        channel="email",
        text=text,
        content_type="text/html" if suffix in _HTML else "text/plain",
        author=author,
        received_at=moment,
        source=source,
        warnings=warnings,
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _author(value: str | None) -> Author:
    if not value:
        return Author()
    name, address = parseaddr(value)
    if "@" not in address:
        return Author(name=value.strip())
    return Author(name=name or None, email=address.lower())
