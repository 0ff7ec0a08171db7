"""Tax numbers of firms and persons: European VAT numbers, US EIN and ITIN, German Steuernummer, British UTR, Polish NIP.

References
----------
python-stdnum, modules ``eu.vat``, ``us.ein``, ``us.itin``, ``de.stnr``, ``gb.vat``, ``gb.utr``, ``it.iva``, ``pl.nip``.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

from textcrm.entities import context
from textcrm.entities.found import Found, Options

_EU = re.compile(
    r"(?<![\w-])(?:ATU|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|GB|XI)"
    r"[ .-]?[0-9A-Z](?:[ .-]?[0-9A-Z]){6,12}(?![\w])"
)
_CUES = context.words(
    "vat", "tax", "ust", "umsatzsteuer", "steuer", "tva", "iva", "btw", "nif", "nip", "mwst", "ein", "itin", "utr", "tin",
    "employer", "moms", "partita",
)  # fmt: skip
_DIGITS = (
    ("us_ein", re.compile(r"(?<![\w-])\d\d-\d{7}(?![\w]|-\w)"), "us.ein", 0.35, 0.95),
    ("us_itin", re.compile(r"(?<![\w-])9\d\d-[5-9]\d-\d{4}(?![\w]|-\w)"), "us.itin", 0.6, 0.95),
    ("de_stnr", re.compile(r"(?<![\w/-])\d{2,3}[ ]?/[ ]?\d{3,4}[ ]?/[ ]?\d{4,5}(?![\w/-])"), "de.stnr", 0.3, 0.95),
    ("gb_utr", re.compile(r"(?<![\w-])\d{5}[ ]?\d{5}K?(?![\w]|-\w)"), "gb.utr", 0.1, 0.9),
    ("it_iva", re.compile(r"(?<![\w-])\d{11}(?![\w]|-\w)"), "it.iva", 0.1, 0.95),
    ("pl_nip", re.compile(r"(?<![\w-])\d{3}-\d{3}-\d\d-\d\d(?![\w]|-\w)"), "pl.nip", 0.6, 0.97),
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the numbers; their value is ``kind:number``."""
    vat = importlib.import_module("stdnum.eu.vat")
    gb = importlib.import_module("stdnum.gb.vat")
    for match in _EU.finditer(text):
        number = match.group()
        module = gb if number[:2] == "GB" else vat
        if module.is_valid(number):
            score = 0.97 if context.near(text, match.start(), match.end(), _CUES) else 0.8
            yield Found(match.start(), match.end(), "TAX_ID", score, "tax", f"vat:{_compact(number)}")
    for name, shape, module_name, alone, about in _DIGITS:
        for match in shape.finditer(text):
            if importlib.import_module(f"stdnum.{module_name}").is_valid(match.group()):
                score = about if context.near(text, match.start(), match.end(), _CUES) else alone
                yield Found(match.start(), match.end(), "TAX_ID", score, "tax", f"{name}:{_compact(match.group())}")


def _compact(found: str) -> str:
    return "".join(c for c in found if c.isalnum()).upper()
