"""What is done about missing values, column by column; whoever applies it writes down what it did."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textcrm.errors import UsageError
from textcrm.quality.numbers import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

POLICIES = ("leave", "drop", "mean", "median", "mode", "model")
MOST_LEVELS = 50  # a column with more different words than this tells a model nothing general
LEAST_KNOWN = 20
Missing = Callable[[str], bool]
Row = Mapping[str, str]


@dataclass(frozen=True)
class Filled:
    """What a policy does to one column. ``how`` says it in words; ``drop``: the rows are left out."""

    column: str
    policy: str
    how: str
    value: str | None = None
    model: Model | None = None

    @property
    def drop(self) -> bool:
        """Whether rows without a value are left out."""
        return self.policy == "drop"


class Known:
    """The known values of one column, gathered row by row: all of them, so that mean, median and mode are exact."""

    def __init__(self, column: str, policy: str) -> None:
        if policy not in POLICIES:
            raise UsageError(f"There is no policy {policy[:32]!r} for missing values", options=POLICIES)
        self.column = column
        self.policy = policy
        self._numbers = array("d")
        self._words: Counter[str] = Counter()
        self._bad = 0

    def add(self, value: str) -> None:
        """Take in one value that is not missing."""
        if self.policy in ("mean", "median"):
            found = number(value)
            if found is None:
                self._bad += 1
            else:
                self._numbers.append(found)
        elif self.policy == "mode":
            self._words[value.strip()] += 1

    def settle(self, sample: Sequence[Row], features: Sequence[str], missing: Missing) -> Filled:
        """Return what the policy does.

        Parameters
        ----------
        sample
            Rows to fit a model on, for the policy ``model``.
        features
            The columns that a model may read.

        Raises
        ------
        UsageError
            The column cannot be filled in this way: a mean of words, nothing known.
        """
        if self.policy in ("mean", "median"):
            return self._middle()
        if self.policy == "mode":
            if not self._words:
                raise UsageError(f"The column {self.column[:60]!r} has no value that its mode could be")
            # of equally frequent values the first in the alphabet: the same file gives the same answer
            value = min(self._words, key=lambda word: (-self._words[word], word))
            return Filled(self.column, "mode", f"the most frequent of {self._words.total():,} values", value)
        if self.policy == "model":
            model = Model.fit(self.column, sample, features, missing)
            return Filled(self.column, "model", model.how, model=model)
        how = {"leave": "left as they are", "drop": "rows left out"}[self.policy]
        return Filled(self.column, self.policy, how)

    def _middle(self) -> Filled:
        if not self._numbers or self._bad > len(self._numbers):
            raise UsageError(
                f"The column {self.column[:60]!r} holds no numbers to take the {self.policy} of",
                hint="Use mode, model, drop or leave.",
            )
        values = np.frombuffer(self._numbers, dtype=np.float64)
        middle = float(values.mean() if self.policy == "mean" else np.median(values))
        return Filled(self.column, self.policy, f"the {self.policy} of {len(values):,} values", f"{middle:.10g}")


@dataclass(frozen=True)
class Model:
    """A random forest that says what a missing value probably is, from the other columns of its row.

    References
    ----------
    Stekhoven, D. J. and Buehlmann, P. (2012). MissForest: non-parametric missing value imputation for mixed-type
    data. Bioinformatics 28(1), 112-118. Here each column is filled once, from what is known.
    """

    column: str
    how: str
    features: tuple[str, ...]
    levels: Mapping[str, Mapping[str, int]]
    forest: Any
    words: tuple[str, ...]
    """The labels, where the column holds words; empty where it holds numbers."""

    @classmethod
    def fit(cls, column: str, sample: Sequence[Row], features: Sequence[str], missing: Missing) -> Model:
        """Fit on the rows of *sample* whose *column* is known.

        Raises
        ------
        UsageError
            Too few values are known, or no other column says anything.
        """
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        known = [row for row in sample if not missing(row.get(column, ""))]
        if len(known) < LEAST_KNOWN:
            raise UsageError(f"The column {column[:60]!r} has too few values to learn from", hint="Use mode or leave.")
        levels = {
            name: found
            for name in features
            if name != column and (found := _levels([row.get(name, "") for row in known], missing)) is not None
        }
        if not levels:
            raise UsageError(f"No other column says anything of {column[:60]!r}", hint="Use mode, median or leave.")
        names = tuple(levels)
        values = [row.get(column, "").strip() for row in known]
        numbers = [number(value) for value in values]
        options = {"n_estimators": 60, "min_samples_leaf": 3, "oob_score": True, "random_state": 0, "n_jobs": 1}
        x = _matrix(known, names, levels, missing)
        words: tuple[str, ...] = ()
        if all(value is not None for value in numbers):
            forest = RandomForestRegressor(**options).fit(x, np.asarray(numbers, dtype=np.float64))
            score = f"R2 {forest.oob_score_:.2f}"
        else:
            if len(set(values)) > MOST_LEVELS:
                raise UsageError(f"The column {column[:60]!r} has too many different values to learn")
            words = tuple(sorted(set(values)))
            forest = RandomForestClassifier(**options).fit(x, [words.index(value) for value in values])
            score = f"accuracy {forest.oob_score_:.2f}"
        how = f"a random forest on {len(names)} columns of {len(known):,} rows, out of bag {score}"
        return cls(column, how, names, levels, forest, words)

    def predict(self, rows: Sequence[Row], missing: Missing) -> list[str]:
        """Return the probable value of the column for each row."""
        found = self.forest.predict(_matrix(rows, self.features, self.levels, missing))
        return [self.words[int(v)] for v in found] if self.words else [f"{float(v):.10g}" for v in found]


def _levels(values: Sequence[str], missing: Missing) -> dict[str, int] | None:
    """Return the numbers of the words of a column; empty: it holds numbers; None: it says nothing general."""
    known = [value.strip() for value in values if not missing(value)]
    if not known:
        return None
    if sum(number(value) is not None for value in known) > 0.95 * len(known):
        return {}
    words = sorted(set(known))
    return {word: place for place, word in enumerate(words)} if 1 < len(words) <= MOST_LEVELS else None


def _matrix(
    rows: Sequence[Row], names: Sequence[str], levels: Mapping[str, Mapping[str, int]], missing: Missing
) -> NDArray[np.float64]:
    """Return rows as numbers, shape (n_rows, n_names); what is missing or new is NaN, which the forest can read."""
    x = np.full((len(rows), len(names)), np.nan)
    for j, name in enumerate(names):
        known = levels[name]
        for i, row in enumerate(rows):
            value = row.get(name, "")
            if missing(value):
                continue
            found = known.get(value.strip()) if known else number(value)
            if found is not None:
                x[i, j] = found
    return x
