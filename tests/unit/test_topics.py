"""Topics: found in vectors, the same in any order, named by their words, recognised again."""

from __future__ import annotations

import numpy as np
import pytest

from textcrm.topics.discover import Floats, _rise, assign, discover
from textcrm.topics.naming import match, name_of, terms_of


def groups(count: int, size: int, *, spread: float = 0.25, dimensions: int = 24, seed: int = 0) -> Floats:
    """Return vectors in *count* groups, one after the other."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0][:count]
    rows = np.repeat(centres, size, axis=0) + rng.normal(
        scale=spread / np.sqrt(dimensions), size=(count * size, dimensions)
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("count", [3, 5, 9, 16])
def test_as_many_groups_as_there_are(count: int) -> None:
    found = discover(groups(count, 40))
    assert len(found.centroids) == count
    assert all(len(set(found.labels[k * 40 : k * 40 + 40])) == 1 for k in range(count))


def test_the_order_of_the_texts_makes_no_difference() -> None:
    vectors = groups(7, 30, spread=0.6)
    order = np.random.default_rng(3).permutation(len(vectors))
    pairs = set(zip(discover(vectors).labels[order], discover(vectors[order]).labels, strict=True))
    assert len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})


def test_equal_texts_weigh_no_more_and_have_one_topic() -> None:
    vectors = groups(4, 25)
    many = np.concatenate([vectors, np.repeat(vectors[:1], 200, axis=0)])
    found = discover(many)
    assert len(found.centroids) == 4
    assert len(set(found.labels[100:])) == 1


@pytest.mark.parametrize("count", [0, 1, 5, 19])
def test_few_texts_are_one_topic_at_most(count: int) -> None:
    found = discover(groups(4, 5)[:count])
    assert len(found.centroids) == min(1, count)


def test_a_message_has_one_topic_several_or_none() -> None:
    vectors = groups(4, 40)
    found = discover(vectors)
    first, second = vectors[0], vectors[40]
    asked = np.stack([first, (first + second) / np.linalg.norm(first + second), -first])
    reach = np.full(4, 0.3, dtype=np.float32)
    one, both, none = assign(asked, found.centre, found.centroids, reach)
    assert one == [found.labels[0]]
    assert set(both) == {found.labels[0], found.labels[40]}
    assert none == [] or found.labels[0] not in none
    assert assign(asked[:0], found.centre, found.centroids, reach) == []


def test_names_are_words_that_set_apart() -> None:
    texts = ["my card was charged twice"] * 5 + ["the parcel is late again"] * 5 + ["card card 1234"]
    terms = terms_of(texts, np.array([0] * 5 + [1] * 5 + [0]), 2)
    assert "charged" in name_of(terms[0])
    assert "parcel" in name_of(terms[1])
    assert not any(word.isdigit() for row in terms for word in row)
    assert terms_of(["", "the"], np.array([0, 0]), 1) == [[]]


def test_topics_are_recognised_again() -> None:
    old = np.eye(4, dtype=np.float32)
    new = np.stack([old[2], old[0], (old[1] + 0.2 * old[3]) / np.sqrt(1.04)]).astype(np.float32)
    assert match(old, new) == {0: 2, 1: 0, 2: 1}
    assert match(old, -new) == {}
    assert match(old[:0], new) == {}


@pytest.mark.parametrize(
    ("worth", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.2], (0, 2)),  # one rise
        ([0.4, 0.1, 0.5, 0.6, 0.3], (1, 3)),  # two groups stand apart by chance
        ([0.33, 0.24, 0.25, 0.30, 0.31], (1, 4)),  # kinds of text first, then what they are about
        ([0.8, 0.5, 0.3, 0.4], (0, 0)),  # plain groups, and nothing as good later
        ([0.5, 0.49, 0.48, 0.46], (0, 0)),  # falls slowly
    ],
)
def test_where_the_rise_begins_and_ends(worth: list[float], expected: tuple[int, int]) -> None:
    assert _rise(np.array(worth)) == expected
