"""Linear models of one view: fitted by scikit-learn, kept as a plain matrix.

The decision values are scaled so that views are alike: a forest over them does not care, but explanations add them up.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Matrix: TypeAlias = NDArray[np.float32] | sparse.csr_matrix
Floats = NDArray[np.float32]


def fit_linear(
    kind: str, rows: Matrix, targets: NDArray[np.bool_], *, strength: float, weights: NDArray[np.float64], seed: int
) -> tuple[Floats, Floats]:
    """Fit one linear model with a column of decision values a label.

    Parameters
    ----------
    kind
        ``logistic_regression``, ``linear_svm`` or ``ridge``.
    rows : (n, d) array or CSR matrix
    targets : ndarray of shape (n, n_labels)
        True where the row has the label. A label that no row has, or all have, gets a constant.
    strength
        Inverse of the regularisation, C.
    weights : ndarray of shape (n,)
        Weight of each row.

    Returns
    -------
    coef : ndarray of shape (d, n_labels)
    intercept : ndarray of shape (n_labels,)
    """
    counts = targets.sum(axis=0)
    single = bool((targets.sum(axis=1) == 1).all())
    present = np.flatnonzero((counts > 0) & (counts < len(targets)))
    coef = np.zeros((rows.shape[1], targets.shape[1]), dtype=np.float32)
    intercept = np.where(counts == 0, -3.0, 3.0).astype(np.float32)
    if len(present) == 0:
        return coef, intercept
    if kind == "ridge":
        coef[:, present], intercept[present] = _ridge(rows, targets[:, present], strength, weights)
        return coef, intercept
    if single and kind == "logistic_regression":
        part = _logistic(rows, targets.argmax(axis=1), strength, weights, seed)
        coef[:, present], intercept[present] = part
        return coef, intercept
    if kind == "linear_svm" and isinstance(rows, np.ndarray):
        coef[:, present], intercept[present] = _dense_svm(rows, targets[:, present], strength, weights)
        return coef, intercept
    for label in present:
        one = _binary(kind, rows, targets[:, label], strength=strength, weights=weights, seed=seed)
        coef[:, label], intercept[label] = one.coef_[0], float(one.intercept_[0])
    return coef, intercept


def _logistic(
    rows: Matrix, y: NDArray[np.int64], strength: float, weights: NDArray[np.float64], seed: int
) -> tuple[Floats, Floats]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3, random_state=seed)
    model.fit(rows, y, sample_weight=weights)
    coef, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one row for two classes
        coef, intercept = np.vstack([-coef, coef]), np.concatenate([-intercept, intercept])
    return coef.T.astype(np.float32), intercept.astype(np.float32)


def _binary(
    kind: str, rows: Matrix, y: NDArray[np.bool_], *, strength: float, weights: NDArray[np.float64], seed: int
) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    model = (
        LinearSVC(C=strength, tol=1e-3, random_state=seed)
        if kind == "linear_svm"
        else LogisticRegression(C=strength, max_iter=300, tol=1e-3, random_state=seed)
    )
    return model.fit(rows, y, sample_weight=weights)


def _dense_svm(
    rows: Floats, targets: NDArray[np.bool_], strength: float, weights: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    """Fit what LinearSVC fits (squared hinge loss, one label against the rest), all labels in the same products.

    liblinear walks through the rows of one label after the other; on dense rows that takes five times as long.

    References
    ----------
    Fan et al. (2008), LIBLINEAR: a library for large linear classification (the loss; the intercept as one feature).
    """
    from scipy.optimize import minimize

    features = np.hstack([rows, np.ones((len(rows), 1), dtype=np.float32)])
    signs = np.where(targets, 1, -1).astype(np.float32)
    price = (strength * weights).astype(np.float32)[:, None]
    shape = (features.shape[1], targets.shape[1])

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        coef = flat.reshape(shape).astype(np.float32)
        short = np.maximum(0, 1 - signs * (features @ coef))
        slope = coef - 2 * (features.T @ (price * short * signs))
        value = 0.5 * float(np.square(flat).sum()) + float((price * short * short).sum(dtype=np.float64))
        return value, slope.ravel().astype(np.float64)

    options = {"maxiter": 300, "gtol": 1e-3, "ftol": 1e-7}
    found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options=options)
    coef = found.x.reshape(shape).astype(np.float32)
    return coef[:-1], coef[-1]


def _ridge(
    rows: Matrix, targets: NDArray[np.bool_], strength: float, weights: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1.0 / strength, solver="auto")
    model.fit(rows, np.where(targets, 1.0, -1.0), sample_weight=weights)
    return model.coef_.T.astype(np.float32), np.asarray(model.intercept_, dtype=np.float32)


def decide(rows: Matrix, coef: Floats, intercept: Floats) -> Floats:
    """Return decision values of shape (n, n_labels), float32."""
    return np.asarray(rows @ coef, dtype=np.float32) + intercept
