"""Floors under the figures of classification: what was measured, less the noise. Each test prints its figure."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from textcrm.catalog import Catalog
from textcrm.classify.calibrate import expected_calibration_error
from textcrm.classify.fitted import Training, save
from textcrm.classify.predictor import load
from textcrm.classify.train import fit
from textcrm.embed.cache import encode_cached
from textcrm.embed.export import export_encoder
from textcrm.embed.sentence import SentenceEncoder
from textcrm.errors import DependencyError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.quality,
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED / "banking77").is_dir(), reason="../shared/data/banking77 is absent"),
]


def rows(split: str) -> list[tuple[str, str]]:
    with (SHARED / "banking77" / f"{split}.csv").open(newline="", encoding="utf-8") as stream:
        return [(row["text"], row["category"]) for row in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def encoder(home: Path) -> SentenceEncoder:
    try:
        return SentenceEncoder.open(export_encoder("all-MiniLM-L6-v2", home / "encoders"), threads=2)
    except DependencyError as error:
        pytest.skip(str(error))


def first(count: int, *, labels: set[str]) -> list[tuple[str, str]]:
    seen: dict[str, int] = {}
    found = []
    for text, label in rows("train"):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= count and label in labels:
            found.append((text, label))
    return found


def test_ten_examples_a_label(encoder: SentenceEncoder, home: Path, tmp_path: Path) -> None:
    every = {label for _, label in rows("train")}
    texts, labels = zip(*first(10, labels=every), strict=True)
    data = Training(texts, [(label,) for label in labels], encoder.encode(texts), encoder.hash)
    save(fit(Catalog(home).recipe("intent"), data, threads=2), data, tmp_path / "model")
    asked, gold = zip(*rows("test"), strict=True)
    vectors = encode_cached(encoder, asked, home / "cache" / "embeddings")
    model = load(tmp_path / "model", encoder=encoder)
    probabilities, _ = model.scores(asked, vectors)
    correct = np.array(model.labels)[probabilities.argmax(axis=1)] == np.array(gold)
    error = expected_calibration_error(probabilities.max(axis=1), correct)
    print(f"BANKING77, 10 a label: accuracy {correct.mean():.4f}, calibration error {error:.4f}")
    assert correct.mean() >= 0.835
    assert error <= 0.045


def test_what_was_left_out_is_unknown(encoder: SentenceEncoder, home: Path, tmp_path: Path) -> None:
    every = sorted({label for _, label in rows("train")})
    left_out = set(every[::4][:20])
    texts, labels = zip(*first(30, labels=set(every) - left_out), strict=True)
    data = Training(texts, [(label,) for label in labels], encoder.encode(texts), encoder.hash)
    save(fit(Catalog(home).recipe("intent"), data, threads=2), data, tmp_path / "model")
    asked, gold = zip(*rows("test"), strict=True)
    model = load(tmp_path / "model", encoder=encoder)
    _, familiarity = model.scores(asked, encode_cached(encoder, asked, home / "cache" / "embeddings"))
    known = np.array([label not in left_out for label in gold])
    threshold = np.quantile(familiarity[known], 0.05)
    refused = float((familiarity[~known] < threshold).mean())
    higher = float((familiarity[known][:, None] > familiarity[~known][None, :]).mean())
    print(f"BANKING77, 30 a label, 20 labels left out: AUROC {higher:.4f}, refused at 95 % kept {refused:.4f}")
    assert higher >= 0.87
    assert refused >= 0.45


def test_an_encoder_says_where_its_meaning_comes_from(encoder: SentenceEncoder) -> None:
    text = "Where is my \ud800 order? It has not come yet."
    spans, parts = encoder.tokens(text)
    assert np.abs(parts.sum(axis=0) - encoder.encode([text])[0]).max() < 1e-4
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    lengths = np.linalg.norm(encoder.encode(["", "a", text * 50]), axis=1)
    assert np.allclose(lengths, 1.0, atol=1e-4)
