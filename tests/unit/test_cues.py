from __future__ import annotations

import numpy as np
import pytest

from textcrm.classify.cues import NAMES, cues


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("Why? Why?? WHY", "questions", 3),
        ("no! No!!", "exclamations", 3),
        ("it doesn't work and never did", "negations", 2),
        ("it doesn’t work", "negations", 1),
        ("a knot, nothingness", "negations", 0),
        ("good but late, however fine", "contrast", 2),
        ("GIVE me MY money BACK", "shouting", 2 / 5),
        ("OK I am in", "shouting", 0),
        ("order 12345", "digits", 5),
        ("great :)", "smile", 1),
        ("great :(", "frown", 1),
        ("please call me today", "request", 1),
        ("please call me today", "hurry", 1),
        ("", "words", 0),
    ],
)
def test_cues(text: str, name: str, value: float) -> None:
    assert cues([text])[0, NAMES.index(name)] == pytest.approx(value)


def test_polarity_turns_at_the_last_sentence() -> None:
    row = cues(["The screen is wonderful. The battery is a disaster."])[0]
    assert row[NAMES.index("last_compound")] < 0 < row[NAMES.index("highest_compound")]


def test_long_texts_are_read_in_part_and_none_is_wrong() -> None:
    table = cues(["a! " * 50_000, "\x00\ud800", "no " * 10_000])
    assert table.shape == (3, len(NAMES))
    assert np.isfinite(table).all()
    assert cues([]).shape == (0, len(NAMES))
