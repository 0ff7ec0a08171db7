"""How the pages say things: labels, times, figures, highlighted texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from textcrm.records import Author, Customer, Message

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LANGUAGE_NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "pl": "Polish", "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "ru": "Russian",
    "sv": "Swedish", "tr": "Turkish", "ar": "Arabic", "und": "Unknown language",
}  # fmt: skip


def filters(gettext: Callable[[str], str], language: str) -> dict[str, Callable[..., Any]]:
    """Return the template filters of one language."""

    def label(value: str | None) -> str:
        text = (value or "unknown").replace("_", " ").replace("-", " ")
        return gettext(text[:1].upper() + text[1:])

    def tongue(code: str) -> str:
        return gettext(LANGUAGE_NAMES.get(code, code))

    def day(time: datetime, *, year: bool = False) -> str:
        if language == "zh":
            return (f"{time.year}年" if year else "") + f"{time.month}月{time.day}日"
        return f"{time.day} {MONTHS[time.month - 1]}" + (f" {time.year}" if year else "")

    def when(time: datetime | None, now: datetime | None = None, *, full: bool = False) -> Markup:
        """Return a time element: the server's words in UTC; the script turns them to the person's zone."""
        if time is None:
            return Markup("")
        utc = time.astimezone(UTC)
        recent = now is not None and timedelta(0) <= now - utc < timedelta(hours=20)
        words = f"{utc:%H:%M}" if recent and not full else day(utc, year=full or _another_year(utc, now))
        if full:
            words += f" {utc:%H:%M}"
        style = "full" if full else "short"
        return Markup('<time datetime="{0}" data-style="{1}" title="{2} UTC">{3}</time>').format(
            f"{utc:%Y-%m-%dT%H:%M:%SZ}", style, f"{utc:%Y-%m-%d %H:%M}", words
        )

    def duration(delta: timedelta) -> str:
        minutes = int(delta.total_seconds() // 60)
        if minutes < 60:
            return f"{minutes} min"
        return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"

    return {
        "label": label, "tongue": tongue, "day": day, "when": when, "duration": duration,
        "number": number, "percent": percent, "signed": signed, "marked": marked, "bytes": size,
        "called": called, "initials": initials,
        "safe_text": safe_text,
    }  # fmt: skip


def called(customer: Customer | None, message: Message | None = None) -> str:
    """Return what a customer is called, else the author of the message."""
    if customer is not None:
        names = (customer.name, customer.company, *customer.emails, *customer.handles, customer.number)
        return next(filter(None, names), customer.id)
    author = message.author if message is not None else Author()
    return author.name or author.email or author.handle or ""


def number(value: float) -> str:
    """Return a whole number with thousands apart."""
    return f"{value:,.0f}"


def percent(value: float, digits: int = 0) -> str:
    """Return a share as a percentage."""
    return "<1%" if not digits and 0 < value < 0.005 else f"{value * 100:.{digits}f}%"


def size(count: int) -> str:
    """Return a number of bytes in a readable unit."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1e3:,.0f} KB" if count < 1e6 else f"{count / 1e6:,.1f} MB"


def signed(value: float | None, digits: int = 0) -> str:
    """Return a figure in [-1, 1] in points with its sign."""
    if value is None:
        return "–"
    rounded = f"{abs(value * 100):.{digits}f}"
    return ("−" if value < 0 and float(rounded) else "+" if float(rounded) else "") + rounded


def initials(name: str) -> str:
    """Return up to two letters for a name."""
    letters = [word[0] for word in name.split() if word[:1].isalnum()]
    return "".join(letters[:1] + letters[-1:] if len(letters) > 1 else letters).upper() or "?"


def safe_text(text: str) -> str:
    """Return *text* without the marks that turn the writing of what follows it, and without control characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or (c.isprintable() and c not in _TURNING) or c in _JOINING)


_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
_JOINING = "\u200c\u200d\ufe0f\u3000\xa0"


def marked(text: str, marks: list[Mapping[str, Any]]) -> Markup:
    """Return *text* with marks: each has ``start``, ``end``, ``css`` and ``title``; of two that overlap, the first."""
    out: list[Markup] = []
    at = 0
    for mark in sorted(marks, key=lambda m: (m["start"], -m["end"])):
        start, end = max(mark["start"], 0), min(mark["end"], len(text))
        if start < at or end <= start:
            continue
        out.append(escape(safe_text(text[at:start])))
        out.append(
            Markup('<mark class="{0}" title="{1}">{2}</mark>').format(
                mark["css"], mark["title"], safe_text(text[start:end])
            )
        )
        at = end
    out.append(escape(safe_text(text[at:])))
    return Markup("").join(out)


def query(given: Mapping[str, str], **changes: str | None) -> str:
    """Return the query of an address with some fields changed; empty ones are left out."""
    fields = {**given, **changes}
    text = urlencode([(name, value) for name, value in fields.items() if value])
    return f"?{text}" if text else ""


def _another_year(time: datetime, now: datetime | None) -> bool:
    return now is not None and abs(now - time) > timedelta(days=300)
