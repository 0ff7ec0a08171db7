"""How much of the author's own words, closings and signatures is found, on public sets and on the project's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from textcrm.clean import Cleaner
from textcrm.records import Author, CleanText, Message, Source
from textcrm.sources.mailbox import MailItem, MailParser, parse_mail

pytestmark = pytest.mark.quality
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
TALON = DATA / "email_replies" / "talon"
OWN = ROOT / "corpora" / "mail-parts"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
needs_data = pytest.mark.skipif(not TALON.is_dir(), reason="the public sets are not at ../shared/data")


@pytest.fixture(scope="module")
def cleaner() -> Cleaner:
    return Cleaner()


def _message(
    text: str, kind: Literal["text/plain", "text/html"] = "text/plain", author: Author | None = None
) -> Message:
    return Message(
        id="x",
        channel="email",
        text=text,
        content_type=kind,
        author=author or Author(),
        received_at=NOW,
        source=Source(kind="eml"),
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


def _parsed(path: Path) -> Message:
    return parse_mail(path.read_bytes(), source=Source(kind="eml", name=path.name), received_at=NOW)


@needs_data
def test_replies_of_mail_programs(cleaner: Cleaner) -> None:
    """Where the set keeps a signature in its reply text, own text and signature together make it."""
    exact = 0
    files = sorted((TALON / "standard_replies").glob("*.eml"))
    for path in files:
        found = cleaner.clean(_parsed(path))
        told = path.with_name(f"{path.stem}_reply_text")
        whole = _flat(f"{found.text}\n{found.signature}")
        exact += _flat(found.text) == "Hello" and (not told.exists() or whole == _flat(told.read_text()))
    print(f"talon, .eml: {exact} of {len(files)} exact")
    assert exact == len(files) == 12


@needs_data
def test_replies_as_html(cleaner: Cleaner) -> None:
    files = sorted((TALON / "html_replies").glob("*.html"))
    found = [_flat(cleaner.clean(_message(path.read_text(), "text/html")).text) for path in files]
    exact = sum(text in {"Hi. I am fine.", "Hi. I am fine. Thanks, Alex"} for text in found)
    print(f"talon, HTML: {exact} of {len(files)} exact")
    assert exact == len(files) == 9


@needs_data
def test_signatures_of_talon(cleaner: Cleaner) -> None:
    bodies = sorted((TALON / "signatures").glob("*_body"))
    exact = 0
    for body in bodies:
        stem = body.name.removesuffix("_body")
        sender = body.with_name(f"{stem}_sender").read_text().strip()
        gold = body.with_name(f"{stem}_signature").read_text().replace("#sig#", "")
        found = cleaner.clean(_message(body.read_text().replace("#sig#", ""), author=Author(name=sender or None)))
        exact += _flat(f"{found.closing}\n{found.signature}") == _flat(gold)
    print(f"talon, signatures: {exact} of {len(bodies)} exact")
    assert exact == len(bodies) == 6


def _author(sender: str) -> Author:
    match = re.match(r'"?(.*?)"?\s*(?:<([^>]*)>|\[mailto:(.*)\])?$', sender)
    name, address = (match[1], match[2] or match[3]) if match else (sender, None)
    if "@" in name and not address:
        return Author(email=name)
    return Author(name=name or None, email=address)


def _bodies(kind: str) -> Iterator[tuple[list[str], list[bool], Author]]:
    for body in sorted((DATA / "email_signatures" / kind).glob("*_body")):
        sender = body.with_name(body.name.replace("_body", "_sender")).read_text(errors="replace").strip()
        lines = [line.replace("#reply#", "") for line in body.read_text(errors="replace").split("\n")]
        yield (
            [line.removeprefix("#sig#") for line in lines],
            [line.startswith("#sig#") for line in lines],
            _author(sender),
        )


def _kinds(lines: list[str], found: CleanText) -> list[str]:
    kinds, position = [], 0
    for line in lines:
        kinds.append(next((part.kind for part in found.parts if part.start <= position < part.end), "own"))
        position += len(line) + 1
    return kinds


@needs_data
@pytest.mark.parametrize(("known", "floor"), [(True, 0.95), (False, 0.9)])
def test_signature_lines(cleaner: Cleaner, known: bool, floor: float) -> None:
    """A closing counts as signature where the gold marks it so, and as own text where it does not."""
    hit = false = missed = 0
    for lines, gold, author in _bodies("P"):
        found = cleaner.clean(_message("\n".join(lines), author=author if known else None))
        for line, marked, kind in zip(lines, gold, _kinds(lines, found), strict=True):
            if not line.strip():
                continue
            signed = kind in {"signature", "device"}
            counted = signed or (marked and kind == "closing")
            hit += marked and counted
            missed += marked and not counted
            false += signed and not marked
    f1 = 2 * hit / (2 * hit + false + missed)
    who = "known" if known else "unknown"
    print(f"signature lines, author {who}: F1 {f1:.3f} ({hit} hit, {false} false, {missed} missed)")
    assert f1 >= floor


@needs_data
def test_mail_without_signature_is_left_alone(cleaner: Cleaner) -> None:
    mails = list(_bodies("N"))
    found = [cleaner.clean(_message("\n".join(lines), author=author)) for lines, _, author in mails]
    signed = sum(bool(item.signature) for item in found)
    closed = sum(bool(item.closing) for item in found)
    print(f"no signature: {signed} of {len(mails)} mails touched; a closing, which stays in the text, in {closed}")
    assert signed <= 0.02 * len(mails)
    assert closed <= 0.03 * len(mails)


@needs_data
@pytest.mark.parametrize("folder", ["malformed_mail", "raw_mail"])
def test_mail_as_received_is_parsed_or_rejected(cleaner: Cleaner, folder: str) -> None:
    paths = [path for path in sorted((DATA / folder).rglob("*")) if path.is_file() and not path.name.startswith("_")]
    items = [MailItem(path.read_bytes(), Source(kind="eml", name=path.name), NOW) for path in paths]
    with MailParser() as parser:
        results = list(parser.parse(items))
    parsed = [cleaner.clean(item) for item in results if isinstance(item, Message)]
    print(f"{folder}: {len(parsed)} parsed, {len(results) - len(parsed)} rejected, of {len(items)}")
    assert len(results) == len(items)


def test_own_mails_in_eleven_languages(cleaner: Cleaner) -> None:
    rows = [json.loads(line) for line in (OWN / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    fields = ("text", "closing", "signature", "language", "kind")
    exact = dict.fromkeys(fields, 0)
    for row in rows:
        found = cleaner.clean(_parsed(OWN / row["file"]))
        got = {field: getattr(found, field) for field in fields} | {"language": found.language.code}
        for field in fields:
            exact[field] += _flat(got[field]) == _flat(row[field])
    print("own mails: " + ", ".join(f"{field} {count}/{len(rows)}" for field, count in exact.items()))
    assert len(rows) == 120
    assert exact["text"] >= 0.97 * len(rows)
    assert all(count >= 0.95 * len(rows) for count in exact.values())
