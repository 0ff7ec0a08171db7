"""Telephone numbers.

``phonenumbers`` is slow, so it judges candidates only: runs of 7 to 15 digits, with the separators that people write.
A number that is valid in the region of the reader, or with its country code, is certain; one that is valid in another
country, or merely has a telephone's grouping, needs a word such as "call" near it or scores low.

References
----------
ITU-T E.164 (at most 15 digits); Google's libphonenumber metadata through ``phonenumbers``.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities import context
from textcrm.entities.found import Found, Options
from textcrm.entities.letters import AFTER, BEFORE

_CANDIDATE = re.compile(
    rf"{BEFORE}(?<![.,/#$€£¥=-])(?<!\d[ :])(?:\+ ?|\(\+?)?\d(?:[ \t]?[().\-/\u2010-\u2013\u00a0][ \t]?\(?|[ \t]\(?)?"
    r"(?:\d(?:[ \t]?[().\-/\u2010-\u2013\u00a0][ \t]?\(?|[ \t]\(?)?){5,15}\d"
    r"(?:,?[ ]?(?i:x|#|ext(?:ension)?[.:]?|durchwahl)[ ]?\d{1,6})?"
    rf"{AFTER}(?![-/]\d|\.\d|,\d)"
)
_CUES = context.words(
    "phone", "telephone", "tel", "call", "cell", "mobile", "mobil", "fax", "number", "contact", "text me", "sms", "whatsapp",
    "reach", "dial", "ring", "desk", "office", "hotline", "handy", "telefon", "nummer", "anruf", "rückruf", "portable",
    "appel", "téléphone", "móvil", "llam", "teléfono", "cellulare", "chiam", "bel ", "tlf", "тел", "звон", "电话", "手机",
    "電話", "携帯", "answering", "line",
)  # fmt: skip
_NOT = context.words(
    "order", "invoice", "ticket", "tracking", "case", "card", "account", "iban", "ssn", "social security", "ref", "passport",
    "license", "licence", "zip", "id", "serial", "customer", "contract", "policy", "bestell", "rechnung", "kunden", "vat", "tax",
)  # fmt: skip
_DATE = re.compile(
    r"(?:19|20)\d\d[./-][01]?\d[./-][0-3]?\d|[0-3]?\d[./-][0-3]?\d[./-](?:19|20)?\d\d|(?:19|20)\d\d ?[-/] ?(?:19|20)\d\d"
)
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")  # an internet address
# Tried in this order where a number is not valid in the reader's own region.
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "BE", "CH", "AT", "PL", "AU", "SE", "DK", "NO", "FI", "CZ", "HU", "PT", "IE", "BR", "IN", "JP", "CN")  # fmt: skip


def find(text: str, options: Options) -> Iterator[Found]:
    """Yield the numbers; the value is E.164 where the country is certain."""
    for match in _CANDIDATE.finditer(text):
        found = match.group()
        start, end = match.span()
        if found.count("(") != found.count(")"):
            start, end, found = _balance(start, found)
        digits = sum(c.isdigit() for c in re.split(r"[xXeEdD#]", found, maxsplit=1)[0])
        if not 7 <= digits <= 15 or _DATE.fullmatch(found) or _DOTTED.fullmatch(found):
            continue
        score, value = _judge(found, options.region)
        if score == 0:
            continue
        if context.near(text, start, end, _CUES):
            score = min(0.97, score + 0.35)
        elif context.near(text, start, end, _NOT, before=24, after=0):
            score -= 0.3
        yield Found(start, end, "PHONE", max(0.0, score), "phone", value)


def _balance(start: int, found: str) -> tuple[int, int, str]:
    """Drop a bracket that has no partner at either end."""
    if found.startswith("(") and ")" not in found:
        start, found = start + 1, found[1:]
    return start, start + len(found), found


def _judge(found: str, region: str) -> tuple[float, str | None]:
    """Return the score without context and the E.164 form of *found*."""
    import phonenumbers

    international = found.lstrip("(").startswith(("+", "00"))
    for place in (region, *_REGIONS) if not international else (region,):
        try:
            number = phonenumbers.parse(found, place)
        except phonenumbers.NumberParseException:
            return (0.0, None)
        if phonenumbers.is_valid_number(number):
            value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if international:
                return (0.9, value)
            if place == region:
                return (0.62 if _grouped(found) else 0.32, value)
            # Two bare groups are a number somewhere on earth more often than not: "9816 214".
            return (max(_shape(found), 0.55 if _grouped(found) > 1 else 0.25), None)
    if international:
        return (0.6, None)
    return (_shape(found), None)


def _shape(found: str) -> float:
    """Return the score of a national number by its grouping: a leading zero or an area code in brackets, groups."""
    groups = _grouped(found)
    if groups and found.startswith(("0", "(")):
        return 0.61
    if groups > 1:
        return 0.5
    return 0.35 if groups else 0.2


def _grouped(found: str) -> int:
    """Return how often digits are parted by a separator."""
    return len(re.findall(r"\d[^\d]{1,4}(?=\d)", found))
