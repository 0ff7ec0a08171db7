"""Mutates mails and parses and cleans each: nothing but our own errors, in time, and the laws of the parts hold.

Run: ``python -m tests.tools.fuzz_mail --minutes 10 [--seed N]``. The seeds are the mails of ``corpora`` and, where it
is, of ``../shared/data``. What fails is written to ``fuzz-failures/``, with the seed that makes it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from textcrm.clean import Cleaner
from textcrm.errors import InputError
from textcrm.records import Message, Source
from textcrm.sources.mailbox import parse_mail

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
SECONDS = 2.0
LONGEST_SEED = 60_000
WORDS = (
    b'Content-Type: multipart/mixed; boundary="x"\r\n',
    b"Content-Type: text/html; charset=utf-7\r\n",
    b"\r\n\r\n",
    b"\n",
    b"--x\r\n",
    b"--x--\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n",
    b"begin 644 a\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''a%; filename*1=b\r\n",
    b"=?utf-8?B?=?=",
    b"=?idna?Q?=C3?=",
    b"=E2=82",
    b'Content-Type: text/plain; charset="zlib"; format=flowed; delsp=yes\r\n',
    b"Date: Thu, 99 Foo 99999 99:99:99 +9999\r\n",
    b'From: "(((" <a@b\r\n',
    b"Message-ID: <<>>\r\n",
    b"Reply-To: ,;:<>@[]\r\n",
    b"Subject: =?x?b?AAAA?=\r\n",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"<html><blockquote><!--",
    b"<div class=gmail_quote>",
    b"&#xD800;",
    b"&#1114112;",
    b"On Mon, X wrote:\n> ",
    b"-- \n",
    b";" * 300,
    b"(" * 300,
    b"-----Original Message-----\n",
    b"\xe2\x80\xae",
    b"\r",
    b"\x0c",
    b"BEGIN:VCALENDAR\n",
    b"winmail.dat",
    b"Content-Type: multipart/digest; boundary=\r\n",
)


def seeds() -> list[bytes]:
    """Return the mails to start from."""
    files = list((ROOT / "corpora").rglob("*.eml"))
    files += [p for folder in ("malformed_mail", "raw_mail", "email_replies") for p in (SHARED / folder).rglob("*")]
    mails = [p.read_bytes()[:LONGEST_SEED] for p in sorted(files) if p.is_file() and not p.name.startswith("_")]
    return mails or [b"From: a@example.com\r\nSubject: x\r\n\r\nHello\r\n"]


def mutated(mails: Sequence[bytes], pick: random.Random) -> bytes:
    """Return one mail with one to eight changes."""
    data = bytearray(pick.choice(mails))
    changes: tuple[Callable[[bytearray, int], None], ...] = (
        lambda d, at: d.__setitem__(slice(at, at + 1), bytes([pick.randrange(256)])),
        lambda d, at: d.__setitem__(slice(at, at), pick.choice(WORDS)),
        lambda d, at: d.__delitem__(slice(at, at + pick.choice((1, 2, 16, 400)))),
        lambda d, at: d.__setitem__(slice(at, at), d[at : at + pick.choice((8, 80, 800))] * pick.choice((1, 2, 40))),
        lambda d, at: d.__setitem__(slice(at, at + 300), _slice(pick.choice(mails), pick)),
        lambda d, at: d.__setitem__(slice(at, at), _slice(bytes(d), pick)),
    )
    for _ in range(pick.randint(1, 8)):
        # headers and the delimiters decide most: half of the changes go there
        most = len(data) if pick.random() < 0.5 else min(len(data), 2_000)
        pick.choice(changes)(data, pick.randint(0, most))
    return bytes(data[: 4 * LONGEST_SEED])


def _slice(data: bytes, pick: random.Random) -> bytes:
    at = pick.randint(0, len(data))
    return data[at : at + pick.choice((20, 200, 2_000))]


def problem(data: bytes, cleaner: Cleaner) -> str | None:
    """Parse and clean one mail; say what law it breaks, or None."""
    begin = time.process_time()
    try:
        message = parse_mail(data, source=Source(kind="eml"), received_at=NOON)
    except InputError:
        message = None
    if message is not None:
        if Message.model_validate_json(message.model_dump_json()) != message:
            return "the message is another one after a round trip through JSON"
        clean = cleaner.clean(message)
        ends = [0, *(part.end for part in clean.parts)]
        if [part.start for part in clean.parts] != ends[:-1] or ends[-1] != len(message.text):
            return "the parts do not cover the text"
        start, end = clean.offsets.to_raw(0, len(clean.text))
        if not 0 <= start <= end <= len(message.text):
            return "an offset leads out of the text"
    seconds = time.process_time() - begin
    return f"it took {seconds:.1f} s" if seconds > SECONDS else None


def run(*, seconds: float, seed: int, at_most: int = sys.maxsize) -> tuple[int, list[tuple[str, bytes]]]:
    """Fuzz for so long; return how many mails were tried, and those that failed with the reason."""
    mails, cleaner, until = seeds(), Cleaner(), time.monotonic() + seconds
    failures: list[tuple[str, bytes]] = []
    tried = 0
    while time.monotonic() < until and tried < at_most:
        data = mutated(mails, random.Random(f"{seed}:{tried}"))
        tried += 1
        try:
            why = problem(data, cleaner)
        except Exception as error:  # noqa: BLE001 (what is looked for)
            why = f"{type(error).__name__}: {error}"
        if why is not None:
            failures.append((why, data))
    return tried, failures


def main() -> int:
    """Run, print what failed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    tried, failures = run(seconds=given.minutes * 60, seed=given.seed)
    folder = Path("fuzz-failures")
    for number, (why, data) in enumerate(failures):
        folder.mkdir(exist_ok=True)
        (folder / f"{given.seed}-{number}.eml").write_bytes(data)
        print(f"{number}: {why}")
    print(f"{tried:,} mails, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
