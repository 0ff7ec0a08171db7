"""Applies what was decided about missing values to rows, and marks each value that it fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textcrm.link.columns import is_missing
from textcrm.quality.missing import Filled

Mark = tuple[str, str]


class Filler:
    """Fills the missing values of rows."""

    def __init__(self, filled: Sequence[Filled]) -> None:
        self._filled = [one for one in filled if one.policy != "leave"]
        self._counts = {one.column: 0 for one in self._filled}

    def fill(self, rows: Sequence[dict[str, str]]) -> list[list[Mark] | None]:
        """Fill rows in place; return for each what was filled, as fields of its customer; None: it is left out."""
        marks: list[list[Mark] | None] = [[] for _ in rows]
        for one in self._filled:
            bare = [i for i, row in enumerate(rows) if marks[i] is not None and is_missing(row.get(one.column, ""))]
            self._counts[one.column] += len(bare)
            if one.drop:
                for i in bare:
                    marks[i] = None
                continue
            chosen = [rows[i] for i in bare]
            values = one.model.predict(chosen, is_missing) if one.model and chosen else [one.value or ""] * len(bare)
            for i, value in zip(bare, values, strict=True):
                rows[i][one.column] = value
                mark = marks[i]
                if mark is not None:
                    mark.append((f"{one.column} (filled)"[:200], one.policy))
        return marks

    def counts(self) -> dict[str, dict[str, Any]]:
        """Return by column the policy, how it was worked out, and how many values it was applied to."""
        return {
            one.column: {"policy": one.policy, "how": one.how, "count": self._counts[one.column]}
            for one in self._filled
        }
