"""Entities and masking of texts that are not stored: the lines of a JSONL file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from textcrm.entities import EntityRecogniser
from textcrm.entities.mask import Masker
from textcrm.records import EntitySpan

BATCH_LINES = 256
# Each round masks at least one more entity, or ends; real texts are done after two.
MAX_ROUNDS = 12


class Line(NamedTuple):
    """What became of one line: its text and entities, or why there are none."""

    place: int
    text: str
    entities: tuple[EntitySpan, ...]
    error: str | None = None


def entities_of(lines: Iterable[str], recogniser: EntityRecogniser) -> Iterator[Line]:
    """Yield one result a line, in order; a line that cannot be read yields its error, and the rest goes on.

    A line is a JSON object with a ``text``, and perhaps a ``language`` (ISO 639-1): spaCy reads only English.
    """
    for batch in _batches(lines):
        good = [row for row in batch if row.error is None]
        found = iter(_recognise(recogniser, good))
        for row in batch:
            entities = () if row.error else next(found)
            yield Line(row.place, row.text, entities, row.error)


def masked(lines: Iterable[str], recogniser: EntityRecogniser, masker: Masker) -> Iterator[Line]:
    """Yield one masked text a line, in order, as :func:`entities_of` does."""
    for batch in _batches(lines):
        good = [row for row in batch if row.error is None]
        texts = mask_texts([row.text for row in good], recogniser, masker, languages=[row.language for row in good])
        done = iter(texts)
        for row in batch:
            text, entities = ("", ()) if row.error else next(done)
            yield Line(row.place, text, entities, row.error)


def mask_texts(
    texts: Sequence[str],
    recogniser: EntityRecogniser,
    masker: Masker,
    *,
    languages: Sequence[str] | None = None,
) -> list[tuple[str, tuple[EntitySpan, ...]]]:
    """Mask *texts* until nothing more is found in them.

    A name that is gone changes how the model reads the rest, so each masked text is read again: what comes out is
    what another masking would leave as it is.
    """
    codes = list(languages or ["en"] * len(texts))
    results: list[tuple[str, tuple[EntitySpan, ...]]] = [(text, ()) for text in texts]
    open_ = list(range(len(texts)))
    for _ in range(MAX_ROUNDS):
        if not open_:
            break
        found = recogniser.recognise([results[i][0] for i in open_], languages=[codes[i] for i in open_])
        changed = []
        for index, entities in zip(open_, found, strict=True):
            before, marks = results[index]
            known = [m for m in marks if masker.action(m.label) != "keep"]
            results[index] = masker.mask(before, entities, already=known)
            if results[index][0] != before:
                changed.append(index)
        open_ = changed
    return results


class _Row(NamedTuple):
    place: int
    text: str
    language: str
    error: str | None


def _batches(lines: Iterable[str]) -> Iterator[list[_Row]]:
    rows = (_row(place, line) for place, line in enumerate(lines, start=1))
    while batch := list(islice(rows, BATCH_LINES)):
        yield batch


def _row(place: int, line: str) -> _Row:
    try:
        value: Any = json.loads(line)
    except ValueError:
        return _Row(place, "", "en", "not JSON")
    except RecursionError:
        return _Row(place, "", "en", "JSON nested too deeply")
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return _Row(place, "", "en", "no object with a text")
    language = value.get("language")
    return _Row(place, value["text"], language if isinstance(language, str) else "en", None)


def _recognise(recogniser: EntityRecogniser, rows: Sequence[_Row]) -> list[tuple[EntitySpan, ...]]:
    return recogniser.recognise([row.text for row in rows], languages=[row.language for row in rows])
