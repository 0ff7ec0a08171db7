"""Mail addresses.

References
----------
RFC 5321 section 4.5.3.1 (64 octets of local part, 255 of domain), RFC 5322 section 3.2.3 (atoms), RFC 6531 (letters
beyond ASCII).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options

_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?<=@)[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}")
_TOP = re.compile(r"(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})\Z", re.IGNORECASE)
_ENDING = frozenset(
    "com org net edu gov info biz io co de fr es it nl uk us at ch be pl ru cn jp dk se no fi cz hu".split()
)
# "ann [at] shop [dot] com": written so that no robot reads it.
_SPELT = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}+[ ]?[\[({][ ]?(?:at|ät|@)[ ]?[\])}][ ]?"
    r"[\w-]{1,63}+(?:(?:\.|[ ]?[\[({][ ]?(?:dot|punkt|point|punto|ponto|\.)[ ]?[\])}][ ]?)[\w-]{2,63}+){1,4}",
    re.IGNORECASE,
)
_MARKS = re.compile(r"[ ]?[\[({][ ]?(\S{1,6})[ ]?[\])}][ ]?")
_EDGE = ".'!#$%&*+/=?^`{|}~-"


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the mail addresses: the text is scanned for ``@`` and read outwards from there."""
    for match in _SPELT.finditer(text) if "at" in text.lower() else ():
        plain = _MARKS.sub(lambda mark: "@" if mark[1].lower() in {"at", "ät", "@"} else ".", match.group())
        yield Found(match.start(), match.end(), "EMAIL", 0.95, "email", plain.lower())
    at = text.find("@")
    taken = 0
    while at >= 0:
        local = _LOCAL.match(text[max(taken, at - 64) : at][::-1])
        domain = _DOMAIN.match(text, at + 1)
        if local and domain:
            start = at - len(local.group().rstrip(_EDGE))
            end = _domain_end(text, at + 1, domain.end())
            if start < at and end > at + 1:
                yield Found(start, end, "EMAIL", 0.98, "email", text[start:end].lower())
                taken = end
        at = text.find("@", at + 1)


def _domain_end(text: str, start: int, end: int) -> int:
    """Return the end of the domain, or *start* where what follows ``@`` is none."""
    labels = text[start:end].split(".")
    # "at name@example.com.Then ..." : a sentence that begins right behind a known ending.
    while (
        len(labels) > 2 and labels[-1][:1].isupper() and labels[-2].lower() in _ENDING and not labels[-2][0].isupper()
    ):
        labels.pop()
    while len(labels) > 1 and not _TOP.match(labels[-1]):
        labels.pop()
    if len(labels) < 2 or any(label.startswith("-") or label.endswith("-") for label in labels):
        return start
    return start + len(".".join(labels))
