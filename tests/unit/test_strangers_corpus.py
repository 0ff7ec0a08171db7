"""The strangers of the shipped corpus share no identifier of their own with a customer."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import phonenumbers

CORPORA = Path(__file__).resolve().parents[2] / "corpora"


def strangers() -> list[dict[str, Any]]:
    lines = (CORPORA / "strangers" / "strangers.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def customers() -> dict[str, dict[str, str]]:
    with (CORPORA / "demo" / "customers.csv").open(encoding="utf-8", newline="") as stream:
        return {row["customer_number"]: row for row in csv.DictReader(stream)}


def test_counts_are_those_of_the_datasheet() -> None:
    datasheet = (CORPORA / "strangers" / "DATASHEET.md").read_text("utf-8")
    claimed = {kind: int(n) for kind, n in re.findall(r"^\| `(\w+)` \| (\d+) \|", datasheet, re.MULTILINE)}
    assert Counter(row["kind"] for row in strangers()) == claimed
    assert sum(claimed.values()) == 500
    assert len({row["id"] for row in strangers()}) == 500


def test_each_has_a_name_a_text_and_one_identifier() -> None:
    known = customers()
    for row in strangers():
        assert row["must_not_link"] is True
        assert row["similar_to"] in known
        assert row["name"].strip()
        assert row["text"].strip()
        assert len({"email", "phone", "handle"} & row.keys()) == 1


def test_no_identifier_is_a_customers() -> None:
    def phone(number: str) -> str:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_possible_number(parsed), number
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)

    def identifiers(row: dict[str, Any]) -> set[str]:
        named = {row[key].casefold() for key in ("email", "email_2", "handle") if row.get(key)}
        return named | ({phone(row["phone"])} if row.get("phone") else set())

    taken = set().union(*map(identifiers, customers().values()))
    own = [identifier for row in strangers() for identifier in identifiers(row)]
    assert taken.isdisjoint(own)
    people = {(identifier, row["name"]) for row in strangers() for identifier in identifiers(row)}
    assert len(people) == len(set(own))  # who writes twice is one person


def test_same_names_are_the_same() -> None:
    known = customers()
    for row in strangers():
        if row["kind"] in ("same_name", "phone_one_digit_off", "handle_close"):
            assert row["name"] == known[row["similar_to"]]["name"]
