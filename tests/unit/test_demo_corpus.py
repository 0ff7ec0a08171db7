"""The shipped demo data are what their datasheet claims."""

from __future__ import annotations

import csv
import email
import email.policy
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

DEMO = Path(__file__).resolve().parents[2] / "corpora" / "demo"
FIRST, LAST = date(2026, 7, 20), date(2026, 11, 20)
MAILS = sorted((DEMO / "mail").rglob("*.eml"))
WRONG_CHARSET = "late-for-my-mum-s-birthday"


def rows(name: str) -> list[dict[str, str]]:
    with (DEMO / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def posts() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / "social.jsonl").read_text(encoding="utf-8").splitlines()]


def parse(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def texts() -> dict[tuple[str, str], str]:
    """Return the text of every message by channel and id, mail as its first plain or HTML part."""
    found: dict[tuple[str, str], str] = {}
    for path in MAILS:
        body = parse(path).get_body(("plain", "html"))
        assert body is not None
        found["email", path.relative_to(DEMO).as_posix()] = re.sub(r"<[^<>]*>", " ", body.get_content())
    found |= {("review", row["id"]): row["text"] for row in rows("reviews.csv")}
    found |= {("social", post["id"]): post["text"] for post in posts()}
    found |= {("chat", row["id"]): row["text"] for row in rows("chat.csv")}
    return found


def test_counts_are_those_of_the_datasheet() -> None:
    counts = {
        "customers.csv": len(rows("customers.csv")),
        "mail/YYYY-MM/*.eml": len(MAILS),
        "reviews.csv": len(rows("reviews.csv")),
        "social.jsonl": len(posts()),
        "chat.csv": len(rows("chat.csv")),
        "expected.csv": len(rows("expected.csv")),
    }
    claimed = dict(
        re.findall(r"^\| `([^`]+)` \|.*\| (\d+) \|$", (DEMO / "DATASHEET.md").read_text("utf-8"), re.MULTILINE)
    )
    assert {name: int(count) for name, count in claimed.items()} == counts
    assert counts["customers.csv"] == 60
    assert counts["expected.csv"] >= 330


def test_every_message_has_one_expectation_and_says_something_of_its_own() -> None:
    keys = [(row["channel"], row["id"]) for row in rows("expected.csv")]
    found = texts()
    assert len(keys) == len(set(keys))
    assert set(keys) == set(found)
    assert len(set(found.values())) == len(found)
    assert all(text.strip() for text in found.values())


def test_expected_customers_exist() -> None:
    numbers = {row["customer_number"] for row in rows("customers.csv")}
    named = {row["customer_number"] for row in rows("expected.csv")} - {""}
    assert named == numbers


def test_customers_can_be_told_apart() -> None:
    customers = rows("customers.csv")
    assert len({row["customer_number"] for row in customers}) == 60
    assert [row["name"] for row in customers].count("Anna Berg") == 2
    shared = [address for address, n in Counter(row["email"] for row in customers).items() if n > 1]
    assert shared == ["family.lindqvist@example.net"]
    assert {row["segment"] for row in customers} == {"consumer", "business", "vip"}
    for row in customers:
        date.fromisoformat(row["customer_since"])
        if row["phone"]:
            assert phonenumbers.is_possible_number(phonenumbers.parse(row["phone"])), row["phone"]


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem[:30])
def test_mail_parses_with_the_standard_library(path: Path) -> None:
    message = parse(path)
    for part in message.walk():
        assert not part.defects
        if part.get_content_maintype() == "text":
            assert ("\ufffd" in part.get_content()) == (WRONG_CHARSET in path.name)
    sent = message["Date"].datetime
    assert FIRST <= sent.astimezone(UTC).date() <= LAST
    assert path.parent.name == f"{sent:%Y-%m}"
    assert message["From"].addresses[0].addr_spec


def test_mail_is_of_many_kinds() -> None:
    messages = [parse(path) for path in MAILS]
    parts = [part for message in messages for part in message.walk()]
    charsets = Counter(part.get_content_charset() for part in parts if part.get_content_maintype() == "text")
    assert charsets.keys() >= {"us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"}
    assert {part["Content-Transfer-Encoding"] for part in parts} >= {"7bit", "8bit", "quoted-printable", "base64"}
    assert {part.get_content_type() for part in parts} >= {
        "text/plain",
        "text/html",
        "text/calendar",
        "multipart/alternative",
        "multipart/mixed",
        "multipart/report",
        "image/png",
        "application/pdf",
    }
    assert {message["Auto-Submitted"] for message in messages} >= {"auto-replied", "auto-generated"}
    assert any(message["List-Id"] for message in messages)
    ids = {message["Message-ID"] for message in messages}
    assert len(ids) == len(messages)
    threaded = [m for m in messages if m["References"] and ids & set(m["References"].split())]
    assert len(threaded) >= 10


def test_dates_lie_in_the_four_months() -> None:
    days = [date.fromisoformat(row["date"]) for row in rows("reviews.csv")]
    times = [post["created_at"] for post in posts()] + [row["created_at"] for row in rows("chat.csv")]
    days += [datetime.fromisoformat(time).date() for time in times]
    assert all(FIRST <= day <= LAST for day in days)
    assert {day.month for day in days} == {7, 8, 9, 10, 11}


def test_languages_are_those_claimed() -> None:
    from lingua import Language, LanguageDetectorBuilder

    expected = {(row["channel"], row["id"]): row["language"] for row in rows("expected.csv")}
    counts = Counter(expected.values())
    datasheet = (DEMO / "DATASHEET.md").read_text("utf-8")
    claim = (
        f"English {counts['en']} (82 %), German {counts['de']} (13 %), French {counts['fr']}, Spanish {counts['es']}."
    )
    assert claim in datasheet
    assert round(100 * counts["en"] / counts.total()) == 82
    assert round(100 * counts["de"] / counts.total()) == 13

    known = (Language.ENGLISH, Language.GERMAN, Language.FRENCH, Language.SPANISH)
    detector = LanguageDetectorBuilder.from_languages(*known).build()
    for key, text in texts().items():
        if len(text) >= 60:
            language = detector.detect_language_of(text)
            assert language is not None
            assert language.iso_code_639_1.name.lower() == expected[key], key


def test_the_story_shows_in_the_expected_sentiment() -> None:
    def share_negative(first: str, last: str) -> float:
        when = {("social", post["id"]): post["created_at"][:10] for post in posts()}
        when |= {("email", p.relative_to(DEMO).as_posix()): f"{parse(p)['Date'].datetime:%Y-%m-%d}" for p in MAILS}
        of_weeks = [
            row["sentiment"]
            for row in rows("expected.csv")
            if first <= when.get((row["channel"], row["id"]), "") <= last
        ]
        return of_weeks.count("negative") / len(of_weeks)

    assert share_negative("2026-07-20", "2026-09-12") < 0.4
    assert share_negative("2026-09-13", "2026-10-06") > 0.7
    assert share_negative("2026-10-07", "2026-10-25") < 0.4
    kettle = [int(row["rating"]) for row in rows("reviews.csv") if row["product"] == "Heron Kettle"]
    assert len(kettle) >= 12
    assert min(kettle) >= 4


def test_addresses_are_reserved_names() -> None:
    reserved = re.compile(r"@[a-z0-9.-]{0,80}?\b(?:example\.(?:com|net|org)|[a-z-]{1,60}\.example)$", re.IGNORECASE)
    addresses = [row[column] for row in rows("customers.csv") for column in ("email", "email_2") if row[column]]
    addresses += [row["email"] for name in ("reviews.csv", "chat.csv") for row in rows(name) if row["email"]]
    for path in MAILS:
        message = parse(path)
        addresses += [a.addr_spec for field in ("From", "To") for a in message[field].addresses]
        body = message.get_body(("plain", "html"))
        assert body is not None
        addresses += re.findall(r"[\w.+-]{1,64}@[\w.-]{1,80}\w", body.get_content())
    assert [address for address in addresses if not reserved.search(address)] == []


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 1_500_000
