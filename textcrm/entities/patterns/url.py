"""Web addresses: with a scheme, with ``www.``, or a bare domain under a common ending.

References
----------
RFC 3986 appendix C (how an address is told from the text round it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options

_FULL = re.compile(
    r"(?<![\w@])(?:(?:https?|ftps?)://|www\.(?=[\w-]))[^\s<>\"`{}|\\^\u2028\u3000-\u3002\uff0c]{2,2000}", re.IGNORECASE
)
_ENDINGS = (
    "com|org|net|edu|gov|mil|int|info|biz|io|co|ai|app|dev|shop|store|online|site|tech|cloud|blog|news|eu|uk|us|ca|au|nz|ie|"
    "de|at|ch|fr|be|nl|lu|es|pt|it|gr|dk|se|no|fi|is|pl|cz|sk|hu|ro|bg|hr|si|rs|ua|ru|tr|il|in|cn|jp|kr|tw|hk|sg|br|mx|ar|cl|za"
)
_BARE = re.compile(
    rf"(?<![\w@.:/-])[a-z0-9][a-z0-9-]{{0,62}}(?:\.[a-z0-9-]{{1,63}}){{0,4}}\.(?:{_ENDINGS})(?![\w@-]|\.\w)"
    r"(?::\d{1,5})?(?:/[^\s<>\"`{}|\\^]{0,500})?",
    re.IGNORECASE,
)
_TRAIL = ".,;:!?'\"*_~\u2019\u201d\u00bb\u2026"
_PAIRS = {")": "(", "]": "["}
_CERTAIN = frozenset("com org net edu gov io info eu".split())


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the addresses, without the punctuation of the sentence that ends behind them."""
    if "." not in text:
        return
    lowered = text.lower()
    if "://" in text or "www." in lowered:
        for match in _FULL.finditer(text):
            end = _trim(text, match.start(), match.end())
            body = text[match.start() : end].partition("://")[2] or text[match.start() : end]
            if len(body) > 2 and ("." in body or ":" in body or body.startswith("localhost")):
                yield Found(match.start(), end, "URL", 0.95, "url", text[match.start() : end])
    for match in _BARE.finditer(text):
        end = _trim(text, match.start(), match.end())
        host = text[match.start() : end].partition("/")[0]
        ending = host.rpartition(".")[2]
        # "end.In" is a missing blank, not a domain: under a country's ending the host must be in lower case.
        if (
            ending.lower() in _CERTAIN
            or (ending.islower() and host.islower() and len(host) > 5)
            or "/" in match.group()
        ):
            yield Found(match.start(), end, "URL", 0.7, "url", text[match.start() : end].lower())


def _trim(text: str, start: int, end: int) -> int:
    while end > start + 1:
        last = text[end - 1]
        opener = _PAIRS.get(last)
        if last in _TRAIL or (opener and text.count(opener, start, end) < text.count(last, start, end)):
            end -= 1
        else:
            break
    return end
