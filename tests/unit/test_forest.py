from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from textcrm.classify.forest import Trees, from_sklearn
from textcrm.classify.onnxwire import varints
from textcrm.errors import ArtifactError

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(600, 7)).astype(np.float32)
TWO = (ROWS[:, 0] + ROWS[:, 1] * ROWS[:, 2] > 0).astype(int)
FOUR = (np.abs(ROWS[:, 0]) * 2).astype(int) % 4


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("target", [TWO, FOUR])
def test_served_trees_say_what_scikit_learn_says(kind: type, target: np.ndarray) -> None:
    forest = kind(25, random_state=0).fit(ROWS, target)
    served = from_sklearn(forest.estimators_).session(7).run(None, {"rows": ROWS})[0]
    assert np.abs(served - forest.predict_proba(ROWS)).max() < 1e-5


def test_paths_sum_to_the_answer() -> None:
    forest = RandomForestClassifier(25, random_state=0).fit(ROWS, TWO)
    trees = from_sklearn(forest.estimators_, outputs=[1])
    for row in ROWS[:20]:
        base, added = trees.path_contributions(row, 0)
        assert base + added.sum() == pytest.approx(forest.predict_proba(row.reshape(1, -1))[0, 1], abs=1e-5)
        assert base == pytest.approx(TWO.mean(), abs=0.05)


def test_trees_survive_being_kept_and_damage_is_seen() -> None:
    trees = from_sklearn(RandomForestClassifier(3, random_state=0).fit(ROWS, TWO).estimators_, outputs=[1])
    kept = trees.arrays()
    Trees.from_arrays(kept, features=7, outputs=1)
    loops = kept["right"].copy()
    loops[np.flatnonzero(kept["feature"] >= 0)[-1]] = 0
    far = kept["right"].copy()
    far[0] = 10_000
    endless = kept["threshold"].copy()
    endless[0] = np.nan
    for name, value in {
        "right": loops,
        "feature": kept["feature"] + 7,
        "threshold": endless,
        "roots": kept["roots"][::-1],
        "value": kept["value"][:-1],
    }.items():
        with pytest.raises(ArtifactError):
            Trees.from_arrays({**kept, name: value}, features=7, outputs=1)
    with pytest.raises(ArtifactError):
        Trees.from_arrays({**kept, "right": far}, features=7, outputs=1)
    with pytest.raises(ArtifactError, match="incomplete"):
        Trees.from_arrays({}, features=7, outputs=1)


def test_numbers_as_protocol_buffers_write_them() -> None:
    def slow(value: int) -> bytes:
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes([*out, value])

    numbers = [0, 1, 127, 128, 300, 16_383, 16_384, 2**21, 2**28 - 1, 2**31]
    assert varints(np.array(numbers, dtype=np.uint64)) == b"".join(map(slow, numbers))
