"""Cursors of pages: opaque to the caller, checked when they come back, stable while new rows arrive."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from textcrm_api.problems import ProblemError

PATTERN = r"^[A-Za-z0-9_-]{1,400}$"


def encode(rank: int, at: datetime, last: str) -> str:
    """Return the cursor that goes on after a row."""
    micros = round(at.timestamp() * 1_000_000)
    return base64.urlsafe_b64encode(json.dumps([rank, micros, last]).encode()).decode().rstrip("=")


def decode(text: str) -> tuple[int, datetime, str]:
    """Return the row that a cursor goes on after.

    Raises
    ------
    ProblemError
        It is none of ours.
    """
    try:
        rank, micros, last = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not (type(rank) is int and type(micros) is int and type(last) is str and abs(rank) < 100):
            raise ValueError
        whole, rest = divmod(micros, 1_000_000)
        return rank, datetime.fromtimestamp(whole, UTC).replace(microsecond=rest), last
    except (ValueError, TypeError, OverflowError, OSError, RecursionError, binascii.Error) as error:
        raise ProblemError(
            "usage", "The cursor is none that this service made.", hint="Start again without one, or take `next`."
        ) from error
