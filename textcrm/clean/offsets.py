"""Text that knows where each of its characters came from."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from textcrm.records import OffsetMap

Segment = tuple[int, int, int]
"""Clean start, raw start, raw end: as in ``records.OffsetMap``."""


class Mapped:
    """A text and its segments. Immutable once made; made by ``Builder``."""

    __slots__ = ("segments", "text")

    def __init__(self, text: str, segments: list[Segment]) -> None:
        self.text = text
        self.segments = segments

    @classmethod
    def verbatim(cls, text: str, raw_start: int = 0) -> Mapped:
        """Return *text* as it stands in the original at *raw_start*."""
        return cls(text, [(0, raw_start, raw_start + len(text))] if text else [])

    def to_map(self) -> OffsetMap:
        """Return the record form."""
        return OffsetMap(segments=tuple(self.segments), length=len(self.text))

    def sub(self, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> Mapped:
        """Return the text with each match of *pattern* replaced; offsets still lead to the original."""
        builder = Builder()
        position = 0
        for match in pattern.finditer(self.text):
            new = replace(match)
            if new == match[0]:
                continue
            builder.copy(self, position, match.start())
            builder.replace(self, match.start(), match.end(), new)
            position = match.end()
        if position == 0:
            return self
        builder.copy(self, position, len(self.text))
        return builder.done()

    def cut(self, start: int, end: int) -> Mapped:
        """Return the stretch ``[start, end)``."""
        if start == 0 and end >= len(self.text):
            return self
        builder = Builder()
        builder.copy(self, start, min(end, len(self.text)))
        return builder.done()

    def stripped(self) -> Mapped:
        """Return the text without blanks at its ends."""
        start = len(self.text) - len(self.text.lstrip())
        return self.cut(start, max(start, len(self.text.rstrip())))


class Builder:
    """Puts a mapped text together from stretches of the original or of other mapped texts."""

    __slots__ = ("_pieces", "_segments", "length")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._segments: list[Segment] = []
        self.length = 0

    def add(self, text: str, raw_start: int, raw_end: int) -> None:
        """Append *text*, which came from ``raw[raw_start:raw_end]``; one to one where the lengths agree."""
        if not text:
            return
        if self._segments:
            start, before, end = self._segments[-1]
            straight = self.length - start == end - before
            if straight and end == raw_start and len(text) == raw_end - raw_start:
                self._segments[-1] = (start, before, raw_end)
                self._pieces.append(text)
                self.length += len(text)
                return
        self._segments.append((self.length, raw_start, raw_end))
        self._pieces.append(text)
        self.length += len(text)

    def copy(self, source: Mapped, start: int, end: int) -> None:
        """Append ``source.text[start:end]`` with its origins."""
        if start >= end:
            return
        segments = source.segments
        if len(segments) == 1 and segments[0][2] - segments[0][1] == len(source.text):
            raw_start = segments[0][1]  # as it stands in the original
            self.add(source.text[start:end], raw_start + start, raw_start + min(end, len(source.text)))
            return
        index = max(0, bisect_right(segments, start, key=_clean_start) - 1)
        while index < len(segments) and segments[index][0] < end:
            clean, raw_start, raw_end = segments[index]
            after = segments[index + 1][0] if index + 1 < len(segments) else len(source.text)
            low, high = max(start, clean), min(end, after)
            if after - clean == raw_end - raw_start:
                raw_start, raw_end = raw_start + low - clean, raw_start + high - clean
            self.add(source.text[low:high], raw_start, raw_end)
            index += 1

    def replace(self, source: Mapped, start: int, end: int, text: str) -> None:
        """Append *text* in place of ``source.text[start:end]``."""
        raw_start, raw_end = _raw(source, start, end)
        self.add(text, raw_start, raw_end)

    def done(self) -> Mapped:
        """Return what was built."""
        return Mapped("".join(self._pieces), self._segments)


def _clean_start(segment: Segment) -> int:
    return segment[0]


def _raw(source: Mapped, start: int, end: int) -> tuple[int, int]:
    piece = Builder()
    piece.copy(source, start, end)
    segments = piece.done().segments
    return (segments[0][1], segments[-1][2]) if segments else (0, 0)
