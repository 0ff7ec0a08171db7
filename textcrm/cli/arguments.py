"""Arguments that several commands share, checked once."""

from __future__ import annotations

from textcrm.errors import UsageError
from textcrm.records import CHANNELS, Channel

CHANNEL_HELP = "What the messages are: email, review, social or chat."
JSON_HELP = "Print JSON on standard output, and nothing else there."
PATHS_HELP = "Files or folders: .eml, mbox, Maildir, CSV, TSV, JSONL, Parquet."
MAP_HELP = "FIELD=COLUMN, where the column has another name; may be given several times. Example: --map text=body."


def channel_of(text: str) -> Channel:
    """Return *text* as a channel.

    Raises
    ------
    UsageError
        It is none.
    """
    if text not in CHANNELS:
        raise UsageError(f"There is no channel {text[:32]!r}", options=CHANNELS)
    return text


def pairs(values: list[str], *, option: str) -> dict[str, str]:
    """Return ``KEY=VALUE`` options as a dict.

    Raises
    ------
    UsageError
        One has no equals sign, or a key stands twice.
    """
    found: dict[str, str] = {}
    for value in values:
        key, sign, rest = value.partition("=")
        if not sign or not key or not rest:
            raise UsageError(f"{option} {value[:64]!r} is not KEY=VALUE", hint=f"Example: {option} text=body.")
        if key in found:
            raise UsageError(f"{option} names {key[:32]!r} twice")
        found[key] = rest
    return found
