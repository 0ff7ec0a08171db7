"""Countable cues of a text: what a person counts at a glance, as numbers for the forest.

References
----------
Hutto, Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text (the lexicon
and its polarity figures).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.shared import once

MAX_CHARS = 2_000

NAMES = (
    "vader_negative",
    "vader_neutral",
    "vader_positive",
    "vader_compound",
    "last_compound",
    "lowest_compound",
    "highest_compound",
    "words",
    "exclamations",
    "questions",
    "shouting",
    "negations",
    "contrast",
    "request",
    "hurry",
    "digits",
    "smile",
    "frown",
)

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE = re.compile(r"[.!?\n]+")
_NEGATION = frozenset(
    "not no never none nothing nobody neither nor cannot without hardly barely isn't wasn't aren't weren't don't "
    "doesn't didn't won't wouldn't can't couldn't shouldn't haven't hasn't hadn't ain't".split()
)
_CONTRAST = frozenset("but however although though yet except unfortunately otherwise still instead".split())
_REQUEST = frozenset("please could can would how what when where why who which help need want wondering".split())
_HURRY = frozenset(
    "urgent urgently asap immediately now today tonight tomorrow emergency deadline hours stranded critical "
    "straight quickly".split()
)
_SMILE = (":)", ":-)", ":d", ";)", "<3", "😀", "😊", "😍", "👍", "❤", "🎉", "🙏", "🥰", "😁", "💯")
_FROWN = (":(", ":-(", ":'(", ":/", "😡", "😠", "😞", "😢", "👎", "💔", "🤬", "😤", "🙄", "😭", "😒")


@lru_cache(maxsize=1)
def _analyser() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def cues(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the cues of each text, of shape (n, len(NAMES)); beyond `MAX_CHARS` characters a text is not read."""
    return once(texts, "cues", lambda: _table(texts))


def _table(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([_cues(text[:MAX_CHARS]) for text in texts], dtype=np.float32).reshape(len(texts), len(NAMES))


def _cues(text: str) -> tuple[float, ...]:
    analyser = _analyser()
    whole = analyser.polarity_scores(text)
    sentences = [part for part in _SENTENCE.split(text) if any(char.isalpha() for char in part)][:20]
    if len(sentences) > 1:
        compounds = [analyser.polarity_scores(part)["compound"] for part in sentences]
    else:
        compounds = [whole["compound"]]
    words = _WORD.findall(text)
    lower = [word.lower().replace("’", "'") for word in words]
    low = text.lower()
    shouted = sum(len(word) > 2 and word.isupper() for word in words)
    return (
        whole["neg"],
        whole["neu"],
        whole["pos"],
        whole["compound"],
        compounds[-1],
        min(compounds),
        max(compounds),
        float(np.log1p(len(words))),
        min(text.count("!"), 5),
        min(text.count("?"), 5),
        shouted / max(1, len(words)),
        sum(word in _NEGATION for word in lower),
        sum(word in _CONTRAST for word in lower),
        sum(word in _REQUEST for word in lower),
        sum(word in _HURRY for word in lower),
        min(sum(char.isdigit() for char in text), 30),
        sum(mark in low for mark in _SMILE),
        sum(mark in low for mark in _FROWN),
    )
