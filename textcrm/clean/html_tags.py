"""HTML as a stream of tags and texts with their places in the source: lenient, linear, no tree.

A tree parser repairs the source and forgets where things stood; offsets into the message as received need the places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9:_-]{0,40})")
# A whole tag as nearly all are written: quotes in pairs, no ``>`` within. Others are read with more care.
_WHOLE = re.compile(r"</?([A-Za-z][A-Za-z0-9:_-]{0,40}+)(?:[^<>\"']++|\"[^\"'<>]*+\"|'[^\"'<>]*+')*+>")
# Elements whose content is no text, up to their end tag.
_RAW = {name: re.compile(rf"</{name}[\s>]", re.IGNORECASE) for name in ("style", "script", "title", "template", "xml")}
_MOST_TAG = 10_000

Token = tuple[str, str, int, int]
"""Kind (``text``, ``open``, ``close``, ``void``), tag name or empty, start, end."""
VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "base", "col", "area", "wbr", "embed", "source", "param"})


def tokens(html: str) -> Iterator[Token]:
    """Yield the tags and texts of *html* in order. Comments, declarations, styles and scripts are left out."""
    position, size = 0, len(html)
    text_start = 0
    last_end = html.rfind(">")
    unclosed: set[str] = set()  # what was sought to the end of the source once need not be sought again
    while position < size:
        at = html.find("<", position)
        if at < 0:
            break
        following = html[at + 1 : at + 2]
        if following in {"!", "?"}:
            end = _past_declaration(html, at, unclosed)
            if text_start < at:
                yield "text", "", text_start, at
            position = text_start = end
            continue
        match = _WHOLE.match(html, at)
        if match is not None and match.end() - at <= _MOST_TAG:
            end = match.end()
        else:
            match = _NAME.match(html, at)
            end = _tag_end(html, match.end()) if match else -1
        if match is None or end < 0:
            if at > last_end:
                break  # no tag ends any more: the rest is text
            position = at + 1  # a plain "<"
            continue
        if text_start < at:
            yield "text", "", text_start, at
        name = match[1].lower()
        closing = following == "/"
        yield "close" if closing else "void" if name in VOID else "open", name, at, end
        position = text_start = end
        if not closing and name in _RAW and name not in unclosed:
            finish = _RAW[name].search(html, end)
            if finish is None and name in {"title", "xml", "template"}:
                unclosed.add(name)
                continue  # never closed: better to read it than to lose the mail
            stop = finish.start() if finish else size
            close = html.find(">", stop)
            position = text_start = close + 1 if close >= 0 else size
            yield "close", name, stop, position
    if text_start < size:
        yield "text", "", text_start, size


def _past_declaration(html: str, at: int, unclosed: set[str]) -> int:
    """Return the end of a comment, a declaration or a processing instruction."""
    if html.startswith("<!--", at) and html.startswith(("<!-->", "<!--->"), at):
        return html.index(">", at) + 1
    for opening, closing in (("<!--", "-->"), ("<![CDATA[", "]]>")):
        if html.startswith(opening, at) and closing not in unclosed:
            end = html.find(closing, at + 4)
            if end >= 0:
                return end + 3
            unclosed.add(closing)
    end = html.find(">", at)
    return end + 1 if end >= 0 else len(html)


def _tag_end(html: str, start: int) -> int:
    """Return the end of the tag that is open at *start*; a ``>`` within a quoted value does not end it."""
    end = html.find(">", start, start + _MOST_TAG)
    if end < 0:
        return -1
    for quote in ('"', "'"):
        if html.count(quote, start, end) % 2 and "=" in html[start:end]:
            close = html.find(quote, end, start + _MOST_TAG)
            after = html.find(">", close, start + _MOST_TAG) if close >= 0 else -1
            # an unpaired quote of a sloppy writer must not swallow text: a value holds no new tag
            if after >= 0 and "<" not in html[end:close]:
                return after + 1
    return end + 1
