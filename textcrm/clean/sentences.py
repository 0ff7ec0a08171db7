"""Sentences of a cleaned text, as spans."""

from __future__ import annotations

import re

# a mark that ends a sentence, its closing quotes, then a blank; or a blank line; or a list item on a line of its own
_END = re.compile(r"[.!?…]{1,8}[\"')\]»”’]{0,3}(?=\s)|[。！？]{1,8}|\n(?=\s{0,8}(?:\n|[-*•]\s|\d{1,2}[.)]\s))")
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|no|nr|st|vs|etc|e\.g|i\.e|approx|inc|ltd|co|z\.b|bzw|usw)|\b[A-Za-z])\.$", re.I
)
LEAST_LETTERS = 8


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences of *text*, trimmed, in order.

    A stretch with fewer than `LEAST_LETTERS` letters ("Hi!", "Thanks.") goes to the sentence after it, or at the end
    to the one before: alone it says nothing.
    """
    cuts = [m.end() for m in _END.finditer(text) if not _ABBREVIATION.search(text[max(0, m.end() - 8) : m.end()])]
    spans: list[tuple[int, int]] = []
    start = 0
    for cut in [*cuts, len(text)]:
        if sum(map(str.isalpha, text[start:cut])) >= LEAST_LETTERS:
            spans.append((start, cut))
            start = cut
    if start < len(text) and text[start:].strip():
        if spans:
            spans[-1] = (spans[-1][0], len(text))
        else:
            spans.append((start, len(text)))
    return [_trim(text, *span) for span in spans]


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
