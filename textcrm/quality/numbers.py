"""Numbers as people write them in tables."""

from __future__ import annotations

import re

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,12})?\Z")
_GROUPED_DOTS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){1,6},\d{1,12}\Z")
_COMMA = re.compile(r"[+-]?\d{1,15},\d{1,12}\Z")
_PLAIN = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][+-]?\d{1,3})?\Z")


def number(value: str) -> float | None:
    """Return the number that *value* is, or None: ``1234.5``, ``1,234.50``, ``1.234,50``, ``12,5``, ``1e3``."""
    text = value.strip()
    if not text or len(text) > 40:
        return None
    if _PLAIN.match(text):
        return float(text)
    if _GROUPED.match(text):
        return float(text.replace(",", ""))
    if _GROUPED_DOTS.match(text) or _COMMA.match(text):
        return float(text.replace(".", "").replace(",", "."))
    return None
