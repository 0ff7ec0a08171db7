"""Which words of a mail are its text: the plain or the HTML alternative, soft line breaks joined."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textcrm.sources.charsets import decode
from textcrm.sources.mime import Leaf, parameter

# Containers by which mail programs set a quote or a signature apart: where they stand, HTML tells more than text.
_TELLING = re.compile(
    r"gmail_quote|gmail_signature|gmail_extra|<blockquote|moz-cite|moz-signature|moz-forward|yahoo_quoted|divRplyFwdMsg"
    r"|appendonsend|OLK_SRC_BODY|stopSpelling|zwchr|protonmail_quote|tutanota_quote|data-signatureblock"
    r"|border-top: ?solid|border-top:none|mail-editor-reference-message|AOLMsgPart|WordSection1",
    re.IGNORECASE,
)
# The plain text marks its quotes itself: a sign before each line, a drawn line, or the header of what is quoted.
_MARKED = re.compile(
    r"^(?:[ \t]{0,4}[>|]|[-_]{5}"
    r"|[ \t*]{0,4}(?:From|Von|De|Da|Van|Od|От|发件人|寄件者|差出人)[ \t*]{0,3}[:：])",
    re.MULTILINE,
)
_INVISIBLE = re.compile(r"<(style|script|head|title)\b", re.IGNORECASE)
_SHORT = 200
_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Body:
    """The chosen text, and the HTML beside it where the text is plain."""

    text: str
    content_type: str
    html: str | None


def choose(found: list[Leaf], warnings: list[str]) -> Body:
    """Choose the text of a mail among its leaves.

    Text of the mail itself goes before text of an attached message. The HTML alternative is taken where it tells
    more: where it marks quotes or signatures and the plain text does not, or where the plain text is a stub.
    """
    for embedded in (False, True):
        usable = [leaf for leaf in found if leaf.embedded == embedded and not leaf.is_attachment]
        plain = "\n".join(
            part for leaf in usable if leaf.content_type == "text/plain" and (part := _plain(leaf, warnings))
        )
        html = "\n".join(
            part for leaf in usable if leaf.content_type == "text/html" and (part := _decoded(leaf, warnings)).strip()
        )
        if plain.strip() or html.strip():
            if embedded:
                warnings.append("text_of_attached_message")
            return _better(plain, html)
    for leaf in found:  # a calendar entry, a delivery status, enriched text: better than nothing
        if leaf.content_type.startswith(("text/", "message/delivery-status")):
            return Body(_decoded(leaf, warnings), "text/plain", None)
    return Body("", "text/plain", None)


def _better(plain: str, html: str) -> Body:
    if not html.strip():
        return Body(plain, "text/plain", None)
    if not plain.strip():
        return Body(html, "text/html", None)
    telling = _TELLING.search(html) is not None and _MARKED.search(plain) is None
    stub = len(plain.strip()) < _SHORT and _visible(html) > 4 * len(plain.strip()) + 40
    if telling or stub:
        return Body(html, "text/html", None)
    return Body(plain, "text/plain", html)


def _visible(html: str) -> int:
    """Return about how many characters of *html* a reader sees."""
    start = html.lower().find("<body")
    rest = html[max(start, 0) : max(start, 0) + 50_000]
    pieces = rest.split("<")
    count = len(pieces[0].strip())
    hidden = False
    for piece in pieces[1:]:
        hidden = _INVISIBLE.match("<" + piece[:10]) is not None if not hidden else not piece.startswith("/")
        if not hidden:
            count += len(piece.partition(">")[2].strip())
    return count


def _decoded(leaf: Leaf, warnings: list[str]) -> str:
    text, remarks = decode(leaf.content(), leaf.charset)
    warnings += remarks
    warnings += leaf.warnings
    return text


def _plain(leaf: Leaf, warnings: list[str]) -> str:
    text = _decoded(leaf, warnings)
    if (parameter(leaf.fields, "format") or "").lower() == "flowed":
        space = (parameter(leaf.fields, "delsp") or "").lower() == "yes"
        return unflow(text, delete_space=space)
    return text


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Join the soft line breaks of format=flowed.

    A line that ends in a space flows on, where the next has the same quote depth. Programs that leave a stray space
    at a true line end are common: a break is soft only where the first word of the next line would not have fitted
    into 60 columns.

    References
    ----------
    RFC 3676, sections 4.1 to 4.5: soft breaks, quote depth, the signature separator, DelSp.
    """
    done: list[str] = []
    flowing = False
    last_depth = 0
    width = 0
    for line in text.splitlines():
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        first = bare.partition(" ")[0]
        if flowing and depth == last_depth and bare != "-- " and bare.strip() and width + len(first) >= _COLUMNS:
            done.append(bare)
        else:
            done.append(("\n" if done else "") + ">" * depth + (" " if depth else "") + bare)
        flowing = bare.endswith(" ") and bare != "-- "
        if flowing and delete_space:
            done[-1] = done[-1][:-1]
        last_depth, width = depth, len(bare)
    if text.endswith(("\n", "\r")):
        done.append("\n")
    return "".join(done)
