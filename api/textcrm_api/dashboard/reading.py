"""A message as it is read at the desk: own text with entities and reasons marked, the rest folded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textcrm.errors import TextcrmError
from textcrm.records import CleanText, EntitySpan, Insight, Message, OffsetMap

if TYPE_CHECKING:
    from textcrm.classify.explain import Example, Explanation
    from textcrm.engine import Engine

FOLDED = {
    "quoted": "Quoted text",
    "forwarded": "Forwarded text",
    "signature": "Signature",
    "header": "Header",
    "footer": "Footer",
    "device": "Device line",
}
OWN = frozenset({"own", "closing"})
STRONG = 0.12


@dataclass(frozen=True)
class Fold:
    """A part that is not the author's own new text. ``title`` is what it is called, ``rule`` what found it."""

    title: str
    rule: str
    text: str


@dataclass(frozen=True)
class Reason:
    """Why the model of one task answers as it does; ``words`` are marks on the own text, ``subject`` on the subject.

    ``now`` is what the model would answer today, where that differs from what is stored.
    """

    task: str
    words: tuple[dict[str, Any], ...]
    subject: tuple[dict[str, Any], ...]
    lost: str
    second: str
    now: str | None
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Reading:
    """What the page of a message shows of its text."""

    text: str
    entities: tuple[dict[str, Any], ...]
    folds: tuple[Fold, ...]
    reasons: tuple[Reason, ...]
    silent: str


@dataclass(frozen=True)
class Shown:
    """The text that is shown, and where its pieces stand in the text as received: shown start, raw start, raw end.

    HTML is shown as it was cleaned; then there are no pieces.
    """

    text: str
    pieces: tuple[tuple[int, int, int], ...]

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where the raw span ``[start, end)`` is shown; None where it is not, or not in one piece."""
        for at, raw_start, raw_end in self.pieces:
            if raw_start <= start and end <= raw_end:
                return at + start - raw_start, at + end - raw_start
        return None


def shown_text(message: Message, insight: Insight) -> Shown:
    """Return the author's own new text as the customer wrote it; that of HTML as it was cleaned."""
    if message.content_type == "text/html" or not insight.parts or "truncated" in insight.flags:
        return Shown(insight.clean, ())
    whole = "nothing_left" in insight.flags
    text, pieces = "", []
    for part in insight.parts:
        if part.kind not in OWN and not whole:
            continue
        start, end = part.start, part.end
        if not text:  # blank lines at the top would only push the text down
            start += len(message.text[start:end]) - len(message.text[start:end].lstrip())
        if start < end:
            pieces.append((len(text), start, end))
            text += message.text[start:end]
    return Shown(text.rstrip(), tuple(pieces))


def read(message: Message, insight: Insight, engine: Engine | None) -> Reading:
    """Return the author's own text with its marks, and the parts to fold."""
    clean = _cleaned(message, insight, engine)
    shown = shown_text(message, insight)
    reasons, silent = _reasons(message, insight, engine, shown, clean)
    return Reading(
        text=shown.text,
        entities=tuple(_entities(insight, shown, clean)),
        folds=tuple(_folds(message, insight, clean)),
        reasons=tuple(reasons),
        silent=silent,
    )


def to_clean(offsets: OffsetMap, start: int, end: int) -> tuple[int, int] | None:
    """Return where the span ``[start, end)`` of the original is in the clean text; None where it is not in it."""
    starts = [segment[1] for segment in offsets.segments]
    if starts != sorted(starts):
        return None
    first, last = _place(offsets, starts, start), _place(offsets, starts, max(start, end - 1))
    return (first, last + 1) if first is not None and last is not None and last >= first else None


def _place(offsets: OffsetMap, starts: Sequence[int], position: int) -> int | None:
    index = bisect_right(starts, position) - 1
    if index < 0:
        return None
    clean_start, raw_start, raw_end = offsets.segments[index]
    if position >= raw_end:
        return None
    following = offsets.segments[index + 1][0] if index + 1 < len(offsets.segments) else offsets.length
    if following <= clean_start:
        return None
    return clean_start + min(position - raw_start, following - clean_start - 1)


def _cleaned(message: Message, insight: Insight, engine: Engine | None) -> CleanText | None:
    """Return the cleaned text with its offsets, if it is still the one that the insight was made from."""
    if engine is None or message.channel not in engine.lines:
        return None
    clean = engine.lines[message.channel].cleaner.clean(message)
    return clean if clean.text == insight.clean else None


def _entities(insight: Insight, shown: Shown, clean: CleanText | None) -> list[dict[str, Any]]:
    marks = []
    at = 0
    for entity in insight.entities:
        if shown.pieces:
            span = shown.place(entity.start, entity.end)
        else:
            span = to_clean(clean.offsets, entity.start, entity.end) if clean else None
            if span is None:  # its words tell where it is
                found = shown.text.find(entity.text, at) if entity.text else -1
                span = (found, found + len(entity.text)) if found >= 0 else None
        if span is not None:
            marks.append({"start": span[0], "end": span[1], "css": "entity", "title": _said(entity)})
            at = span[0]
    return marks


def _said(entity: EntitySpan) -> str:
    kind = entity.label.replace("_", " ").capitalize()
    return f"{kind}: {entity.value}" if entity.value and entity.value != entity.text else kind


def _folds(message: Message, insight: Insight, clean: CleanText | None) -> list[Fold]:
    if message.content_type == "text/html":  # parts are stretches of HTML source; their cleaned texts are readable
        if clean is None:
            return []
        given = (("quoted", clean.quoted), ("signature", "\n".join(filter(None, (clean.closing, clean.signature)))))
        return [Fold(FOLDED[kind], "", text) for kind, text in given if text.strip()]
    folds: list[Fold] = []
    for part in insight.parts:
        text = message.text[part.start : part.end].strip("\r\n")
        if part.kind not in FOLDED or not text.strip():
            continue
        if folds and folds[-1].title == FOLDED[part.kind]:
            folds[-1] = Fold(folds[-1].title, folds[-1].rule, f"{folds[-1].text}\n{text}")
        else:
            folds.append(Fold(FOLDED[part.kind], part.rule, text))
    return folds


def _reasons(
    message: Message, insight: Insight, engine: Engine | None, shown: Shown, clean: CleanText | None
) -> tuple[list[Reason], str]:
    if engine is None:
        return [], "No models are loaded, so there are no reasons to show."
    if clean is None:
        return [], "The message was analysed by another version; run textcrm analyse --all to see reasons."
    if not insight.language.supported and insight.language.code != "und":
        return [], "The models do not read this language."
    reasons, silent = [], ""
    for prediction in insight.predictions:
        try:
            said = engine.explain(message, task=prediction.task)
        except TextcrmError as error:
            silent = str(error)
            continue
        reasons.append(_reason(said, message, clean, shown, stored=prediction.label))
    return reasons, silent


def _reason(said: Explanation, message: Message, clean: CleanText, shown: Shown, *, stored: str) -> Reason:
    subject = (message.subject or "").strip()
    body_at = len(subject) + 2 if subject and not clean.text.startswith(subject) else 0
    words: list[dict[str, Any]] = []
    in_subject: list[dict[str, Any]] = []
    for word in said.words:
        css = ("for" if word.weight > 0 else "against") + (" strong" if abs(word.weight) >= STRONG else "")
        mark = {"css": css, "title": f"{word.weight * 100:+.0f}"}
        if word.start < body_at:
            in_subject.append({"start": word.start, "end": word.end, **mark})
            continue
        span: tuple[int, int] | None = (word.start - body_at, word.end - body_at)
        if shown.pieces and span is not None:
            span = shown.place(*clean.offsets.to_raw(*span))
        if span is not None:
            words.append({"start": span[0], "end": span[1], **mark})
    now = said.label if said.label != stored else None
    return Reason(said.task, tuple(words), tuple(in_subject), said.lost, said.second, now, said.examples)
