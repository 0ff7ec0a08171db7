"""The corpus of messages: what its datasheet says, held."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

FOLDER = Path(__file__).resolve().parents[2] / "corpora" / "messages"
pytestmark = pytest.mark.quality


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    lines = [line for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def test_the_files_are_those_that_the_hashes_name() -> None:
    wanted = {name: digest for digest, name in map(str.split, (FOLDER / "sha256.txt").read_text().splitlines())}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.jsonl")}
    assert found == wanted


def test_there_are_enough_of_each(rows: list[dict[str, str]]) -> None:
    intents = Counter(row["intent"] for row in rows)
    assert 40 <= len(intents) <= 50
    assert min(intents.values()) >= 60
    assert intents["off_topic"] >= 400
    assert len(rows) >= 2_500
    assert {row["channel"] for row in rows} == {"email", "review", "social", "chat"}
    assert {row["sentiment"] for row in rows} == {"negative", "neutral", "positive"}
    assert {row["urgency"] for row in rows} == {"low", "normal", "high", "critical"}
    sign = {"negative": -1, "neutral": 0, "positive": 1}
    for row in rows:
        intensity = int(row["intensity"])
        assert (intensity > 0) - (intensity < 0) == sign[row["sentiment"]]


def test_every_intent_is_in_both_splits(rows: list[dict[str, str]]) -> None:
    tested = Counter(row["intent"] for row in rows if row["split"] == "test")
    assert min(tested.values()) >= 12 and set(tested) == {row["intent"] for row in rows}


def test_no_message_stands_in_both_splits_and_few_are_near_duplicates(rows: list[dict[str, str]]) -> None:
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(
        [row["text"] for row in rows]
    )
    near = 0
    for start in range(0, len(rows), 500):
        alike = (vectors[start : start + 500] @ vectors.T).tocoo()
        pairs = {
            int(i) + start
            for i, j, v in zip(alike.row, alike.col, alike.data, strict=True)
            if v > 0.9 and i + start != j
        }
        near += len(pairs)
    share = near / len(rows)
    print(f"near-duplicates (cosine over 0.9): {near} of {len(rows)} ({share:.2%})")
    assert share <= 0.02
    assert len({row["text"] for row in rows}) == len(rows)
