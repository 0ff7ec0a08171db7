from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textcrm.classify.shared import SharedTexts
from textcrm.classify.tfidf import Tfidf, character_grams, fit_tfidf, word_grams

TEXTS = [
    "Where is my order? It hasn't arrived.",
    "I want my money back NOW!",
    "thanks, all good",
    "",
    "a  b",
    "Ümlaut größe İstanbul",
]


def spans(texts: list[str], kind: str, low: int, high: int) -> list[tuple[int, str]]:
    grams = (word_grams if kind == "words" else character_grams)(texts, low, high)
    return [
        (int(row), texts[row][start:end]) for row, start, end in zip(grams.rows, grams.starts, grams.ends, strict=True)
    ]


def test_words_and_their_places() -> None:
    found = spans(["Don't stop! Now?", "ab cd"], "words", 1, 2)
    assert found == [
        *((0, word) for word in ("Don't", "stop", "!", "Now", "?")),
        *((1, word) for word in ("ab", "cd")),
        *((0, pair) for pair in ("Don't stop", "stop!", "! Now", "Now?")),
        (1, "ab cd"),
    ]


def test_character_grams_stay_within_words() -> None:
    for _, gram in spans(["ab cd", "e, f"], "characters", 2, 4):
        assert " " not in gram.strip()
    # "ab" in edges " ab ": " a", "ab", "b " of length 2
    assert sorted(gram for _, gram in spans(["ab"], "characters", 2, 2)) == ["a", "ab", "b"]


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_a_batch_is_the_same_as_one_by_one(kind: str) -> None:
    model = fit_tfidf(TEXTS, kind=kind, low=1, high=3, bits=16, features=5_000, min_rows=1)  # type: ignore[arg-type]
    together = model.transform(TEXTS).toarray()
    for row, text in enumerate(TEXTS):
        assert np.allclose(model.transform([text]).toarray()[0], together[row], atol=1e-6)
    lengths = np.linalg.norm(together, axis=1)
    assert np.allclose(lengths[[i for i, text in enumerate(TEXTS) if text]], 1.0, atol=1e-5)
    assert lengths[TEXTS.index("")] == 0


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_parts_sum_to_the_product(kind: str) -> None:
    model = fit_tfidf(TEXTS, kind=kind, low=1, high=3, bits=16, features=5_000, min_rows=1)  # type: ignore[arg-type]
    weights = np.random.default_rng(0).normal(size=len(model.idf)).astype(np.float32)
    for text in [*TEXTS, "my my order order order"]:
        whole = float((model.transform([text]) @ weights)[0])
        assert sum(part for _, _, part in model.parts(text, weights)) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("count", [1, 3, 20])
def test_a_product_is_that_of_the_matrix_and_shared_texts_change_nothing(count: int) -> None:
    texts = (TEXTS * 4)[:count]
    rng = np.random.default_rng(0)
    shared = SharedTexts(texts)
    for kind, features in (("words", 5_000), ("characters", 5_000), ("words", 10), ("words", 5_000)):
        model = fit_tfidf(TEXTS, kind=kind, low=1, high=2, bits=16, features=features, min_rows=1)  # type: ignore[arg-type]
        weights = rng.normal(size=(len(model.idf), 3)).astype(np.float32)
        expected = model.transform(texts) @ weights
        assert np.allclose(model.product(texts, weights), expected, atol=1e-5)
        assert np.allclose(model.product(shared, weights), expected, atol=1e-5)


def test_it_survives_being_kept() -> None:
    model = fit_tfidf(TEXTS, kind="words", low=1, high=2, bits=12, features=20, min_rows=1)
    again = Tfidf.from_arrays("words", 1, 2, 12, model.arrays())
    assert len(model.idf) == 20
    assert (again.transform(TEXTS) != model.transform(TEXTS)).nnz == 0


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_any_text_has_grams_within_itself(texts: list[str]) -> None:
    for low, high, grams in ((1, 2, word_grams), (2, 4, character_grams)):
        found = grams(texts, low, high)
        for row, start, end in zip(found.rows, found.starts, found.ends, strict=True):
            assert 0 <= start < end <= len(texts[row])
