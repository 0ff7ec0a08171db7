"""Cleaning measured: own new text against peers on the same mails, and mails a second. Prints figures, asserts none.

Run: ``python -m tests.benchmarks.bench_clean``. Peers that are not installed are left out: ``pip install
email-reply-parser mail-parser-reply quotequail talon``.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.growth import long_of, seconds
from tests.unit.test_clean_regexes import FUNCTIONS, SEEDS
from textcrm.clean import Cleaner
from textcrm.clean.markup import html_lines
from textcrm.records import Message, Source
from textcrm.sources.mailbox import MailItem, MailParser, parse_mail

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
OWN = ROOT / "corpora" / "mail-parts"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
Reader = Callable[[Message], str]


def _flat(text: str) -> str:
    return " ".join(text.split())


def _peers() -> dict[str, Reader]:
    """Each as its own documentation calls it: plain text where the mail has it, HTML otherwise where it can."""
    peers: dict[str, Reader] = {}
    try:
        from email_reply_parser import EmailReplyParser
    except ImportError:
        print("email-reply-parser: not installed")
    else:
        peers["email-reply-parser"] = lambda message: str(EmailReplyParser.parse_reply(_plain(message)))
    try:
        from mailparser_reply import EmailReplyParser as Multi
    except ImportError:
        print("mail-parser-reply: not installed")
    else:
        languages = ["en", "de", "fr", "es", "it", "nl", "pl", "ja"]
        peers["mail-parser-reply"] = lambda message: str(
            Multi(languages=languages).parse_reply(text=_plain(message)) or ""
        )
    try:
        import quotequail  # noqa: F401  (used in _unwrapped)
    except ImportError:
        print("quotequail: not installed")
    else:
        peers["quotequail"] = _unwrapped
    try:
        from talon import quotations
    except ImportError:
        print("talon: not installed, or a part that it needs is not")
    else:
        quotations.register_xpath_extensions()
        peers["talon"] = lambda message: str(quotations.extract_from_plain(_plain(message)))
    return peers


def _unwrapped(message: Message) -> str:
    import quotequail

    text = _plain(message)
    found = quotequail.unwrap(text)
    return "\n".join((found.get("text_top", ""), found.get("text_bottom", ""))) if found else text


def _plain(message: Message) -> str:
    if message.content_type == "text/plain":
        return message.text
    return "\n".join(line.text for line in html_lines(message.text, 10_000))


def _mail(path: Path) -> Message:
    return parse_mail(path.read_bytes(), source=Source(kind="eml", name=path.name), received_at=NOW)


def replies() -> None:
    """Own new text exact, with white space collapsed. Peers keep signatures: both answers count as exact for them."""
    cleaner = Cleaner()
    readers: dict[str, Reader] = {"textcrm": lambda message: cleaner.clean(message).text, **_peers()}
    sets: dict[str, list[tuple[Message, set[str]]]] = {"own mails": []}
    for line in (OWN / "gold.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        whole = _flat(row["text"] + "\n" + row["signature"])
        sets["own mails"].append((_mail(OWN / row["file"]), {_flat(row["text"]), whole}))
    talon = DATA / "email_replies" / "talon" / "standard_replies"
    if talon.is_dir():
        told = {path.name.removesuffix("_reply_text"): path.read_text() for path in talon.glob("*_reply_text")}
        sets["talon .eml"] = [
            (_mail(path), {"Hello", _flat(told.get(path.stem, "Hello"))}) for path in sorted(talon.glob("*.eml"))
        ]
    for name, mails in sets.items():
        for reader, read in readers.items():
            exact = 0
            for message, gold in mails:
                try:
                    exact += _flat(read(message)) in gold
                except Exception as error:  # noqa: BLE001  (a peer that raises on a mail has not read it)
                    print(f"  {reader} raised {type(error).__name__}")
            print(f"{name:<12} {reader:<20} {exact:>4} of {len(mails)} exact")


def speed() -> None:
    """Mails a second on one core: parsed in the worker, then cleaned. Median of five runs."""
    folder = DATA / "raw_mail"
    if not folder.is_dir():
        print("speed: the public sets are not at ../shared/data")
        return
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("_")]
    items = [MailItem(path.read_bytes(), Source(kind="eml", name=path.name), NOW) for path in paths]
    cleaner = Cleaner()
    parse_seconds, clean_seconds = [], []
    with MailParser() as parser:
        for message in parser.parse(items[:8]):
            if isinstance(message, Message):
                cleaner.clean(message)
        for _ in range(5):
            start = time.perf_counter()
            messages = [item for item in parser.parse(items) if isinstance(item, Message)]
            middle = time.perf_counter()
            for message in messages:
                cleaner.clean(message)
            parse_seconds.append(middle - start)
            clean_seconds.append(time.perf_counter() - middle)
    parse, clean = statistics.median(parse_seconds), statistics.median(clean_seconds)
    count = len(items)
    both = count / (parse + clean)
    print(f"raw_mail, {count} mails: parse {count / parse:,.0f}/s, clean {count / clean:,.0f}/s, both {both:,.0f}/s")
    seconds = []
    for _ in range(5):
        start = time.process_time()
        for item in items:
            cleaner.clean(parse_mail(item.raw, source=item.source, received_at=NOW))
        seconds.append(time.process_time() - start)
    print(f"the same by processor time, in one process: {count / statistics.median(seconds):,.0f}/s")
    start, rounds = _processor(), 10
    with MailParser() as parser:
        for _ in range(rounds):
            for message in parser.parse(items):
                if isinstance(message, Message):
                    cleaner.clean(message)
    print(f"by processor time of both processes, the worker's start included: {_rate(count * rounds, start)}")


def regexes() -> None:
    """Print the functions with regexes that take the longest over 100 KB made to hurt them, the best of three."""
    worst = []
    for name, function in FUNCTIONS.items():
        worst.append(max((min(seconds(function, long_of(s)) for _ in range(3)), s, name) for s in SEEDS))
    for taken, seed, name in sorted(worst, reverse=True)[:5]:
        print(f"{1000 * taken:6.1f} ms of CPU for 100 KB of {seed!a}: {name}")


def _processor() -> float:
    """Return the processor time, in seconds, of this process and of the workers that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _rate(count: int, since: float) -> str:
    return f"{count / (_processor() - since):,.0f}/s"


if __name__ == "__main__":
    replies()
    speed()
    regexes()
