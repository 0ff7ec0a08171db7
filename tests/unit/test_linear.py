from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from textcrm.classify.linear import fit_linear


@pytest.mark.parametrize("strength", [0.1, 1.0, 5.0])
def test_a_dense_svm_is_that_of_liblinear(strength: float) -> None:
    rng = np.random.default_rng(2)
    label = rng.integers(0, 4, 300)
    rows = (rng.normal(size=(4, 20))[label] * 0.5 + rng.normal(size=(300, 20))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    targets = label[:, None] == np.arange(5)  # nobody has the last label
    weights = rng.uniform(0.5, 2.0, 300)
    coef, intercept = fit_linear("linear_svm", rows, targets, strength=strength, weights=weights, seed=0)
    for k in range(4):
        peer = LinearSVC(C=strength, tol=1e-6, max_iter=20_000, random_state=0)
        peer.fit(rows, targets[:, k], sample_weight=weights)
        assert np.abs(rows @ coef[:, k] + intercept[k] - peer.decision_function(rows)).max() < 0.02
    assert (coef[:, 4] == 0).all() and intercept[4] < 0
