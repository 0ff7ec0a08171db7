"""The checks of a table, on tables made by hand."""

from __future__ import annotations

import math
import random
from datetime import date

import numpy as np
import pytest

from textcrm.link.columns import is_missing
from textcrm.operations.customers.quality import profile_rows
from textcrm.quality.drift import Profile, drift
from textcrm.quality.missing import Known
from textcrm.quality.numbers import number
from textcrm.quality.outliers import odd_rows, spread
from textcrm.quality.page import quality_html
from textcrm.quality.report import QualityReport, check
from textcrm.quality.table import Kind, Reading, make_table

TODAY = date(2026, 9, 1)


def day(_: str, value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


READING = Reading(is_missing, {"email": lambda value: "@" in value}, day)


def report(rows: list[dict[str, str]], kinds: dict[str, Kind] | None = None) -> QualityReport:
    places = list(enumerate(rows, start=2))
    return check(make_table("t.csv", places, kinds or {}, READING), READING, today=TODAY)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        ("-1.5", -1.5),
        ("1,234.5", 1234.5),
        ("1,234", 1234.0),
        ("1.234,5", 1234.5),
        ("12,5", 12.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1,23,4", None),
        ("12 apples", None),
        ("", None),
        ("nan", None),
        ("1-2", None),
        ("9" * 50, None),
    ],
)
def test_numbers_as_people_write_them(text: str, value: float | None) -> None:
    assert number(text) == value


def test_fences_and_deviations() -> None:
    values = np.array([10.0, 11, 12, 13, 14, 15, 16, 17, 18, 60, np.nan])
    found = spread(values)
    assert found is not None
    low, middle, high = np.percentile(values[:10], [25, 50, 75])
    assert found.quartiles == (low, middle, high)
    assert found.fences == (low - 1.5 * (high - low), high + 1.5 * (high - low))
    assert found.iqr == (9,)
    assert found.zscore == ()  # the far value itself stretches the deviation: 2.8 of them
    wide = spread(np.array([*range(30), 500.0]))
    assert wide is not None
    assert wide.zscore == (30,)


@pytest.mark.parametrize("values", [[1.0] * 20, [0.0, 1.0] * 20, [1.0, 2.0, 3.0], []])
def test_columns_that_do_not_spread_have_no_outliers(values: list[float]) -> None:
    assert spread(np.array(values)) is None


def test_a_column_that_is_mostly_one_value_is_not_all_outliers() -> None:
    found = spread(np.array([0.0] * 90 + [1.0, 2.0, 3.0]))
    assert found is not None
    assert found.iqr == ()


def test_a_row_that_is_odd_only_as_a_whole() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = x + rng.normal(scale=0.05, size=400)
    x[7], y[7] = 9.0, -9.0
    odd = odd_rows([x, y])
    assert odd[0][0] == 7
    assert len(odd) < 40
    assert odd_rows([x]) == []


def test_missing_invalid_and_repeated_values() -> None:
    rows = [
        {"id": "1", "mail": "a@x.example", "n": "5"},
        {"id": "2", "mail": "nobody", "n": "n/a"},
        {"id": "1", "mail": "", "n": "six"},
        {"id": "3", "mail": "A@x.example", "n": "7"},
        {"id": "3", "mail": "A@x.example", "n": "7"},
    ]
    found = report(rows, {"id": "id", "mail": "email", "n": "number"})
    columns = {c.name: c for c in found.columns}
    assert (columns["mail"].missing, columns["mail"].invalid, columns["mail"].invalid_places) == (1, 1, (3,))
    assert (columns["n"].missing, columns["n"].invalid, columns["n"].invalid_places) == (1, 1, (4,))
    again = {f.rule: f.places for f in found.duplicates}
    assert again == {"same_row": (6,), "same_id": (4, 6), "same_email": (5, 6)}


def test_dates_that_cannot_be() -> None:
    rows = [
        {"born": "2026-09-02", "made": "2026-09-01", "changed": "2026-09-01"},
        {"born": "1906-08-30", "made": "2020-01-02", "changed": "2020-01-01"},
        {"born": "1906-09-03", "made": "2030-01-01", "changed": ""},
        {"born": "2020-02-30", "made": "1999-01-01", "changed": "1999-01-01"},
    ]
    kinds: dict[str, Kind] = {"born": "birth_date", "made": "created_at", "changed": "updated_at"}
    found = report(rows, kinds)
    assert {f.rule: f.places for f in found.impossible} == {
        "born_in_the_future": (2,),
        "older_than_120_years": (3,),
        "created_at_in_the_future": (4,),
        "updated_before_created": (3,),
        "created_before_birth": (2,),
    }
    assert {c.name: c.invalid_places for c in found.columns if c.invalid} == {"born": (5,)}


def test_kinds_are_judged_by_the_values() -> None:
    rows = [{"a": str(i), "b": "xy"[i % 2], "c": f"2026-01-{i + 1:02}", "d": f"word {i}"} for i in range(20)]
    assert [c.kind for c in report(rows).columns] == ["number", "category", "date", "text"]


def test_nothing_is_no_error() -> None:
    found = report([])
    assert (found.rows, found.columns, found.duplicates, found.impossible, found.odd) == (0, (), (), (), ())


def test_the_index_is_that_of_the_book() -> None:
    before = Profile("c", "category", 100, 0.0, shares={"a": 0.5, "b": 0.5})
    now = Profile("c", "category", 100, 0.0, shares={"a": 0.8, "b": 0.2})
    (found,) = drift([before], [now])
    assert found.psi == round(0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5), 4)
    assert found.level == "large"
    assert drift([before], [before])[0].level == "stable"
    assert drift([], [now]) == []


def test_drift_of_numbers_and_of_gaps() -> None:
    rng = random.Random(1)
    old = [{"n": f"{rng.gauss(0, 1):.3f}", "m": f"{rng.gauss(0, 1):.3f}"} for _ in range(800)]
    same = [{"n": f"{rng.gauss(0, 1):.3f}", "m": "" if i % 2 else "1.5"} for i in range(800)]
    moved = [{"n": f"{rng.gauss(1, 1):.3f}", "m": f"{rng.gauss(0, 1):.3f}"} for _ in range(800)]
    kept = [Profile.of_facts(facts) for facts in profile_rows(old, {})]
    levels = {d.column: d.level for d in drift(kept, [Profile.of_facts(f) for f in profile_rows(same, {})])}
    assert levels["n"] == "stable"
    assert levels["m"] == "large"  # half of it is gone
    (worst, other) = drift(kept, [Profile.of_facts(f) for f in profile_rows(moved, {})])
    assert (worst.column, worst.level, other.level) == ("n", "large", "stable")
    assert worst.p is not None
    assert worst.p < 1e-6


def test_a_profile_keeps_nothing_of_who_people_are() -> None:
    rows = [{"mail": f"secret{i}@x.example", "call": f"Ann {i}"} for i in range(10)]
    facts = profile_rows(rows, {"email": ("mail",), "name": ("call",)})
    assert "secret" not in repr(facts)
    assert "Ann" not in repr(facts)


def test_policies_are_exact() -> None:
    for policy, value in (("mean", "2.5"), ("median", "2"), ("mode", "1")):
        known = Known("n", policy)
        for text in ("1", "2", "6", "1"):
            known.add(text)
        known.add("2") if policy == "median" else None
        assert known.settle([], [], is_missing).value == value


def test_the_page_needs_nothing_and_runs_nothing_of_the_table() -> None:
    rows = [{"<script>alert(1)</script>": str(i), "</script><b>": "x<y"} for i in range(60)]
    html = quality_html(report(rows))
    assert "<script>alert(1)" not in html
    assert "</script><b>" not in html
    assert "&lt;script&gt;alert(1)" in html
    head = html.split("<script>")[0]
    assert "src=" not in head
    assert "Plotly" in html
    assert html.count('<div id="plot-') == 2
