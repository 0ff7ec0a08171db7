"""Payment card numbers.

References
----------
ISO/IEC 7812-1 (length, issuer identification, the check digit of Luhn).
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities import context
from textcrm.entities.found import Found, Options

_NUMBER = re.compile(r"(?<![\d+])(?<!\d[ .-])(?:\d(?:[ -]?\d){11,18}|\d{4}(?:\.\d{4}){3})(?![ -]?\d)(?!\.\d)")
_CONTEXT = context.words(
    "card", "credit", "debit", "visa", "master", "amex", "american express", "diners", "discover", "maestro", "cc", "karte",
    "kreditkarte", "carte", "tarjeta", "cartão", "carta", "kaart", "karta", "карт", "卡", "カード", "cvv", "cvc", "expir",
)  # fmt: skip
_SEPARATORS = str.maketrans("", "", " .-")
# Issuer prefix -> lengths.
_ISSUERS = (
    (re.compile("4"), (13, 16, 19)),
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile("3[47]"), (15,)),
    (re.compile("30[0-5]|309|36|3[89]"), (14, 16)),
    (re.compile("6011|64[4-9]|65"), (16, 19)),
    (re.compile("35(?:2[89]|[3-8])"), (16,)),
    (re.compile("1800|2131"), (15,)),
    (re.compile("62"), (16, 17, 18, 19)),
    (re.compile("5018|5020|5038|5[6-8]|6304|6759|676[1-3]|60|63|67"), tuple(range(12, 20))),
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the card numbers: Luhn's digit decides, the issuer's prefix or a context word must agree."""
    for match in _NUMBER.finditer(text):
        value = match.group().translate(_SEPARATORS)
        if not luhn(value) or len(set(value)) < 2:
            continue
        issuer = any(len(value) in lengths and prefix.match(value) for prefix, lengths in _ISSUERS)
        about = context.near(text, match.start(), match.end(), _CONTEXT)
        score = context.raised(0.75 if issuer else 0.3, 0.24 if issuer else 0.4, about)
        yield Found(match.start(), match.end(), "CARD", score, "card", value)


def luhn(digits: str) -> bool:
    """Say whether the last of *digits* (ASCII) is Luhn's check digit of the others."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
