"""Matches the labels of a file with those of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textcrm.errors import UsageError

SENTIMENT = frozenset({"negative", "neutral", "positive"})
_SCALES: tuple[tuple[frozenset[str], Mapping[str, str]], ...] = (
    (frozenset("01"), {"0": "negative", "1": "positive"}),
    (frozenset({"-1", "1"}), {"-1": "negative", "1": "positive"}),
    (frozenset({"-1", "0", "1"}), {"-1": "negative", "0": "neutral", "1": "positive"}),
    (frozenset("04"), {"0": "negative", "4": "positive"}),
    (frozenset("024"), {"0": "negative", "2": "neutral", "4": "positive"}),
    (frozenset("012"), {"0": "negative", "1": "neutral", "2": "positive"}),
    (frozenset("12345"), {"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}),
    (frozenset("1245"), {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}),
)
_WORDS = {
    "neg": "negative",
    "pos": "positive",
    "neu": "neutral",
    "bad": "negative",
    "good": "positive",
    "false": "negative",
    "true": "positive",
}
FEW_LABELS = 5


@dataclass(frozen=True)
class Matched:
    """The labels of a file in the words of a model.

    ``mapped`` says what was translated. ``among`` are the labels that the model may answer with, where that is not
    all; ``why`` says why.
    """

    gold: tuple[tuple[str, ...], ...]
    mapped: dict[str, str]
    among: tuple[str, ...] | None
    why: str = ""


def match_labels(
    gold: Sequence[Sequence[str]],
    known: Sequence[str],
    *,
    mapping: Mapping[str, str] | None = None,
    among: Sequence[str] | None = None,
) -> Matched:
    """Translate the labels *gold* of a file to the labels *known* to a model.

    A *mapping* given by the user is followed. Otherwise labels that differ by case, and for a model of sentiment the
    usual scales (0 and 1, -1 to 1, stars, pos and neg), are translated. A model of few labels is asked to choose
    *among* those that occur in the file where some never do: a file of negative and positive texts asks for the sign.

    Raises
    ------
    UsageError
        *mapping* or *among* names a label that the model does not know.
    """
    for name in {*(mapping or {}).values(), *(among or ())}:
        if name not in known:
            raise UsageError("the model has no label of that name", hint="Check --labels and --among.", options=known)
    seen = sorted({label for row in gold for label in row})
    mapped = dict(mapping) if mapping else _guess(seen, known)
    mapped = {label: name for label, name in mapped.items() if label in seen and label != name}
    translated = tuple(tuple(mapped.get(label, label) for label in row) for row in gold)
    occurring = tuple(label for label in known if any(label in row for row in translated))
    if among:
        return Matched(translated, mapped, tuple(label for label in known if label in among), "asked for")
    if 2 <= len(occurring) < len(known) <= FEW_LABELS and {x for row in translated for x in row} <= set(known):
        return Matched(translated, mapped, occurring, "only these labels occur in the file")
    return Matched(translated, mapped, None)


def _guess(seen: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    if set(seen) <= set(known):
        return {}
    folded = {_fold(name): name for name in known}
    guess = {label: folded[_fold(label)] for label in seen if _fold(label) in folded}
    if set(known) == SENTIMENT:
        plain = {
            label: label.strip().lower().removesuffix(".0").removesuffix(" stars").removesuffix(" star")
            for label in seen
        }
        for labels, scale in _SCALES:
            if set(plain.values()) <= labels and len(set(plain.values())) >= 2:
                return {label: scale[plain[label]] for label in seen}
        guess = {**{label: _WORDS[value] for label, value in plain.items() if value in _WORDS}, **guess}
    return guess


def _fold(label: str) -> str:
    return label.strip().lower().replace(" ", "_").replace("-", "_")
