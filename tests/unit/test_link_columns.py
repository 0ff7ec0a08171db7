from __future__ import annotations

import pytest

from textcrm.link.columns import columns_of, guess_kind, record_column
from textcrm.link.dates import date_digits, is_day_first


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("given_name", ["ann", "bob"], "given"),
        ("Last Name", ["smith", "jones"], "family"),
        ("customer_first_name", ["ann", "bob"], "given"),
        ("Full name", ["Ann Smith", "Bob Jones"], "name"),
        ("company name", ["Acme Ltd", "Best Inc"], "text"),
        ("contact", ["ann@example.com", "bob@example.org"], "email"),
        ("x", ["1980-01-31", "1990-02-28", "1971-12-01"], "date"),
        ("geburtsdatum", ["31.01.1980", "?"], "date"),
        ("mobile", ["07700 900123", "+44 7700 900124"], "phone"),
        ("reach me", ["07700 900123", "+44 7700 900124"], "phone"),
        ("soc_sec_id", ["7535316", "9497788"], "code"),
        ("zip", ["AB1 2CD", "EF3 4GH"], "code"),
        ("birth_place", ["london", "leeds"], "place"),
        ("gender", ["m", "f"] * 50, "category"),
        ("notes", [f"likes thing {n}" for n in range(60)], "text"),
        ("empty", ["", ""], "text"),
    ],
)
def test_a_column_is_what_its_values_or_its_name_say(name: str, values: list[str], kind: str) -> None:
    assert guess_kind(name, values) == kind


def test_the_first_column_that_is_unique_names_the_record() -> None:
    rows = [{"a": "1", "b": "x", "c": "p"}, {"a": "1", "b": "y", "c": "q"}]
    assert record_column(["a", "b", "c"], rows) == "b"
    assert record_column(["a"], rows) is None
    assert record_column(["b"], [{"b": "x"}, {"b": ""}]) is None


def test_full_names_are_compared_by_their_parts_and_only_once() -> None:
    rows = [{"full name": "Ann Smith"}, {"full name": "Jones, Bob"}]
    assert [(c.kind, c.values[1:]) for c in columns_of(["full name"], rows)] == [
        ("given", ("ann", "bob")),
        ("family", ("smith", "jones")),
    ]
    both = [{"full name": f"{g} {f}", "first": g, "last": f} for g, f in (("Ann", "Smith"), ("Bob", "Jones"))]
    assert [c.name for c in columns_of(["full name", "first", "last"], both)] == ["first", "last"]


def test_what_means_nothing_is_missing() -> None:
    (column,) = columns_of(["town"], [{"town": v} for v in ("Ulm", "n/a", " ", "Unknown", "Bonn")])
    assert column.present.tolist() == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        ("1980-01-31", "19800131"),
        ("19800131", "19800131"),
        ("31011980", "19800131"),
        ("31.1.1980", "19800131"),
        ("1/31/1980", "19800131"),
        ("31/1/1980", "19800131"),
        ("31 Jan 1980", "19800131"),
        ("January 31, 1980", "19800131"),
        ("1980-01-31T00:00:00", "19800131"),
        ("3.4.85", "19850403"),
        ("1980-13-41", "19801341"),
        ("unknown", ""),
    ],
)
def test_dates_have_one_form(value: str, digits: str) -> None:
    assert date_digits(value) == digits


def test_the_order_of_day_and_month_is_that_of_the_column() -> None:
    assert is_day_first(["3/4/1990", "25/4/1990"])
    assert not is_day_first(["3/4/1990", "4/25/1990"])
    assert date_digits("3/4/1990", day_first=True) == "19900403"
