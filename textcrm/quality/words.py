"""The words in which terminal and page say what was found."""

from __future__ import annotations

from collections.abc import Sequence

RULES = {
    "same_row": "The whole row stands there already",
    "same_id": "The id stands in an earlier row",
    "same_email": "The mail address stands in an earlier row",
    "same_phone": "The phone number stands in an earlier row",
    "same_handle": "The handle stands in an earlier row",
    "born_in_the_future": "Born in the future",
    "created_at_in_the_future": "Created in the future",
    "updated_at_in_the_future": "Updated in the future",
    "older_than_120_years": "Older than 120 years",
    "updated_before_created": "Updated before it was created",
    "created_before_birth": "Created before the birth",
}
NAMED = 8


def places(lines: Sequence[int]) -> str:
    """Return lines of the source as text: the first eight."""
    text = ", ".join(str(line) for line in lines[:NAMED])
    return f"{text} …" if len(lines) > NAMED else text


def share(value: float) -> str:
    """Return a share in percent."""
    return f"{value:.0%}" if value == round(value, 2) else f"{value:.1%}"
