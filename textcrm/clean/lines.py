"""The unit of cleaning: a line as a reader sees it, with where it stands in the original and what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from textcrm.clean.offsets import Mapped
from textcrm.clean.unicode import tidy
from textcrm.records import PartKind

_DEPTH = re.compile(r"[ ]{0,3}((?:>[ ]?){1,30})")
_MARKDOWN = re.compile(r"^[*_]{1,2}|[*_]{1,2}$")


@dataclass(slots=True)
class Line:
    """One visible line.

    ``start`` and ``end`` are the raw span, its line break or closing markup included. ``hint`` names the container
    of the HTML that it stood in, such as ``quote:gmail_quote`` or ``signature:gmail_signature``. ``kind`` is
    ``own`` until a rule finds otherwise, and ``rule`` names that rule. ``text`` is what is seen of it, ``blank``
    whether that is nothing; both are read very often, and so are fields.
    """

    body: Mapped
    start: int
    end: int
    hint: str = ""
    kind: PartKind = "own"
    rule: str = "text"
    depth: int = 0
    text: str = field(init=False)
    blank: bool = field(init=False)

    def __post_init__(self) -> None:
        self.text = self.body.text
        self.blank = not self.text or self.text.isspace()

    def mark(self, kind: PartKind, rule: str) -> None:
        """Say what the line is."""
        self.kind = kind
        self.rule = rule


def bare(text: str) -> str:
    """Return a line without surrounding blanks and the asterisks by which bold type becomes plain text."""
    stripped = text.strip()
    if stripped[:1] in {"*", "_"} or stripped[-1:] in {"*", "_"}:
        return _MARKDOWN.sub("", stripped).strip()
    return stripped


def depth_of(text: str) -> int:
    """Return how many ``>`` marks stand before a line."""
    if not text[:4].lstrip(" ").startswith(">"):
        return 0
    match = _DEPTH.match(text)
    return match[1].count(">") if match else 0


def plain_lines(text: str, most: int) -> list[Line]:
    """Return the first *most* lines of a plain text, with the depth of their ``>`` marks."""
    lines: list[Line] = []
    position = 0
    for raw in text.splitlines(keepends=True)[:most]:
        end = position + len(raw)
        content = raw.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
        line = Line(tidy(Mapped.verbatim(content, position)), position, end, depth=depth_of(content))
        lines.append(line)
        position = end
    return lines
