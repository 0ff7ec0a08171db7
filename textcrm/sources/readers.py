"""Files that hold mail, as a stream of raw mails: single files, mbox, Maildir."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from textcrm.records import Channel, Source
from textcrm.sources.sandbox import MailItem

# The line between the mails of an mbox: sender, then a date in the form of ctime. A sentence that starts with "From"
# is none (https://www.rfc-editor.org/rfc/rfc4155, appendix A).
ENVELOPE = re.compile(
    rb"From [^\n]{1,300}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
)
_ESCAPED = re.compile(rb"^>(>{0,50}From )", re.MULTILINE)
_FIELD = re.compile(rb"^([A-Za-z][A-Za-z0-9-]{1,60}):", re.MULTILINE)
_TELLING = frozenset(
    b"from to cc subject date received return-path message-id mime-version delivered-to reply-to sender "
    b"content-type x-mailer".split()
)
_LINE = 1 << 20


def looks_like_mail(head: bytes) -> bool:
    """Return whether *head*, the first bytes of a file, are the header of a mail (or of an mbox)."""
    if ENVELOPE.match(head):
        return True
    block = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    first = block.partition(b"\n")[0]
    names = {name.lower() for name in _FIELD.findall(block)}
    return bool(_FIELD.match(first) or first.startswith(b"From ")) and len(names & _TELLING) >= 2


def single(path: Path, file: BinaryIO, *, channel: Channel, received_at: datetime) -> Iterator[MailItem]:
    """Yield the one mail of a file."""
    yield MailItem(file.read(), Source(kind="eml", name=path.name), received_at, channel)


def mbox(path: Path, file: BinaryIO, *, channel: Channel, received_at: datetime) -> Iterator[MailItem]:
    """Yield the mails of an mbox, one at a time, ``>From`` undone (mboxrd)."""
    place = 0
    lines: list[bytes] = []
    blank = True
    while line := file.readline(_LINE):
        if blank and lines and line.startswith(b"From ") and ENVELOPE.match(line):
            place += 1
            yield _of_mbox(path, lines, place, channel, received_at)
            lines = []
        lines.append(line)
        blank = line in {b"\n", b"\r\n"}
    if any(line.strip() for line in lines):
        yield _of_mbox(path, lines, place + 1, channel, received_at)


def _of_mbox(path: Path, lines: list[bytes], place: int, channel: Channel, received_at: datetime) -> MailItem:
    raw = b"".join(lines)
    if b"\n>" in raw:
        raw = _ESCAPED.sub(rb"\1", raw)
    return MailItem(raw, Source(kind="mbox", name=path.name, place=place), received_at, channel)


def maildir(path: Path, *, channel: Channel, received_at: datetime) -> Iterator[MailItem]:
    """Yield the mails of a Maildir: ``new`` and ``cur``, by name; ``tmp`` holds unfinished ones."""
    files = [file for part in ("new", "cur") for file in (path / part).glob("*") if file.is_file()]
    for file in sorted(files, key=lambda file: file.name):
        source = Source(kind="maildir", name=file.name.partition(":")[0])
        yield MailItem(file.read_bytes(), source, received_at, channel)
