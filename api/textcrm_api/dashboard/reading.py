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
    "closing": "Closing",
    "header": "Header",
    "footer": "Footer",
    "device": "Device line",
}
STRONG = 0.12


@dataclass(frozen=True)
class Fold:
    """A part that is not the author's own new text. ``title`` is what it is called, ``rule`` what found it."""

    title: str
    rule: str
    text: str


@dataclass(frozen=True)
class Reason:
    """Why the model of one task answers as it does; ``words`` are marks on the own text, ``subject`` on the subject."""

    task: str
    words: tuple[dict[str, Any], ...]
    subject: tuple[dict[str, Any], ...]
    lost: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Reading:
    """What the page of a message shows of its text."""

    text: str
    entities: tuple[dict[str, Any], ...]
    folds: tuple[Fold, ...]
    reasons: tuple[Reason, ...]
    silent: str


def read(message: Message, insight: Insight, engine: Engine | None) -> Reading:
    """Return the author's own text with its marks, and the parts to fold.

    The text that is shown is the one that the models read; entities come from the text as received and are mapped.
    """
    clean = _cleaned(message, insight, engine)
    reasons, silent = _reasons(message, insight, engine)
    return Reading(
        text=insight.clean,
        entities=tuple(_entities(insight, clean)),
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


def _entities(insight: Insight, clean: CleanText | None) -> list[dict[str, Any]]:
    marks = []
    at = 0
    for entity in insight.entities:
        span = to_clean(clean.offsets, entity.start, entity.end) if clean else None
        if span is None:  # its words tell where it is
            found = insight.clean.find(entity.text, at) if entity.text else -1
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


def _reasons(message: Message, insight: Insight, engine: Engine | None) -> tuple[list[Reason], str]:
    if engine is None:
        return [], "No models are loaded, so there are no reasons to show."
    if not insight.language.supported and insight.language.code != "und":
        return [], "The models do not read this language."
    try:
        said = [engine.explain(message, task=prediction.task) for prediction in insight.predictions]
    except TextcrmError as error:
        return [], str(error)
    return [_reason(one, message, insight) for one in said], ""


def _reason(said: Explanation, message: Message, insight: Insight) -> Reason:
    subject = (message.subject or "").strip()
    body_at = len(subject) + 2 if subject and not insight.clean.startswith(subject) else 0
    marks: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for word in said.words:
        in_body = word.start >= body_at
        css = ("for" if word.weight > 0 else "against") + (" strong" if abs(word.weight) >= STRONG else "")
        shift = body_at if in_body else 0
        marks[in_body].append(
            {"start": word.start - shift, "end": word.end - shift, "css": css, "title": f"{word.weight * 100:+.0f}"}
        )
    return Reason(said.task, tuple(marks[True]), tuple(marks[False]), said.lost, said.examples)
