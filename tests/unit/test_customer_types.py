"""Countries, currencies, dates and mapping files."""

from __future__ import annotations

from pathlib import Path

import pytest

from textcrm.errors import NotFoundError, SpecError
from textcrm.link.codes import country, currency
from textcrm.link.dates import iso_date
from textcrm.sources.mapping_file import MappingFile, read_mapping, write_mapping
from textcrm.sources.structured import EVENTS, guess_fields


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("276", "DE"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("germany ", "DE"),
        ("UK", "GB"),
        ("England", "GB"),
        ("U.S.A.", "US"),
        ("Éire", "IE"),
        ("日本", "JP"),
        ("Côte d’Ivoire", "CI"),
        ("EU", None),
        ("Europe", None),
        ("Germoney", None),
        ("XX", None),
        ("001", None),
        ("", None),
        ("x" * 200, None),
    ],
)
def test_countries(text: str, code: str | None) -> None:
    assert country(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EUR", "EUR"),
        ("eur", "EUR"),
        ("€", "EUR"),
        ("Euro", "EUR"),
        ("US Dollar", "USD"),
        ("US$", "USD"),
        ("Schweizer Franken", "CHF"),
        ("zł", "PLN"),
        ("$", None),
        ("XXX", None),
        ("EURO!!", "EUR"),
        ("bitcoin", None),
        ("", None),
    ],
)
def test_currencies(text: str, code: str | None) -> None:
    assert currency(text) == code


@pytest.mark.parametrize(
    ("text", "month_first", "day_first"),
    [
        ("1990-04-03", "1990-04-03", "1990-04-03"),
        ("3/4/1990", "1990-03-04", "1990-04-03"),
        ("13/4/1990", "1990-04-13", "1990-04-13"),
        ("3.4.1990", "1990-04-03", "1990-04-03"),
        ("12 May 1980", "1980-05-12", "1980-05-12"),
        ("19900403", "1990-04-03", "1990-04-03"),
        ("2024-01-01 10:00", "2024-01-01T10:00:00", "2024-01-01T10:00:00"),
        ("1/2/1990 9:30 PM", "1990-01-02T21:30:00", "1990-02-01T21:30:00"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00+00:00", "2024-01-01T10:00:00+00:00"),
        ("31.02.1990", None, None),
        ("0000-00-00", None, None),
        ("1985", None, None),
        ("soon", None, None),
        ("+49 30 901820", None, None),
        ("2024-13-01", None, None),
        ("1/2/1990 25:00", None, None),
    ],
)
def test_dates(text: str, month_first: str | None, day_first: str | None) -> None:
    assert iso_date(text) == month_first
    assert iso_date(text, day_first=True) == day_first


@pytest.mark.parametrize("name", ["m.toml", "m.json"])
def test_a_mapping_comes_back_as_it_was_saved(tmp_path: Path, name: str) -> None:
    saved = MappingFile(
        region="DE",
        provider_rules=True,
        columns={"email": ['Mail "1"', "Mail\\2\x7f"], "name": "Näme\t\n"},
        missing={"Alter (J.)": "median"},
    )
    write_mapping(tmp_path / name, saved)
    assert read_mapping(tmp_path / name, of="customers") == saved
    with pytest.raises(SpecError):
        read_mapping(tmp_path / name, of="events")


@pytest.mark.parametrize(
    "text", ["colour = 1\n[columns]\n", "version = 2\n[columns]\n", "[columns]\nname = 3", "not toml", "region='d'"]
)
def test_the_schema_is_closed(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(SpecError):
        read_mapping(tmp_path / "m.toml", of="customers")
    with pytest.raises(NotFoundError):
        read_mapping(tmp_path / "none.toml", of="customers")


def test_columns_are_guessed_by_their_names() -> None:
    found = guess_fields(["Kundennr", "Vorname", "Land", "Währung", "DOB", "Customer since", "PLZ", "Ort", "Straße"])
    assert found == {
        "number": ("Kundennr",),
        "given_name": ("Vorname",),
        "country": ("Land",),
        "currency": ("Währung",),
        "birth_date": ("DOB",),
        "created_at": ("Customer since",),
        "street": ("Straße",),
        "postcode": ("PLZ",),
        "city": ("Ort",),
    }
    assert guess_fields(["Order ID", "Customer ID", "Order Date", "Total", "Type", "id"], EVENTS) == {
        "customer": ("Customer ID",),
        "number": ("Order ID",),
        "at": ("Order Date",),
        "kind": ("Type",),
        "amount": ("Total",),
    }
