"""Aspects: what customers praise and what they blame, each with a sentence that says so.

A sentence is read by the sentiment model that serves; the nouns in it (spaCy) are what it is about. An aspect is blamed
where more of its sentences are negative than of all sentences, by the lower bound of the share, and praised likewise.

References
----------
Hu, M., Liu, B. (2004). Mining and Summarizing Customer Reviews. KDD (nouns and noun pairs as aspects, sentences as
opinions). Wilson, E. B. (1927). Probable Inference, the Law of Succession, and Statistical Inference. JASA 22.
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING, Literal

from textcrm.clean.sentences import sentences
from textcrm.entities.spacy_ner import MODEL
from textcrm.errors import NotFoundError
from textcrm.store import Store

if TYPE_CHECKING:
    from spacy.language import Language as Nlp

    from textcrm.engine import Engine

MOST_MESSAGES = 2_000
MOST_SENTENCES = 8  # of one message
LONGEST = 400  # characters of a sentence
LEAST = 3  # messages that speak of an aspect
Z = 1.64
HALF = 0.5  # where most of all sentences are of one mood, most of an aspect is enough
NOT_ASPECTS = frozenset(
    "thank thanks hi hello team morning afternoon evening day time way thing lot bit one regard please week".split()
)


@dataclass(frozen=True)
class Quote:
    """A sentence: the message it is of, and how sure the model is of its mood."""

    message_id: str
    text: str
    confidence: float


@dataclass(frozen=True)
class Aspect:
    """Something that is spoken of: in how many messages, by mood, and the plainest sentence."""

    term: str
    mood: Literal["negative", "positive"]
    messages: int
    negative: int
    positive: int
    quote: Quote


@dataclass
class _Heard:
    negative: dict[str, Quote] = field(default_factory=dict)
    positive: dict[str, Quote] = field(default_factory=dict)
    all: set[str] = field(default_factory=set)


def aspects_of(
    store: Store,
    engine: Engine,
    filters: Mapping[str, str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int = MOST_MESSAGES,
    limit: int = 12,
) -> tuple[list[Aspect], list[Aspect]]:
    """Return what is praised and what is blamed in the newest English messages that fit, most messages first.

    Raises
    ------
    NotFoundError
        No sentiment model is loaded.
    """
    chosen = {**filters, "language": "en"}
    texts = store.insights.clean_texts(chosen, since=since, until=until, limit=most)
    return heard_in(engine, texts, limit=limit)


def heard_in(engine: Engine, texts: Sequence[tuple[str, str]], *, limit: int) -> tuple[list[Aspect], list[Aspect]]:
    """Return what is praised and what is blamed in texts (id, text)."""
    line = engine.lines["chat"]
    if not any(c.task == "sentiment" for c in line.classifiers):
        raise NotFoundError("No sentiment model is loaded", hint="Make the shipped ones with: textcrm demo.")
    rows = [
        (key, text[start:end][:LONGEST])
        for key, text in texts
        for start, end in sentences(text[: MOST_SENTENCES * LONGEST])[:MOST_SENTENCES]
    ]
    answers = engine.classify([text for _, text in rows], tasks=["sentiment"]) if rows else []
    heard: defaultdict[str, _Heard] = defaultdict(_Heard)
    known = {"negative": 0, "positive": 0}
    for (key, text), (_, (mood, *_)), terms in zip(rows, answers, _nouns([text for _, text in rows]), strict=True):
        for term in terms:
            heard[term].all.add(key)
        if mood.abstained or mood.label not in known:
            continue
        known[mood.label] += 1
        quote = Quote(key, " ".join(text.split()), mood.confidence)
        for term in terms:
            said = heard[term].negative if mood.label == "negative" else heard[term].positive
            if key not in said or said[key].confidence < quote.confidence:
                said[key] = quote
    return _ranked(heard, known, "positive", limit), _ranked(heard, known, "negative", limit)


def _ranked(
    heard: Mapping[str, _Heard], known: Mapping[str, int], mood: Literal["negative", "positive"], limit: int
) -> list[Aspect]:
    usual = known[mood] / max(1, sum(known.values()))
    found = []
    for term, said in heard.items():
        this, both = getattr(said, mood), len(said.negative) + len(said.positive)
        if len(this) < LEAST or _least_share(len(this), both) <= min(usual, HALF):
            continue
        quote = max(this.values(), key=lambda q: (q.confidence - len(q.text) / 1_000, q.message_id))
        found.append(Aspect(term, mood, len(said.all), len(said.negative), len(said.positive), quote))
    found.sort(key=lambda a: (-(a.negative if mood == "negative" else a.positive), a.term))
    told: list[Aspect] = []
    for aspect in found:  # a pair and a word of it that is said in the same messages are one aspect
        words = set(aspect.term.split())
        if not any(words & set(t.term.split()) and abs(t.messages - aspect.messages) <= 1 for t in told):
            told.append(aspect)
    return told[:limit]


def _least_share(part: int, whole: int) -> float:
    """Return the lower bound of a share (Wilson, one-sided 95 %)."""
    share = part / whole
    root = Z * sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    return (share + Z * Z / (2 * whole) - root) / (1 + Z * Z / whole)


def _nouns(texts: Sequence[str]) -> list[list[str]]:
    """Return the nouns and pairs of nouns of each text, in lower case."""
    nlp = _tagger()
    with nlp.memory_zone():
        found = []
        for doc in nlp.pipe(texts, batch_size=128):
            terms: dict[str, None] = {}
            nouns = [t.tag_ in ("NN", "NNS", "NNP") and t.is_alpha and 2 < len(t) < 25 and not t.is_stop for t in doc]
            for place, (token, noun) in enumerate(zip(doc, nouns, strict=True)):
                word = _one(token.lower_, token.tag_)
                if not noun or word in NOT_ASPECTS:
                    continue
                terms[word] = None
                if place + 1 < len(doc) and nouns[place + 1]:
                    terms[f"{word} {_one(doc[place + 1].lower_, doc[place + 1].tag_)}"] = None
            found.append(list(terms))
    return found


def _one(word: str, tag: str) -> str:
    """Return the singular of a regular plural."""
    if tag != "NNS" or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "xes", "sses")) else word[:-1]


def _tagger() -> Nlp:
    nlp: Nlp = importlib.import_module(MODEL).load(exclude=["parser", "ner", "lemmatizer", "attribute_ruler"])
    return nlp
