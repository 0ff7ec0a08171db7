"""Masks entities: keep, redact, partial, pseudonym.

A masked text holds marks: ``[PERSON]``, ``[PERSON_q3x5...]`` (a pseudonym), ``****1234`` (partial). Marks are known
again, so that masking a masked text changes nothing. What was masked once is masked wherever it stands in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
POLICIES: dict[str, dict[str, Action]] = {
    "storage": {"CARD": "partial", "IBAN": "partial", "NATIONAL_ID": "redact", "*": "keep"},
    "export": {**dict.fromkeys(_PERSONAL, "redact"), "URL": "redact", "*": "keep"},
    "api": {"CARD": "partial", "IBAN": "partial", "NATIONAL_ID": "redact", "TAX_ID": "redact", "*": "keep"},
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
        marks = [match.span() for match in _MARK.finditer(text)]
        known = {(span.start, span.end): span for span in already}
        pieces = self._pieces(text, entities, marks)
        taken = [(piece.start, piece.end) for piece in pieces if piece.span is None or self._hides(piece)]
        for start, end in marks:
            if not any(s < end and start < e for s, e in taken):
                pieces.append(_Piece(start, end, "", known.get((start, end)) or _as_entity(text, start, end)))
        return self._write(text, sorted(pieces), set(marks))

    def _hides(self, piece: _Piece) -> bool:
        return self.action(piece.label) != "keep"

    def _pieces(self, text: str, entities: Sequence[EntitySpan], marks: Sequence[tuple[int, int]]) -> list[_Piece]:
        pieces: list[_Piece] = []
        hidden: dict[str, str] = {}
        for span in sorted(entities, key=lambda s: (s.start, -s.end)):
            start, end = span.start, span.end
            if self.action(span.label) != "keep":
                if not _outside(text, start, end, marks):
                    continue
                hidden.setdefault(text[start:end], span.label)
                start, end = _cover(start, end, marks)
            elif any(s < end and start < e for s, e in marks):
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
        """Add the other places where a hidden text stands as a word."""
        busy = [(p.start, p.end) for p in pieces if self._hides(p)] + list(marks)
        found: list[_Piece] = []
        for needle in sorted(hidden, key=lambda t: (-len(t), t)):
            for start in _occurrences(text, needle):
                end = start + len(needle)
                if not any(s < end and start < e for s, e in busy):
                    found.append(_Piece(start, end, hidden[needle], None))
                    busy.append((start, end))
        clear = [p for p in pieces if self._hides(p) or not any(f.start < p.end and p.start < f.end for f in found)]
        return clear + found

    def _write(
        self, text: str, pieces: Sequence[_Piece], marks: set[tuple[int, int]]
    ) -> tuple[str, tuple[EntitySpan, ...]]:
        parts: list[str] = []
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
            parts.append(shown)
            length += len(shown)
            position = piece.end
        parts.append(text[position:])
        return "".join(parts), tuple(spans)

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


def _outside(text: str, start: int, end: int, marks: Sequence[tuple[int, int]]) -> bool:
    """Say whether ``[start, end)`` holds a letter or digit that is no part of a mark."""
    inside = [(max(s, start), min(e, end)) for s, e in marks if s < end and start < e]
    position = start
    for s, e in inside:
        if any(c.isalnum() for c in text[position:s]):
            return True
        position = e
    return any(c.isalnum() for c in text[position:end])


def _cover(start: int, end: int, marks: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Widen ``[start, end)`` to whole marks."""
    for s, e in marks:
        if s < end and start < e:
            start, end = min(start, s), max(end, e)
    return start, end


def _occurrences(text: str, needle: str) -> Iterator[int]:
    """Yield where *needle* stands in *text* and does not begin or end inside a word."""
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        begins = at == 0 or not (text[at - 1].isalnum() and needle[0].isalnum())
        ends = end == len(text) or not (text[end].isalnum() and needle[-1].isalnum())
        if begins and ends:
            yield at
        at = text.find(needle, at + 1)
