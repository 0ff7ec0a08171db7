"""What is asked for first: what is unsure, usual, and unlike what is asked for already."""

from __future__ import annotations

import numpy as np

from textcrm.operations.models.labelling import chosen


def test_unsure_and_usual_before_sure_and_strange() -> None:
    vectors = np.array([[1, 0], [1, 0], [0.96, 0.28], [0, 1]], dtype=np.float32)
    assert chosen([0.9, 0.1, 0.2, 0.5], vectors, limit=1) == [0]
    assert chosen([0.9, 0.9, 0.9, 0.9], vectors, limit=1) != [3]


def test_the_next_differs_from_the_first() -> None:
    vectors = np.array([[1, 0], [1, 0], [0.6, 0.8]], dtype=np.float32)
    assert chosen([0.9, 0.9, 0.8], vectors, limit=3)[:2] == [0, 2]


def test_without_vectors_by_doubt_alone() -> None:
    assert chosen([0.1, 0.9, 0.5], np.zeros((3, 1), dtype=np.float32), limit=9) == [1, 2, 0]
    assert chosen([], np.zeros((0, 1), dtype=np.float32), limit=9) == []
