"""Words and phrases that set one group of messages apart from the others.

References
----------
Monroe, Colaresi, Quinn (2008), Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the Content of
Political Conflict. Political Analysis 16 (log-odds ratio with an informative Dirichlet prior, equations 16, 18, 22).
Dunning (1993), Accurate Methods for the Statistics of Surprise and Coincidence (the likelihood ratio by which two words
become one phrase).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import log, sqrt

from textcrm.errors import UsageError
from textcrm.store import Store

PRIOR_SHARE = 0.05  # of all words: as many as the prior counts for
LEAST = 3  # messages that must hold a phrase
MOST_MESSAGES = 50_000
PHRASES_KEPT = 2_000
SURE = 1.96


@dataclass(frozen=True)
class Phrase:
    """A word or a phrase of two words. ``z`` is its standardised log-odds: above 1.96 is more than chance."""

    text: str
    z: float
    inside: int
    outside: int


def phrases_of(
    store: Store,
    filters: dict[str, str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 20,
    most: int = MOST_MESSAGES,
) -> list[Phrase]:
    """Return what messages that fit *filters* say more often than all others, the surest first.

    Parameters
    ----------
    since, until
        Sent in ``[since, until)``; set apart from all others, and from other times.

    Raises
    ------
    UsageError
        There are neither filters nor times, or there is an unknown filter.
    """
    if not filters and since is None and until is None:
        raise UsageError("Nothing is set apart from everything", hint="Give a filter, such as --sentiment negative.")
    chosen = dict(store.insights.clean_texts(filters, since=since, until=until, limit=most))
    others = [text for key, text in store.insights.clean_texts({}, limit=most) if key not in chosen]
    return set_apart(list(chosen.values()), others, limit=limit)


def set_apart(inside: Sequence[str], outside: Sequence[str], *, limit: int = 20) -> list[Phrase]:
    """Compare two groups of texts.

    Parameters
    ----------
    inside, outside
        The texts; a phrase counts once a text.
    limit
        The most phrases that are returned.
    """
    token_rows = [_tokens(text) for text in (*inside, *outside)]
    together = _collocations(token_rows)
    terms = [set(_terms(tokens, together)) for tokens in token_rows]
    in_count = Counter(term for row in terms[: len(inside)] for term in row)
    out_count = Counter(term for row in terms[len(inside) :] for term in row)
    in_total, out_total = sum(in_count.values()), sum(out_count.values())
    total = in_total + out_total
    weight = PRIOR_SHARE * total
    found = []
    for term, n in in_count.items():
        if n < LEAST:
            continue
        prior = weight * (n + out_count[term]) / total
        a, b = n + prior, out_count[term] + prior
        difference = log(a / (in_total + weight - a)) - log(b / (out_total + weight - b))
        z = difference / sqrt(1 / a + 1 / b)
        if z > SURE:
            found.append(Phrase(term, z, n, out_count[term]))
    found.sort(key=lambda phrase: (-phrase.z, phrase.text))
    return found[:limit]


def _tokens(text: str) -> list[str]:
    from nltk.tokenize.casual import TweetTokenizer

    words = TweetTokenizer(preserve_case=False, reduce_len=True).tokenize(text[:2_000])
    return [word for word in words if any(map(str.isalpha, word)) and not word.startswith(("@", "http"))]


def _collocations(rows: Iterable[list[str]]) -> set[tuple[str, str]]:
    """Return the pairs of words that stand together more often than chance."""
    from nltk.collocations import BigramAssocMeasures, BigramCollocationFinder

    stop = _stop_words()
    finder = BigramCollocationFinder.from_documents(rows)
    finder.apply_freq_filter(LEAST)
    finder.apply_ngram_filter(lambda a, b: a in stop or b in stop)
    return set(finder.nbest(BigramAssocMeasures().likelihood_ratio, PHRASES_KEPT))


def _terms(tokens: list[str], together: set[tuple[str, str]]) -> Iterable[str]:
    stop = _stop_words()
    for word in tokens:
        if word not in stop and len(word) > 2:
            yield word
    for first, second in pairwise(tokens):
        if (first, second) in together:
            yield f"{first} {second}"


def _stop_words() -> frozenset[str]:
    from spacy.lang.en.stop_words import STOP_WORDS

    return frozenset(STOP_WORDS) | {"hi", "hello", "thanks", "thank", "please", "regards", "dear"}
