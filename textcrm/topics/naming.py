"""Names topics by the words that set them apart, and recognises them again in the next run.

References
----------
Grootendorst, M. (2022). BERTopic: Neural topic modeling with a class-based TF-IDF procedure. arXiv:2203.05794
(equation 3: a word's frequency in a topic, times log(1 + mean words a topic / its frequency in all)).
Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TERMS = 8
NAME_TERMS = 3
LEAST_MESSAGES = 2  # of a topic that hold a term
SAME = 0.6  # cosine of two centroids above which a topic is the earlier one
READ_CHARS = 2_000
WORD = r"[^\W\d_]{2,24}"  # letters only: numbers name nothing


def terms_of(texts: Sequence[str], labels: NDArray[np.int64], count: int) -> list[list[str]]:
    """Return the terms of each topic, the most telling first; a term is one word or two.

    Parameters
    ----------
    texts
        One a label.
    labels : ndarray of shape (n,), int64
        The topic of each text, in ``[0, count)``.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(
        binary=True, stop_words="english", ngram_range=(1, 2), min_df=LEAST_MESSAGES, token_pattern=WORD
    )
    try:
        held = vectorizer.fit_transform([text[:READ_CHARS] for text in texts])
    except ValueError:  # no word is left
        return [[] for _ in range(count)]
    groups = csr_matrix((np.ones(len(texts)), (labels, np.arange(len(texts)))), shape=(count, len(texts)))
    counts = (groups @ held).toarray()
    everywhere = np.maximum(counts.sum(axis=0), 1.0)
    weight = np.log1p(counts.sum() / count / everywhere)
    worth = np.where(counts >= LEAST_MESSAGES, counts * weight, 0.0)
    words = vectorizer.get_feature_names_out()
    found = []
    for row in worth:
        order = np.lexsort((words, -row))[: 4 * TERMS]
        found.append(_apart([str(words[i]) for i in order if row[i] > 0])[:TERMS])
    return found


def name_of(terms: Sequence[str]) -> str:
    """Return what a topic is called until a person names it."""
    return ", ".join(terms[:NAME_TERMS])


def match(old: NDArray[np.float32], new: NDArray[np.float32]) -> dict[int, int]:
    """Return which new topic is which old one: new row to old row, each once, where they are near enough.

    Parameters
    ----------
    old, new : ndarray of shape (topics, dimensions), float32
        Centroids of length 1.
    """
    from scipy.optimize import linear_sum_assignment

    if not len(old) or not len(new):
        return {}
    cosines = new @ old.T
    rows, columns = linear_sum_assignment(-cosines)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if cosines[r, c] >= SAME}


def _apart(terms: Sequence[str]) -> list[str]:
    """Leave out a term whose words another one before it has said."""
    kept: list[str] = []
    for term in terms:
        words = set(term.split())
        if not any(words & set(other.split()) for other in kept):
            kept.append(term)
    return kept
