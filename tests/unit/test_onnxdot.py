from __future__ import annotations

import numpy as np

from textcrm.classify.onnxdot import ByteVectors


def test_cosines_in_bytes_are_close_to_the_true_ones() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(500, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = vectors[:7] + rng.normal(scale=0.02, size=(7, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = ByteVectors(vectors).dot(rows)
    assert found.shape == (7, 500)
    assert np.abs(found - rows @ vectors.T).max() < 0.005
    assert (found.argmax(axis=1) == np.arange(7)).all()


def test_a_row_of_zeros_is_far_from_all() -> None:
    vectors = np.eye(4, dtype=np.float32)
    assert (ByteVectors(vectors).dot(np.zeros((1, 4), np.float32)) == 0).all()
