"""Internet addresses, version 4 and 6, with an optional prefix length.

References
----------
RFC 791, RFC 4291 section 2.2; validity as decided by the standard library's ``ipaddress``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from textcrm.entities import context
from textcrm.entities.found import Found, Options

_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?!\w|\.\d)")
_V6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?:%\w{1,15})?(?:/\d{1,3})?(?![\w:])")
_VERSION = context.words("version", "release", "firmware", "build", "v.", "ver", "update", "section", "chapter")


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the addresses; four numbers behind "version" are none."""
    if "." in text:
        for match in _V4.finditer(text):
            value = _valid(match.group())
            if value:
                version = context.near(text, match.start(), match.end(), _VERSION, before=12, after=0)
                yield Found(match.start(), match.end(), "IP", 0.3 if version else 0.95, "ip", value)
    if text.count(":") > 1:
        for match in _V6.finditer(text):
            found = match.group()
            if found.count(":") > 1 and any(c not in ":." for c in found):
                # A colon of the sentence may end the run: "fe80::1: unreachable".
                value = _valid(found)
                if value:
                    yield Found(match.start(), match.end(), "IP", 0.95, "ip", value)


def _valid(found: str) -> str | None:
    address, slash, prefix = found.partition("/")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if slash and int(prefix) > ip.max_prefixlen:
        return None
    return f"{ip}{slash}{prefix}"
