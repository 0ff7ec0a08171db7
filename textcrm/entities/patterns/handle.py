"""Handles of social networks: ``@name``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options

_HANDLE = re.compile(r"(?<![\w@/.+-])@(?=\w{0,29}[^\W\d])[\w]{2,30}(?![\w@])")


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the handles; their value is the name in lower case, without the sign."""
    if "@" not in text:
        return
    for match in _HANDLE.finditer(text):
        yield Found(match.start(), match.end(), "HANDLE", 0.8, "handle", match.group()[1:].lower())
