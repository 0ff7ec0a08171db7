"""Masks entities: keep, redact, partial, pseudonym.

A masked text holds marks: ``[PERSON]``, ``[PERSON_q3x5...]`` (a pseudonym), ``****1234`` (partial). Marks are known
again, so that masking a masked text changes nothing. What was masked once is masked wherever it stands in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, cast, get_args

from textcrm.entities.pseudonym import TOKEN_CHARS, PseudonymKeys
from textcrm.errors import UsageError
from textcrm.records import EntitySpan

Action = Literal["keep", "redact", "partial", "pseudonym"]
ACTIONS: tuple[Action, ...] = get_args(Action)

_PERSONAL = (
    "PERSON", "ADDRESS", "EMAIL", "PHONE", "IP", "IBAN", "CARD", "NATIONAL_ID", "TAX_ID", "HANDLE", "TERM",
    "CUSTOMER_NUMBER", "AGE",
)  # fmt: skip
# What each use keeps from whom; "*" is for every label that is not named.
Purpose = Literal["storage", "answers", "export", "logs"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
POLICIES: dict[Purpose, dict[str, Action]] = {
    "storage": {"CARD": "partial", "*": "keep"},
    "answers": {"CARD": "partial", "IBAN": "partial", "NATIONAL_ID": "redact", "TAX_ID": "redact", "*": "keep"},
    "export": {**dict.fromkeys(_PERSONAL, "redact"), "URL": "redact", "*": "keep"},
    "logs": {"*": "redact"},
}
_MARK = re.compile(
    rf"\[[A-Z][A-Z_]{{1,23}}(?:_[a-z2-7]{{{TOKEN_CHARS}}})?\]|(?<!\*)\*{{4}}(?!\*)[A-Za-z0-9]{{0,4}}(?![A-Za-z0-9])"
)
_TOKEN = re.compile(rf"\[([A-Z][A-Z_]{{1,23}}?)(?:_[a-z2-7]{{{TOKEN_CHARS}}})?\]")


class _Piece(NamedTuple):
    start: int
    end: int
    label: str
    span: EntitySpan | None


class Edit(NamedTuple):
    """``before[start:end]`` stands at ``[new_start, new_end)`` in the masked text."""

    start: int
    end: int
    new_start: int
    new_end: int


class Masked(NamedTuple):
    """A masked text, its entities (those kept, and the marks), and what was replaced, ascending."""

    text: str
    entities: tuple[EntitySpan, ...]
    edits: tuple[Edit, ...]


class Masker:
    """Masks the entities of texts by a policy.

    Parameters
    ----------
    policy
        Action by label; ``*`` stands for the labels that are not named, which are else kept.
    keys
        Needed for the action ``pseudonym``.

    Raises
    ------
    UsageError
        An action is unknown, or pseudonyms are asked for without keys.
    """

    def __init__(self, policy: Mapping[str, str], *, keys: PseudonymKeys | None = None) -> None:
        for label, action in policy.items():
            if action not in ACTIONS:
                raise UsageError(f"There is no action {action[:32]!r} for {label[:32]!r}", options=ACTIONS)
        if keys is None and "pseudonym" in policy.values():
            raise UsageError("Pseudonyms need keys", hint="Name a folder for them with --keys.")
        self._policy = dict(policy)
        self._keys = keys

    def action(self, label: str) -> Action:
        """Return what is done with *label*."""
        return cast(Action, self._policy.get(label, self._policy.get("*", "keep")))

    @property
    def hidden(self) -> frozenset[str]:
        """The labels that are not kept; ``*`` among them where unnamed labels are not."""
        return frozenset(label for label, action in self._policy.items() if action != "keep")

    def mask(
        self, text: str, entities: Sequence[EntitySpan], *, already: Sequence[EntitySpan] = ()
    ) -> tuple[str, tuple[EntitySpan, ...]]:
        """Mask *entities* in *text*.

        Parameters
        ----------
        text
            The text, perhaps masked before.
        entities
            Its entities, in any order; where they overlap, the first counts.
        already
            Marks in *text* whose labels are known from an earlier round; they are reported again at their new places.

        Returns
        -------
        tuple
            The masked text, and its entities: those kept, and the marks, whose ``value`` is None.
        """
        return self.apply(text, entities, already=already)[:2]

    def apply(self, text: str, entities: Sequence[EntitySpan], *, already: Sequence[EntitySpan] = ()) -> Masked:
        """Mask as :meth:`mask` does, and say what was replaced, so that other offsets can follow."""
        marks = [match.span() for match in _MARK.finditer(text)]
        known = {(span.start, span.end): span for span in already}
        pieces = self._pieces(text, entities, marks)
        taken = _painted(text, ((p.start, p.end) for p in pieces if p.span is None or self._hides(p)))
        for start, end in marks:
            if 1 not in taken[start:end]:
                pieces.append(_Piece(start, end, "", known.get((start, end)) or _as_entity(text, start, end)))
        return self._write(text, sorted(pieces), set(marks))

    def replacement(self, label: str, value: str) -> str:
        """Return what stands in place of *value*, which is of *label* as a whole."""
        return value if self.action(label) == "keep" else self._replacement(label, None, value)

    def _hides(self, piece: _Piece) -> bool:
        return self.action(piece.label) != "keep"

    def _pieces(self, text: str, entities: Sequence[EntitySpan], marks: Sequence[tuple[int, int]]) -> list[_Piece]:
        marked = _painted(text, marks)
        pieces: list[_Piece] = []
        hidden: dict[str, str] = {}
        for span in sorted(entities, key=lambda s: (s.start, -s.end)):
            start, end = span.start, span.end
            if self.action(span.label) != "keep":
                if not any(c.isalnum() and not m for c, m in zip(text[start:end], marked[start:end], strict=True)):
                    continue
                hidden.setdefault(text[start:end], span.label)
                start, end = _cover(start, end, marks)
            elif 1 in marked[start:end]:
                continue
            if pieces and start < pieces[-1].end:
                # A hidden span wins over a kept one, and swallows what it overlaps.
                last = pieces[-1]
                if not self._hides(last):
                    if self.action(span.label) == "keep":
                        continue
                    pieces.pop()
                    pieces.append(_Piece(start, end, span.label, span))
                elif self.action(span.label) != "keep":
                    pieces[-1] = last._replace(end=max(end, last.end))
                continue
            pieces.append(_Piece(start, end, span.label, span))
        return self._with_echoes(text, pieces, hidden, marks)

    def _with_echoes(
        self, text: str, pieces: list[_Piece], hidden: Mapping[str, str], marks: Sequence[tuple[int, int]]
    ) -> list[_Piece]:
        """Add the other places where a hidden text stands; where it is part of a word, the whole word."""
        busy = _painted(text, [*((p.start, p.end) for p in pieces if self._hides(p)), *marks])
        echoed = bytearray(len(text))
        found: list[_Piece] = []
        for needle in sorted(hidden, key=lambda t: (-len(t), t)):
            for start, end in _occurrences(text, needle):
                if 1 not in busy[start:end]:
                    found.append(_Piece(start, end, hidden[needle], None))
                    busy[start:end] = echoed[start:end] = b"\1" * (end - start)
        return [p for p in pieces if self._hides(p) or 1 not in echoed[p.start : p.end]] + found

    def _write(self, text: str, pieces: Sequence[_Piece], marks: set[tuple[int, int]]) -> Masked:
        parts: list[str] = []
        edits: list[Edit] = []
        spans: list[EntitySpan] = []
        position = length = 0
        for piece in pieces:
            parts.append(text[position : piece.start])
            length += piece.start - position
            is_mark = (piece.start, piece.end) in marks
            hide = not is_mark and self._hides(piece)
            body = text[piece.start : piece.end]
            shown = self._replacement(piece.label, piece.span, body) if hide else body
            label = piece.label or (piece.span.label if piece.span else "MASKED")
            spans.append(
                EntitySpan(
                    start=length,
                    end=length + len(shown),
                    label=label,
                    text=shown,
                    source=piece.span.source if piece.span else "mask",
                    score=piece.span.score if piece.span else 1.0,
                    value=piece.span.value if piece.span and not hide and not is_mark else None,
                )
            )
            if hide:
                edits.append(Edit(piece.start, piece.end, length, length + len(shown)))
            parts.append(shown)
            length += len(shown)
            position = piece.end
        parts.append(text[position:])
        return Masked("".join(parts), tuple(spans), tuple(edits))

    def _replacement(self, label: str, span: EntitySpan | None, body: str) -> str:
        action = self.action(label)
        name = re.sub(r"[^A-Z_]", "_", label.upper())[:24].strip("_") or "MASKED"
        if action == "pseudonym" and self._keys:
            whole = span is not None and span.text == body
            value = span.value if whole and span and span.value else " ".join(body.split()).casefold()
            return f"[{name}_{self._keys.token(label, value)}]"
        if action == "partial":
            signs = "".join(c for c in body if c.isascii() and c.isalnum())
            # Fewer than eight signs would give away half of them.
            return "****" + (signs[-4:] if len(signs) >= 8 else "")
        return f"[{name}]"


def _as_entity(text: str, start: int, end: int) -> EntitySpan:
    match = _TOKEN.fullmatch(text[start:end])
    label = match[1] if match else "MASKED"
    return EntitySpan(start=start, end=end, label=label, text=text[start:end], source="mask", score=1.0)


def _painted(text: str, spans: Iterable[tuple[int, int]]) -> bytearray:
    """Return a byte a character: 1 inside a span."""
    painted = bytearray(len(text))
    for start, end in spans:
        painted[start:end] = b"\1" * (end - start)
    return painted


def _cover(start: int, end: int, marks: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Widen ``[start, end)`` to whole marks; *marks* ascend."""
    for place in range(max(0, bisect_right(marks, (start,)) - 1), len(marks)):
        mark_start, mark_end = marks[place]
        if mark_start >= end:
            break
        if mark_end > start:
            start, end = min(start, mark_start), max(end, mark_end)
    return start, end


def _occurrences(text: str, needle: str) -> Iterator[tuple[int, int]]:
    """Yield where *needle* stands in *text*, widened to whole words; below three signs, only as a word of its own."""
    at = text.find(needle)
    while at >= 0:
        start, end = at, at + len(needle)
        while start > 0 and text[start - 1].isalnum() and needle[0].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum() and needle[-1].isalnum():
            end += 1
        if len(needle) > 2 or end - start == len(needle):
            yield start, end
        at = text.find(needle, max(end, at + 1))
