"""Laws of recognition and masking, on texts put together from parts that are likely to collide."""

# ruff: noqa: E501 (the pieces read better in rows)
from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textcrm.entities import EntityRecogniser
from textcrm.entities.mask import POLICIES, Masker
from textcrm.operations.texts.entities import mask_texts

RECOGNISER = EntityRecogniser(spacy=False)
PIECES = st.sampled_from(
    [
        "Hi Anna,\n", "Anna Kowalska", "jan@example.com", "4111 1111 1111 1111", "DE89370400440532013000", "+44 20 7946 0958",
        "12 High Street, Leeds LS1 4AP", "[PERSON]", "[CARD]", "****1234", "****", "[", "]", "_", " ", "\n", ", ", ". ", "'s ",
        "my name is ", "order #12345", "https://example.com/a", "10.0.0.1", "2024-03-05", "\ud800", "\x00", "é", "日本", "$12.50",
        "Mr. ", "@anna_k", "SSN 536-90-4399", "-", "/", "Kind regards,\n", "x",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12).map("".join)
EXPORT = Masker(POLICIES["export"])


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_offsets_give_the_text_and_spans_do_not_overlap(text: str) -> None:
    clean = "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
    spans = RECOGNISER.recognise([text])[0]
    assert all(clean[s.start : s.end] == s.text for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert RECOGNISER.recognise([text]) == [spans]


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_masking_twice_is_masking_once(text: str) -> None:
    ((once, spans),) = mask_texts([text], RECOGNISER, EXPORT)
    assert mask_texts([once], RECOGNISER, EXPORT)[0][0] == once
    assert [once[s.start : s.end] for s in spans] == [s.text for s in spans]


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_nothing_that_was_found_is_left(text: str) -> None:
    found = [s for s in RECOGNISER.recognise([text])[0] if EXPORT.action(s.label) != "keep"]
    ((once, _),) = mask_texts([text], RECOGNISER, EXPORT)
    open_text = re.sub(r"\[[A-Z_]{2,24}\]|\*{4}\w{0,4}", "\0", once)
    for span in found:
        assert len(span.text) < 3 or span.text not in open_text


@pytest.mark.parametrize("action", ["redact", "partial"])
@given(text=TEXTS, cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_spans_can_be_masked(action: str, text: str, cuts: list[tuple[int, int]]) -> None:
    from textcrm.records import EntitySpan

    clean = "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
    spans = [
        EntitySpan(start=a, end=min(len(clean), a + n), label="PERSON", text=clean[a : a + n], source="t", score=1.0)
        for a, n in cuts
        if a < len(clean)
    ]
    once, marks = Masker({"PERSON": action}).mask(clean, spans)
    assert [once[m.start : m.end] for m in marks] == [m.text for m in marks]
