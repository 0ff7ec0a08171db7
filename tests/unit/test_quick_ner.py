"""The quick forward pass finds what spaCy's own finds."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from textcrm.entities.quick_ner import MOST_WORDS, QuickNer, fits
from textcrm.entities.spacy_ner import MODEL, UNUSED

CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "messages" / "train-1.jsonl"
EDGES = [
    "",
    " ",
    "\n\n",
    "London",
    "Mr Smith  went to   Paris\n\non Monday",
    "a",
    "Anna\u2028Berg, 12 May",
    "5 % of $3",
]


@pytest.fixture(scope="module")
def nlp() -> Any:
    return importlib.import_module(MODEL).load(exclude=UNUSED)


def entities(doc: Any) -> list[tuple[int, int, str]]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def test_the_same_entities_as_spacy(nlp: Any) -> None:
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()[:600]]
    texts = [row["text"] for row in rows] + EDGES
    texts += ["\n".join(texts[i : i + 40]) for i in range(0, 400, 40)]
    assert fits(nlp)
    found = QuickNer(nlp).find(texts)
    wanted = [entities(doc) for doc in nlp.pipe(texts)]
    assert sum(map(len, wanted)) > 500
    different = [t for t, f, w in zip(texts, found, wanted, strict=True) if [tuple(e) for e in f] != w]
    assert len(different) <= 1  # where two labels score the same to six digits


def test_a_text_alone_is_read_as_in_a_batch(nlp: Any) -> None:
    quick = QuickNer(nlp)
    texts = [*EDGES, "Jorun Vik flew from Oslo to New York on 3 March for $200."] * 30
    assert quick.find(texts) == [quick.find([text])[0] for text in texts]


def test_more_words_than_are_kept(nlp: Any) -> None:
    quick = QuickNer(nlp)
    text = "Jorun Vik flew from Oslo to New York on 3 March."
    first = quick.find([text])
    quick.find([" ".join(f"w{n}x" for n in range(at, at + 500)) for at in range(0, MOST_WORDS + 1_000, 500)])
    assert quick.find([text]) == first
    assert quick.find([" ".join(f"v{n}x" for n in range(MOST_WORDS + 10)) + ". " + text])[0] is not None
