"""Which lines are another message: quoted, forwarded, or the header of one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textcrm.clean.header_blocks import header_block, label, notes_block, rule_above
from textcrm.clean.lines import Line, bare
from textcrm.clean.separators import attribution, dated, separator
from textcrm.records import PartKind

_MOST_WINDOW = 4
_COLUMNS = 60
_GLUED = re.compile(r"[:：]$")


def mark_quotes(lines: Sequence[Line]) -> None:
    """Mark what is quoted or forwarded in *lines*, in place."""
    _mark_hinted(lines)
    texts = [line.text for line in lines]
    ends = [_may_end_attribution(text) for text in texts]
    index = 0
    while index < len(lines):
        line = lines[index]
        if line.kind != "own" or line.blank:
            index += 1
            continue
        announced = separator(line.text) if not line.depth or line.text.rstrip().endswith(">>>") else None
        if line.depth and announced is None:
            line.mark("quoted", "quote_mark")
            index += 1
            continue
        if announced is not None:
            kind: PartKind = "forwarded" if announced == "forwarded" else "quoted"
            _rest(lines, rule_above(texts, index), index, kind, f"separator_{announced}")
            return
        colon = ":" in line.text or "：" in line.text  # what the block rules below cannot do without
        block = header_block(texts, index) if colon else 0
        if block:
            start = rule_above(texts, index)
            _rest(lines, start, index + block, "quoted", "header_block")
            return
        notes = notes_block(texts, index) if colon else None
        if notes is not None:
            start = rule_above(texts, notes[0])
            _rest(lines, start, notes[1], "quoted", "notes_header")
            return
        width = _attribution_at(lines, index) if any(ends[index : index + _MOST_WINDOW]) else 0
        if width:
            for member in lines[index : index + width]:
                member.mark("header", "attribution")
            after = _next(lines, index + width)
            if after is not None and not _is_quoted(lines[after]) and not _quoted_below(lines, after):
                _rest(lines, index, index + width, "quoted", "attribution")
                return
            index += width
            continue
        index += 1
    _join_wrapped(lines)


def _mark_hinted(lines: Sequence[Line]) -> None:
    """Mark by the containers of the HTML."""
    for index, line in enumerate(lines):
        mark, _, name = line.hint.partition(":")
        if mark in {"quote", "gmail"}:
            forwarded = "forward" in name.lower()
            line.mark("forwarded" if forwarded else "quoted", f"html_{name}")
        elif mark == "cut":
            line.mark("quoted", f"html_{name}")
        elif mark == "attribution":
            line.mark("header", f"html_{name}")
        elif mark == "rule" and line.kind == "own" and (index == 0 or not lines[index - 1].hint.startswith("rule")):
            _mark_below_rule(lines, index)
    for index, line in enumerate(lines):
        if line.kind == "quoted" and line.rule == "html_gmail_quote" and separator(line.text) == "forwarded":
            for member in lines[index:]:
                if member.kind == "quoted":
                    member.mark("forwarded", member.rule)
            break


def _mark_below_rule(lines: Sequence[Line], at: int) -> None:
    """Outlook draws a line above the header of what it quotes; the labels may be in any language."""
    head = [line for line in lines[at : at + 10] if line.hint.startswith("rule") and not line.blank][:6]
    labelled = [line for line in head if 0 < line.text.find(":") <= 24 or 0 < line.text.find("：") <= 24]
    known = [line for line in labelled if label(line.text)]
    if len(labelled) >= 3 or len(known) >= 2:
        for line in lines[at:]:
            line.mark("header" if line in labelled else "quoted", "html_outlook_rule")


def _rest(lines: Sequence[Line], start: int, body: int, kind: PartKind, rule: str) -> None:
    """Mark all from *start* on: the header up to *body*, then the message."""
    for line in lines[start:body]:
        if line.kind in {"own", "header"}:
            line.mark("header", rule)
    for line in lines[body:]:
        if line.kind == "own":
            line.mark(kind, rule)


def _attribution_at(lines: Sequence[Line], index: int) -> int:
    """Return how many lines from *index* on are an attribution; 0 for none."""
    window: list[str] = []
    for width in range(1, _MOST_WINDOW + 1):
        at = index + width - 1
        if at >= len(lines):
            return 0
        line = lines[at]
        if line.blank or line.depth or line.kind != "own" or len(line.text) > _MOST_WINDOW * 100:
            return 0
        window.append(line.text)
        text = line.text
        if not _may_end_attribution(text):
            continue
        if width > 1 and separator(text) is not None:
            return 0  # it says all by itself
        after = _next(lines, at + 1)
        quoted = after is not None and _is_quoted(lines[after])
        if attribution(window, quoted):
            return 0 if _starts_later(window, quoted) else width
        if _GLUED.search(bare(text)):
            return 0
    return 0


def _starts_later(window: Sequence[str], quoted: bool) -> bool:
    """The first lines may be the author's own: the attribution starts with the last line that has its date."""
    return any(dated(window[at]) and attribution(window[at:], quoted) for at in range(1, len(window)))


def _may_end_attribution(text: str) -> bool:
    """Return whether a line ends as the head of a quote does: in a colon, or in a verb without one."""
    return text.rstrip("*_ \t").endswith((":", "：", "wrote", "écrit", "написал", "写道", "寫道", "のメール", ">"))


def _next(lines: Sequence[Line], index: int) -> int | None:
    """Return the next line that is not blank."""
    return next((i for i in range(index, len(lines)) if not lines[i].blank), None)


def _is_quoted(line: Line) -> bool:
    return line.depth > 0 or line.kind in {"quoted", "forwarded"}


def _quoted_below(lines: Sequence[Line], index: int) -> bool:
    """Return whether quote marks follow within the next lines: the text before them is a wrapped attribution."""
    return any(_is_quoted(line) for line in lines[index : index + 3])


def _join_wrapped(lines: Sequence[Line]) -> None:
    """A long quoted line that some program wrapped leaves its last words without a mark: they are quoted too."""
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if (
            line.kind == "own"
            and not line.blank
            and before.rule == "quote_mark"
            and after.depth
            and len(before.text) >= _COLUMNS
            and len(line.text) <= _COLUMNS // 2
        ):
            line.mark("quoted", "quote_wrapped")
