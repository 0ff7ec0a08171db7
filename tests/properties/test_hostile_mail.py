"""Mails made to stop a parser: each is taken or quarantined within its time and memory, and its neighbours go on."""

from __future__ import annotations

import base64
import encodings
import io
import pkgutil
import resource
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from textcrm.records import Message, Source
from textcrm.sources import Rejected
from textcrm.sources.mailbox import MailItem, MailParser

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
HEAD = b"From: Ada <ada@example.com>\r\nSubject: kettle\r\nMessage-ID: <%d@example.com>\r\n"
GOOD = b"From: Ada <ada@example.com>\r\nSubject: kettle\r\n\r\nThe kettle leaks.\r\n"
CODECS = sorted({module.name for module in pkgutil.iter_modules(encodings.__path__)} - {"aliases"})


def nested(levels: int) -> bytes:
    opened = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(levels))
    return GOOD.split(b"\r\n\r\n", maxsplit=1)[0] + b"\r\n" + opened + b"\r\nHello\r\n"


def forwards(levels: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * levels + GOOD


def parts(number: int) -> bytes:
    return b'From: a@example.com\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * number


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(200_000_000))
    body = base64.encodebytes(packed.getvalue())
    kind = b'Content-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return b"From: a@example.com\r\n" + kind + body


HOSTILE: dict[str, Callable[[], bytes]] = {
    "300 nested parts": lambda: nested(300),
    "1,200 nested parts": lambda: nested(1_200),
    "1,200 forwards": lambda: forwards(1_200),
    "40,000 parts": lambda: parts(40_000),
    "4,000 semicolons": lambda: b"Content-Type: text/plain" + b";" * 4_000 + b"\r\n" + GOOD,
    "4,000 parameters": lambda: b"Content-Type: text/plain" + b"; a*0*=x" * 4_000 + b"\r\n" + GOOD,
    "60,000 encoded words": lambda: b"Subject: " + b"=?utf-8?Q?a?= " * 60_000 + b"\r\n\r\nx",
    "60,000 brackets": lambda: b"From: " + b"(" * 60_000 + b"\r\n\r\nx",
    "60,000 addresses": lambda: b"To: " + b"a@b.example," * 60_000 + b"\r\n\r\nx",
    "100,000 headers": lambda: b"X-A: b\r\n" * 100_000 + b"\r\nx",
    "24 MB of one line": lambda: GOOD + b"a" * 24_000_000,
    "24 MB of blanks": lambda: GOOD + b" " * 24_000_000,
    "24 MB of HTML tags": lambda: (
        GOOD.replace(b"\r\n\r\n", b"\r\nContent-Type: text/html\r\n\r\n") + b"<b>" * 8_000_000
    ),
    "a zip bomb": bomb,
    "a compressed charset": lambda: GOOD.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=zlib\r\n\r\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_done_or_quarantined_in_time(name: str) -> None:
    items = [MailItem(raw, Source(kind="eml"), NOON) for raw in (HOSTILE[name](), GOOD)]
    with MailParser() as parser:
        list(parser.parse(items[1:]))  # the start of the process is not the mail's time
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        hostile, good = parser.parse(items)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert isinstance(hostile, Message | Rejected)
    if isinstance(hostile, Rejected):
        assert hostile.raw == items[0].raw
    assert isinstance(good, Message)
    assert used < 2 * 2.0 + 3.0  # two starts of the process at most, and the 2 s of the mail


def test_every_codec_of_python_as_charset() -> None:
    head = b"From: Ada <ada@example.com>\r\nContent-Type: text/plain; charset=%s\r\n\r\n"
    items = [
        MailItem(head % codec.replace("_", "-").encode() + b"H\xc3\xa9llo =C3 kettle", Source(kind="eml"), NOON)
        for codec in CODECS
    ]
    with MailParser() as parser:
        results = list(parser.parse(items))
    assert len(results) == len(CODECS)
    assert all(isinstance(result, Message) for result in results)
