"""Amounts of money, with a sign, a code or a word for the currency.

References
----------
ISO 4217 (codes); CLDR (where the sign stands, which separators).
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import BEFORE

_SIGNS = {"$": "USD", "US$": "USD", "A$": "AUD", "C$": "CAD", "CA$": "CAD", "AU$": "AUD", "R$": "BRL", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "zł": "PLN", "元": "CNY", "円": "JPY", "₩": "KRW", "₺": "TRY", "kr": "SEK", "kr.": "SEK", "KČ": "CZK", "Kč": "CZK", "Fr.": "CHF"}  # fmt: skip
_CODES = "USD|EUR|GBP|CHF|JPY|CNY|RMB|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|BRL|INR|MXN|TRY|ZAR|KRW|SGD|HKD|ILS"
_NAMES = {"dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "quid": "GBP", "yen": "JPY", "yuan": "CNY", "franc": "CHF", "franken": "CHF", "rupee": "INR", "рубл": "RUB", "руб": "RUB", "pfund": "GBP", "peso": "", "złot": "PLN", "zlot": "PLN", "cent": "", "real": "BRL", "reais": "BRL"}  # fmt: skip
_NUMBER = r"\d{1,3}(?:[.,' \u00a0\u202f]\d{3}){1,4}(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?"
_SCALE = r"(?:[ ]?(?:k|K|m|M|bn|million|billion|thousand|Millionen|Mio\.?|Tsd\.?)(?![\w]))?"
_SIGN = r"(?i:kr\.?(?=[ ]?\d))|US\$|CA?\$|AU?\$|R\$|[$€£¥₹₽₩₺]"
_BEFORE = re.compile(
    rf"{BEFORE}(?<![$€£])(?:(?P<sign>{_SIGN})[ \u00a0]?|(?P<code>{_CODES})[ \u00a0]?)(?P<number>{_NUMBER})(?![\d]){_SCALE}(?:,-|\.-)?"
)
_AFTER = re.compile(
    rf"{BEFORE}(?<![.,$€£/-])(?P<number>{_NUMBER}){_SCALE}(?:,-|,--)?[ \u00a0]?(?:(?P<sign>[€$£₹₽₺元円]|(?i:zł)|Kč|kr\b|Fr\.)|(?P<code>{_CODES})\b|"
    rf"(?P<name>(?i:dollar|buck|euro|pound|quid|yen|yuan|franc|franken|rupee|рубл|руб|pfund|peso|złot|zlot|cent|reais)\w{{0,3}})\b)"
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the amounts; their value is ``CODE amount``."""
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            name = (groups.get("name") or "").lower()
            currency = (
                groups["code"]
                or _SIGNS.get((groups["sign"] or "").replace("ZŁ", "zł").replace("Zł", "zł"))
                or next((code for stem, code in _NAMES.items() if name.startswith(stem)), "")
            )
            amount = _amount(match.group("number"))
            yield Found(match.start(), match.end(), "MONEY", 0.9, "money", f"{currency} {amount}".strip())


def _amount(number: str) -> str:
    """Return *number* with a point as decimal separator and no other."""
    digits = re.sub(r"[' \u00a0\u202f]", "", number)
    whole, separator, part = max(
        (digits.rpartition(mark) for mark in ".,"), key=lambda parts: len(parts[0]) if parts[1] else -1
    )
    if separator and len(part) != 3:
        return re.sub("[.,]", "", whole) + "." + part
    return re.sub("[.,]", "", digits)
