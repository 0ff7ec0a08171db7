"""Every pattern reads text made to hurt it in time linear in its length.

Patterns that are anchored at their end are only ever tried on a few dozen characters before a place.
`pytest tests/benchmarks/bench_entities.py -s -m benchmark` prints what the slowest take for 100 KB.
"""

# ruff: noqa: E501 (rows of a table stay together)
from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator

import pytest

import textcrm.entities as package
from tests.growth import LINEAR, growth
from textcrm.entities import EntityRecogniser

HOSTILE = (
    "a", "A", "1", "1 ", "Aa ", "a.", "@", "a@", "1.1", "-", "A, ", " ", "\n", "Aaaa1-", "12 Aaa ", "(1)", "AB12 ", "A'", "://",
    "order ", "Dear Aaa ", "1:", "www.", "é", "name ", "A.", "calle ", "11-11-", "$1,", "in Aaaa, ", "Aaa Bbb and ", "Mr. ",
    "1 Aaaaaa Bbbbbb Cccccc ", "#:", "order #", "corner of Aa Bb ", "the ", "1st ", "Jan 1 ", "Hi Aa\n", "Thanks,\n", "12 rue de la ",
    "Anna A. ", "de la ", "+1 ", "X1", "Aaa Inc ", "Via Aaa ", "St. ", "http://a", "*", "my name is ", "number is ", "A" * 40, "GB 123 ",
    "Mon, 1 Jan ", "年1月",
)  # fmt: skip


def _patterns(value: object, name: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(value, re.Pattern):
        yield name, value
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from _patterns(item, f"{name}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _patterns(item, f"{name}[{key}]")


def every_pattern() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the patterns of the package that scan whole texts, each once."""
    seen: set[int] = set()
    for info in pkgutil.walk_packages(package.__path__, "textcrm.entities."):
        for key, value in vars(importlib.import_module(info.name)).items():
            for name, pattern in _patterns(value, f"{info.name}.{key}"):
                if id(pattern) not in seen and not pattern.pattern.endswith(r"\Z"):
                    seen.add(id(pattern))
                    yield name, pattern


def scanned(pattern: re.Pattern[str]) -> Callable[[str], None]:
    """Return a function that finds all matches of *pattern* in a text."""

    def scan(text: str) -> None:
        for _match in pattern.finditer(text):
            pass

    return scan


@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_every_pattern_is_linear(piece: str) -> None:
    slow = {name: ratio for name, pattern in every_pattern() if (ratio := growth(scanned(pattern), piece)) > LINEAR}
    assert slow == {}


@pytest.mark.parametrize("piece", ["@", "Aa ", "12 Aaa ", "****4111", "order #1a2", "a@b.co "], ids=ascii)
def test_a_long_hostile_text_is_read_in_linear_time(piece: str) -> None:
    recogniser = EntityRecogniser(spacy=False)
    assert growth(lambda text: recogniser.recognise([text]), piece) <= LINEAR
