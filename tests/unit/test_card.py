from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from textcrm.classify.card import card_scores, render_card
from textcrm.classify.evaluate import evaluate_single

MODELS = Path(__file__).resolve().parents[2] / "models"


def test_a_card_tells_what_the_scores_say() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    held_out = evaluate_single(
        ["a", "a", "b", "b"], ["a", "b"], probabilities, np.zeros(4, dtype=bool), texts=["x"] * 4, slices={}
    )
    body = {
        "task": "intent",
        "head": "random_forest",
        "views": [{"kind": "words"}, {"kind": "sentence"}],
        "neighbours": True,
        "cues": False,
        "labels": ["a", "b"],
        "thresholds": {"unknown": -2.0, "ambiguous": 0.4},
        "training": {"rows": 10, "sources": [{"corpus": "messages"}]},
        "recipe": {
            "views": [{"kind": "words", "ngrams": [1, 2]}, {"kind": "cues"}],
            "trees": {"trees": 30},
            "abstain": {"precision": 0.9},
            "class_weight": "none",
            "folds": 5,
            "seed": 7,
        },
    }
    card = render_card(card_scores(body, name="small", version="0" * 12, held_out=held_out))
    assert "random forest on words, sentence, neighbours" in card
    assert "| accuracy | 0.500 |" in card
    assert "| a | b | 1 |" in card
    assert "- words: ngrams [1, 2]\n- cues: all\n- trees: trees 30\n" in card


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/scores.json")), ids=lambda path: path.parent.name)
def test_shipped_cards_are_rendered_from_their_scores(path: Path) -> None:
    assert render_card(json.loads(path.read_text(encoding="utf-8"))) == (path.parent / "CARD.md").read_text(
        encoding="utf-8"
    )
