from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textcrm.classify.calibrate import expected_calibration_error, fit_calibration
from textcrm.classify.compare import compare_answers, mcnemar
from textcrm.classify.evaluate import evaluate_single
from textcrm.classify.explain import explain
from textcrm.classify.fitted import Training, save
from textcrm.classify.folds import assign_folds
from textcrm.classify.labelerrors import find_label_errors
from textcrm.classify.predictor import Classifier, load
from textcrm.classify.train import fit
from textcrm.errors import NotFoundError, UsageError
from textcrm.operations.models.models import DataFile, evaluate, open_model
from textcrm.operations.models.training import train
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.specs import RecipeSpec

WORDS = "please hello thanks urgent now again the app your shop order today really very much so then well".split()
TOPICS = {
    "refund": ["I want a refund", "give my money back", "refund this order"],
    "parcel": ["where is my parcel", "the delivery is late", "track my parcel"],
    "login": ["cannot log in", "my password is wrong", "locked out of my account"],
}


def rows(per_label: int = 12, seed: int = 1) -> list[tuple[str, str]]:
    rng = np.random.default_rng(seed)
    found = []
    for label, phrases in TOPICS.items():
        for index in range(per_label):
            extra = " ".join(rng.choice(WORDS, 3, replace=False))
            found.append((f"{extra} {phrases[index % 3]}", label))
    return found


def recipe(**changes: Any) -> RecipeSpec:
    return RecipeSpec.model_validate(
        {
            "schema": 1,
            "name": "small",
            "task": "intent",
            "views": [
                {"kind": "words", "ngrams": [1, 2], "bits": 12},
                {"kind": "characters", "ngrams": [2, 4], "bits": 14},
            ],
            "trees": {"trees": 20},
            "folds": 3,
            **changes,
        }
    )


def model_of(folder: Path, spec: RecipeSpec, data: list[tuple[str, str]]) -> Classifier:
    source = Training([text for text, _ in data], [label.split("|") for _, label in data])
    save(fit(spec, source), source, folder / "model")
    return load(folder / "model")


DIRECT = {"input": "features", "views": [{"kind": "words", "ngrams": [1, 1], "features": 200, "bits": 12}]}


@pytest.mark.parametrize(
    "changes",
    [
        *({"head": h} for h in ("random_forest", "extra_trees", "logistic_regression", "linear_svm", "decision_tree")),
        {"head": "auto"},
        *({**DIRECT, "head": h} for h in ("random_forest", "extra_trees", "linear_svm", "decision_tree")),
        {"class_weight": "balanced"},
        {"views": [{"kind": "words", "ngrams": [1, 2], "features": 30, "selection": "chi2"}, {"kind": "cues"}]},
        {"views": [{"kind": "words", "ngrams": [1, 2], "features": 30, "selection": "mutual_information"}]},
        {"views": [{"kind": "words", "ngrams": [1, 1], "linear": "ridge"}]},
    ],
    ids=str,
)
def test_every_recipe_learns_answers_and_explains(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = model_of(tmp_path, recipe(**changes), rows())
    answers = model.predict([text for text, _ in rows(seed=2)])
    right = np.mean([a.label == label for a, (_, label) in zip(answers, rows(seed=2), strict=True)])
    assert right >= 0.8
    assert all(sum(score.confidence for score in a.top) == pytest.approx(1, abs=0.01) for a in answers)
    explanation = explain(model, "please refund this order")
    assert explanation.label == "refund"
    best = max(explanation.words, key=lambda word: word.weight)
    assert best.text in ("refund", "order", "this")
    assert "please refund this order"[best.start : best.end] == best.text
    assert model.predict([]) == []


def test_several_labels_a_text(tmp_path: Path) -> None:
    single = rows()
    both = [(f"{a} and {b}", f"{x}|{y}") for (a, x), (b, y) in zip(single[:20], single[12:32], strict=True) if x != y]
    model = model_of(tmp_path, recipe(multi_label=True), single + both)
    answer = model.predict(["I want a refund and my password is wrong"])[0]
    assert {score.label for score in answer.top if score.confidence >= 0.5} == {"refund", "login"}


def test_labels_with_one_row_imbalance_and_odd_texts(tmp_path: Path) -> None:
    odd = [("", "refund"), ("\x00\ud800", "parcel"), ("?" * 5_000, "login"), ("the only one of its kind", "alone")]
    model = model_of(tmp_path, recipe(), rows(20) + odd)
    assert set(model.labels) == {"refund", "parcel", "login", "alone"}
    answers = model.predict(["", " ", "\ud800", "a" * 20_000])
    assert [answer.reason for answer in answers[:3]] == ["too_short"] * 3
    with pytest.raises(UsageError, match="2 to"):
        model_of(tmp_path / "one", recipe(), [("a", "x"), ("b", "x")])


def test_what_is_unlike_training_is_declined(tmp_path: Path) -> None:
    model = model_of(tmp_path, recipe(abstain={"keep_known": 0.95}), rows(40))
    strange = model.predict(["zxcv qwpo mnbv lkjh"])[0]
    assert strange.abstained
    assert strange.reason in ("unknown", "ambiguous")
    assert not model.predict(["I want a refund please"])[0].abstained


def test_folds_keep_groups_together_and_spread_labels() -> None:
    targets = np.eye(4, dtype=bool)[np.arange(40) % 4]
    folds = assign_folds(targets, np.arange(40) // 2 * 2, count=5, seed=1)
    assert all(folds[i] == folds[i + 1] for i in range(0, 40, 2))
    assert set(np.bincount(folds)) <= {6, 8, 10}


def test_calibration_says_what_is_true() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(4_000)
    right = rng.random(4_000) < truth
    log_odds = np.log(truth / (1 - truth))
    # two candidates; the head is three times too sure
    scores = np.stack([log_odds / 2, -log_odds / 2], axis=1).astype(np.float32) * 3
    fitted = fit_calibration(scores, np.stack([right, ~right], axis=1), multi_label=False, complete=True)
    assert fitted.slope == pytest.approx(1 / 3, rel=0.15)
    p = fitted.probabilities(scores)
    best = p.argmax(axis=1)
    correct = np.where(best == 0, right, ~right)
    assert expected_calibration_error(p.max(axis=1), correct) < 0.03


@pytest.mark.parametrize(("slope", "offset"), [(0.4, -2.4), (0.65, -3.0), (1.8, -1.0)])
def test_calibration_finds_the_slope_wherever_it_is(slope: float, offset: float) -> None:
    rng = np.random.default_rng(11)
    scores = np.sort(rng.normal(scale=3.0, size=(4_000, 5)), axis=1)[:, ::-1].astype(np.float32)
    weights = np.concatenate([np.exp(slope * scores), np.full((len(scores), 1), np.exp(offset))], axis=1)
    shares = weights / weights.sum(axis=1, keepdims=True)
    drawn = (rng.random((len(scores), 1)) > shares.cumsum(axis=1)).sum(axis=1)
    fitted = fit_calibration(scores, drawn[:, None] == np.arange(5), multi_label=False, complete=False)
    assert fitted.slope == pytest.approx(slope, rel=0.1)


def test_figures_by_hand() -> None:
    gold = ["a", "a", "b", "c"]
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    declined = np.array([False, True, False, False])
    figures = evaluate_single(gold, ["a", "b"], probabilities, declined, texts=gold, slices={"channel": list("xxyy")})
    assert figures["accuracy"] == 0.5
    # F1: a 2*1/(2+2), b 2*1/(1+2), c 0
    assert figures["macro_f1"] == pytest.approx((0.5 + 2 / 3 + 0) / 3, abs=1e-4)
    assert figures["macro_recall"] == 0.5
    assert (figures["coverage"], figures["accuracy_at_coverage"]) == (0.75, 0.6667)
    assert figures["labels_unknown_to_model"] == ["c"]
    assert figures["slices"]["channel"]["x"]["n"] == 2
    assert figures["confusions"][0]["n"] == 1


@pytest.mark.parametrize(("fixed", "broken", "p"), [(0, 0, 1.0), (5, 5, 1.0), (10, 0, 2 / 2**10), (9, 1, 22 / 2**10)])
def test_mcnemar(fixed: int, broken: int, p: float) -> None:
    assert mcnemar(fixed, broken) == pytest.approx(p)


def test_compare() -> None:
    report = compare_answers(["a"] * 12 + ["b"] * 8, ["b"] * 12 + ["b"] * 8, ["a"] * 11 + ["b"] * 9)
    assert (report["fixed"], report["broken"], report["verdict"]) == (11, 0, "better")
    assert report["labels"][0]["label"] == "a"


def test_label_errors_are_found() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    probabilities = np.where(np.arange(20)[:, None] < 10, [0.9, 0.1], [0.2, 0.8])
    labels[3] = 1
    found = find_label_errors(probabilities, labels)
    assert [(item.row, item.label, item.suggested) for item in found] == [(3, 1, 0)]


@dataclass(frozen=True)
class Fix:
    text: str
    label: str


def test_a_correction_changes_the_answer_of_the_next_version(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows()))
    settings = Settings(home=tmp_path / "home")
    first = train(recipe(), settings=settings, data=DataFile(data))
    assert first.activated
    wrong = "the app shows an empty page"
    before = open_model("small", settings=settings).predict([wrong])[0]
    label = next(name for name in TOPICS if name != before.label)
    second = train(recipe(), settings=settings, data=DataFile(data), corrections=[Fix(wrong, label)], force=True)
    assert second.version != first.version
    assert second.corrections is not None
    assert second.corrections["before"] == 0.0
    assert open_model("small", settings=settings).predict([wrong])[0].label == label
    registry = Registry(settings.registry_dir)
    assert registry.rollback("small") == first.version
    assert open_model("small", settings=settings).predict([wrong])[0].label == before.label
    assert open_model(f"small@{second.version}", settings=settings).version == second.version
    # a version that is damaged does not stand in the way of the next
    (registry.active("small") / "head.npz").write_bytes(b"")
    third = train(recipe(), settings=settings, data=DataFile(data), corrections=[Fix(wrong, label)])
    assert third.activated
    assert any("cannot be read" in remark for remark in third.remarks)


def test_train_to_a_folder_and_evaluate_it(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    body = [f"{text},{label},{'test' if i % 4 == 0 else 'train'}\n" for i, (text, label) in enumerate(rows(20))]
    data.write_text("message,intent,split\n" + "".join(body))
    settings = Settings(home=tmp_path / "home")
    report = train(recipe(), settings=settings, data=DataFile(data), out=tmp_path / "model")
    assert report.held_out is not None
    assert report.held_out["n"] == 15
    figures, remarks = evaluate(open_model(str(tmp_path / "model"), settings=settings), DataFile(data))
    assert figures["n"] == 15
    assert any("split" in remark for remark in remarks)
    assert {"accuracy", "macro_f1", "macro_recall", "per_class", "ece", "coverage", "accuracy_at_coverage"} <= set(
        figures
    )
    with pytest.raises(UsageError, match="other files"):
        train(recipe(), settings=settings, data=DataFile(data), out=tmp_path)
    with pytest.raises(NotFoundError):
        open_model("absent", settings=settings)
