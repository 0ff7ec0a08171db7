"""International bank account numbers.

References
----------
ISO 13616 and the SWIFT IBAN registry (lengths by country); ISO 7064 MOD 97-10 (check digits).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities import context
from textcrm.entities.found import Found, Options

LENGTHS = {
    **dict.fromkeys(["NO"], 15),
    **dict.fromkeys(["BE"], 16),
    **dict.fromkeys(["DK", "FK", "FO", "FI", "GL", "NL", "SD"], 18),
    **dict.fromkeys(["MK", "SI"], 19),
    **dict.fromkeys(["AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"], 20),
    **dict.fromkeys(["CH", "HR", "LI", "LV"], 21),
    **dict.fromkeys(["BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"], 22),
    **dict.fromkeys(["AE", "GI", "IL", "IQ", "OM", "SO", "TL"], 23),
    **dict.fromkeys(["AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"], 24),
    **dict.fromkeys(["LY", "PT", "ST"], 25),
    **dict.fromkeys(["IS", "TR"], 26),
    **dict.fromkeys(["BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"], 27),
    **dict.fromkeys(["AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"], 28),
    **dict.fromkeys(["BR", "EG", "PS", "QA", "UA"], 29),
    **dict.fromkeys(["JO", "KW", "MU", "YE"], 30),
    **dict.fromkeys(["MT", "SC"], 31),
    **dict.fromkeys(["LC"], 32),
    **dict.fromkeys(["RU"], 33),
}
_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ ]?\d{2}(?=[ \-]?[A-Za-z0-9]{2})")
_CONTEXT = context.words(
    "iban", "account", "konto", "compte", "cuenta", "conto", "rekening", "bank", "transfer", "überweis"
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the account numbers: country, length and check digits must agree.

    One with wrong check digits is reported only behind a context word, with a low score: a mistyped account number is
    still nobody else's business.
    """
    for match in _START.finditer(text):
        length = LENGTHS.get(match.group()[:2].upper())
        if length is None:
            continue
        end = _read(text, match.start(), length)
        if end is None:
            continue
        value = "".join(c for c in text[match.start() : end] if c.isalnum()).upper()
        if _check(value):
            yield Found(match.start(), end, "IBAN", 0.98, "iban", value)
        elif context.near(text, match.start(), end, _CONTEXT):
            yield Found(match.start(), end, "IBAN", 0.55, "iban", None)


def _read(text: str, start: int, length: int) -> int | None:
    """Return the end of *length* letters and digits from *start*, single blanks or hyphens between, or None."""
    position, count = start, 0
    while count < length and position < len(text):
        if text[position].isascii() and text[position].isalnum():
            count += 1
        elif text[position] not in " -" or not text[position - 1].isalnum():
            return None
        position += 1
    if count < length or (position < len(text) and text[position].isalnum()):
        return None
    return position


def _check(value: str) -> bool:
    digits = "".join(str(int(c, 36)) for c in value[4:] + value[:4])
    return int(digits) % 97 == 1
