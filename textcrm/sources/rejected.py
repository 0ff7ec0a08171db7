"""What a reader hands over for an item that it cannot take."""

from __future__ import annotations

from dataclasses import dataclass

from textcrm.errors import InputError
from textcrm.records import Source


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item for the quarantine: its raw bytes, why, and where it stood.

    ``reason`` is a stable code (``unreadable``, ``too_large``, ``timeout``, ``memory``, ``crashed``,
    ``unequal_row``, ``no_text``, ``bad_json``); ``detail`` is a sentence for a person, without any of the content.
    """

    raw: bytes
    reason: str
    detail: str
    source: Source

    @classmethod
    def from_error(cls, raw: bytes, error: InputError, source: Source) -> Rejected:
        """Return the rejection that *error* means for the item *raw*."""
        return cls(raw=raw, reason=error.code, detail=str(error), source=source)
