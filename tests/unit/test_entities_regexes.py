"""Every pattern is linear: texts that were made to hurt it are read at once. The benchmark prints the figures at 100 KB."""

# ruff: noqa: E501 (rows of a table stay together)
from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import textcrm.entities as package
from textcrm.entities import EntityRecogniser

LENGTH = 100_000
SHORT = 20_000
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
    for info in pkgutil.walk_packages(package.__path__, "textcrm.entities."):
        for key, value in vars(importlib.import_module(info.name)).items():
            yield from _patterns(value, f"{info.name}.{key}")


def seconds(pattern: re.Pattern[str], text: str, rounds: int = 1) -> float:
    """Return the CPU seconds of one reading, the best of *rounds*."""
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        for _match in pattern.finditer(text):
            pass
        times.append(time.process_time() - begin)
    return min(times)


@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_no_pattern_explodes(piece: str) -> None:
    text = (piece * (SHORT // len(piece) + 1))[:SHORT]
    # A runaway takes seconds to hours; the limit leaves room for a busy machine.
    patterns = [entry for entry in every_pattern() if not entry[1].pattern.endswith(r"\Z")]
    slow = [name for name, pattern in patterns if seconds(pattern, text) > 0.25]
    assert slow == []


@pytest.mark.parametrize("piece", ["@", "Aa ", "12 Aaa ", "****4111", "order #1a2", "a@b.co "], ids=ascii)
def test_a_long_hostile_text_is_read(piece: str) -> None:
    text = (piece * (LENGTH // len(piece) + 1))[:LENGTH]
    begin = time.process_time()
    EntityRecogniser(spacy=False).recognise([text])
    assert time.process_time() - begin < 20
