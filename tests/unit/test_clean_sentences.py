from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textcrm.clean.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   ", []),
        ("Hi!", ["Hi!"]),
        ("Where is my order? I need an invoice too.", ["Where is my order?", "I need an invoice too."]),
        ("Hi! Where is my order? Thanks.", ["Hi! Where is my order? Thanks."]),
        ("Dr. Miller was rude to me. I want a refund", ["Dr. Miller was rude to me.", "I want a refund"]),
        ("It costs 4.50 EUR too much", ["It costs 4.50 EUR too much"]),
        ("My points:\n- the lid is off\n- the box was wet", ["My points:", "- the lid is off", "- the box was wet"]),
        ("He said \"send it back!\" I did so at once.", ['He said "send it back!"', "I did so at once."]),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[s:e] for s, e in sentences(text)] == expected


@given(st.text(alphabet="ab .!?\n-1“", max_size=200))
def test_spans_are_in_order_and_lose_no_letter(text: str) -> None:
    spans = sentences(text)
    assert all(s < e for s, e in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    kept = "".join(text[s:e] for s, e in spans)
    assert [c for c in kept if c.isalpha()] == [c for c in text if c.isalpha()]
