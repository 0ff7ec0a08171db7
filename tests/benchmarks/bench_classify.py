"""Prints the figures of classification, and those of its peers in the same run.

    python -m tests.benchmarks.bench_classify [banking77] [ten] [unknown] [sentiment] [own] [speed]

Data is read from ../shared/data. ``sentiment``, ``own`` and ``speed`` read the models of TEXTCRM_HOME and train those
that are missing. No test split is trained on, nor chosen by.
"""

from __future__ import annotations

import csv
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textcrm.catalog import Catalog
from textcrm.classify.calibrate import expected_calibration_error
from textcrm.classify.explain import explain
from textcrm.classify.fitted import Training, save
from textcrm.classify.predictor import Classifier, load
from textcrm.classify.train import fit
from textcrm.embed.cache import encode_cached
from textcrm.embed.export import export_encoder
from textcrm.embed.sentence import SentenceEncoder
from textcrm.operations.models.corpora import read_corpora
from textcrm.operations.models.models import figures_of, open_model
from textcrm.operations.models.training import train_missing
from textcrm.settings import Settings, read_settings

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
THREADS = os.cpu_count() or 1
Rows = list[tuple[str, str]]


def say(name: str, value: object) -> None:
    print(f"{name:<78} {value}", flush=True)


def banking(split: str) -> Rows:
    with (SHARED / "banking77" / f"{split}.csv").open(newline="", encoding="utf-8") as stream:
        return [(row["text"], row["category"]) for row in csv.DictReader(stream)]


def encoder_of(settings: Settings) -> SentenceEncoder:
    return SentenceEncoder.open(export_encoder("all-MiniLM-L6-v2", settings.home / "encoders"), threads=THREADS)


def embed(texts: Sequence[str], encoder: SentenceEncoder, settings: Settings) -> NDArray[np.float32]:
    return encode_cached(encoder, texts, settings.home / "cache" / "embeddings")


def learn(rows: Rows, settings: Settings, *, recipe: str = "intent") -> tuple[Classifier, float, int]:
    """Return the model, the seconds of the fit with embeddings at hand, and the bytes of the artifact."""
    encoder = encoder_of(settings)
    texts = [text for text, _ in rows]
    data = Training(texts, [(label,) for _, label in rows], embed(texts, encoder, settings), encoder.hash)
    begin = time.perf_counter()
    fitted = fit(Catalog(settings.home).recipe(recipe), data, threads=THREADS)
    seconds = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "model"
        save(fitted, data, folder)
        size = sum(path.stat().st_size for path in folder.iterdir())
        return load(folder, encoder=encoder), seconds, size


def measure(model: Classifier, rows: Rows, settings: Settings) -> tuple[float, float, NDArray[np.float64]]:
    """Return accuracy, calibration error and familiarity."""
    texts, gold = [text for text, _ in rows], np.array([label for _, label in rows])
    assert model.encoder is not None
    probabilities, familiarity = model.scores(texts, embed(texts, encoder_of(settings), settings))
    correct = np.array(model.labels)[probabilities.argmax(axis=1)] == gold
    return float(correct.mean()), expected_calibration_error(probabilities.max(axis=1), correct), familiarity


def bench_banking77(settings: Settings) -> None:
    train, test = banking("train"), banking("test")
    model, seconds, size = learn(train, settings)
    accuracy, error, _ = measure(model, test, settings)
    say("BANKING77: random forest on margins, accuracy (at least 93.5)", f"{100 * accuracy:.2f}")
    say("  expected calibration error, 15 bins (at most 0.03)", f"{error:.4f}")
    say("  fit with embeddings at hand, seconds (at most 180)", f"{seconds:.0f}")
    say("  artifact, MB (at most 80)", f"{size / 1e6:.1f}")
    peers(train, test, settings)


def peers(train: Rows, test: Rows, settings: Settings) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts, labels = zip(*train, strict=True)
    asked, gold = zip(*test, strict=True)
    words = TfidfVectorizer(max_features=1_000, ngram_range=(1, 2))
    forest = RandomForestClassifier(100, random_state=0, n_jobs=THREADS).fit(words.fit_transform(texts), labels)
    say("  peer: TF-IDF of 1,000 words, forest of 100", f"{100 * forest.score(words.transform(asked), gold):.2f}")
    encoder = encoder_of(settings)
    linear = LogisticRegression(C=10, max_iter=300).fit(embed(texts, encoder, settings), labels)
    say("  peer: logistic regression on embeddings", f"{100 * linear.score(embed(asked, encoder, settings), gold):.2f}")


def bench_ten(settings: Settings) -> None:
    seen: dict[str, int] = {}
    few = []
    for text, label in banking("train"):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= 10:
            few.append((text, label))
    model, seconds, _ = learn(few, settings)
    accuracy, error, _ = measure(model, banking("test"), settings)
    say("BANKING77, 10 examples a label, accuracy (at least 82)", f"{100 * accuracy:.2f}")
    say("  expected calibration error", f"{error:.4f}")
    say("  fit, seconds", f"{seconds:.0f}")


def bench_unknown(settings: Settings) -> None:
    train, test = banking("train"), banking("test")
    labels = sorted({label for _, label in train})
    left_out = set(labels[::4][:20])
    model, _, _ = learn([row for row in train if row[1] not in left_out], settings)
    _, _, familiarity = measure(model, test, settings)
    texts = [text for text, _ in test]
    confidence = model.scores(texts, embed(texts, encoder_of(settings), settings))[0].max(axis=1)
    known = np.array([label not in left_out for _, label in test])
    for name, score in (("familiarity", familiarity), ("highest probability alone", confidence)):
        say(f"BANKING77, 20 labels left out, AUROC by {name} (at least 0.90)", f"{auroc(score, known):.4f}")
        threshold = np.quantile(score[known], 0.05)
        say(
            "  unknown refused where 95 % of known pass (at least 55 %)",
            f"{100 * (score[~known] < threshold).mean():.1f}",
        )
    declined = np.array(
        [p.reason == "unknown" for p in model.predict(texts, embed(texts, encoder_of(settings), settings))]
    )
    say("  with the threshold of the manifest: known kept", f"{100 * (1 - declined[known].mean()):.1f}")
    say("  with the threshold of the manifest: unknown refused", f"{100 * declined[~known].mean():.1f}")


def auroc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    from scipy.stats import rankdata

    ranks = rankdata(score)
    n, m = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def bench_sentiment(settings: Settings) -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    train_missing(["sentiment"], settings=settings)
    model = open_model("sentiment", settings=settings, threads=THREADS)
    say("sentiment: trained on", [source["corpus"] for source in model.body["training"]["sources"]])
    analyser = SentimentIntensityAnalyzer()
    for name, least in (("amazon_cells", "at least 91"), ("yelp", "at least 91"), ("imdb", "no floor")):
        lines = (SHARED / "uci_sentences" / f"{name}_labelled.txt").read_text(encoding="utf-8").split("\n")
        pairs = [line.rsplit("\t", 1) for line in lines if line.strip()]
        texts = [text for text, _ in pairs]
        gold = [("positive",) if label == "1" else ("negative",) for _, label in pairs]
        figures = figures_of(model, texts, gold, slices={}, step=None)
        peer = np.mean(
            [
                (analyser.polarity_scores(t)["compound"] > 0) == (g[0] == "positive")
                for t, g in zip(texts, gold, strict=True)
            ]
        )
        say(f"uci_sentences {name}, sign right, of 100 ({least})", f"{100 * figures['accuracy']:.1f}")
        say("  neutral allowed as an answer", f"{100 * figures['accuracy_among_all_labels']:.1f}")
        say("  peer: VADER", f"{100 * float(peer):.1f}")


def bench_own(settings: Settings) -> None:
    for name, least in (("intent", "at least 0.85"), ("sentiment", "at least 0.80"), ("urgency", "no floor")):
        train_missing([name], settings=settings)
        _, held_out, _ = read_corpora(Catalog(settings.home).recipe(name), settings)
        model = open_model(name, settings=settings, threads=THREADS)
        figures = figures_of(model, held_out.texts, held_out.labels, slices={}, step=None)
        say(f"{name}: held-out split, n", figures["n"])
        for figure in ("macro_f1", "accuracy", "ece", "coverage", "accuracy_at_coverage"):
            say(f"  {figure}" + (f" ({least})" if figure == "macro_f1" else ""), figures[figure])


def bench_speed(settings: Settings) -> None:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # one core: linear algebra as well
        _bench_speed(settings)


def _bench_speed(settings: Settings) -> None:
    names = ["intent", "sentiment", "urgency"]
    fast = [f"{name}-fast" for name in names]
    train_missing([*names, *fast], settings=settings)
    texts = [text for text, _ in banking("test")[:2_000]]
    models = [open_model(name, settings=settings, threads=1) for name in names]
    encoder = models[0].encoder
    assert encoder is not None

    def with_embedding(batch: Sequence[str]) -> None:
        vectors = encoder.encode(batch)
        for model in models:
            model.predict(batch, vectors)

    plain = [open_model(name, settings=settings, threads=1) for name in fast]

    def without(batch: Sequence[str]) -> None:
        for model in plain:
            model.predict(batch)

    for title, call, least in (("with embedding", with_embedding, "150"), ("TF-IDF alone", without, "3,000")):
        one = [clock(partial(call, [text])) for text in texts[:300]]
        floor = " (at most 12)" if call is with_embedding else ""
        say(f"one text, three classifiers, {title}, ms, p50{floor}", f"{1000 * statistics.median(one):.2f}")
        seconds = min(clock(partial(call, texts)) for _ in range(3))
        say(
            f"2,000 texts, three classifiers, {title}, a second a core (at least {least})",
            f"{len(texts) / seconds:.0f}",
        )
    explained = [clock(partial(explain, models[0], text)) for text in texts[:50]]
    say("one explanation, ms, p50 (at most 20)", f"{1000 * statistics.median(explained):.2f}")
    say("torch imported when serving", "torch" in sys.modules)


def clock(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


SECTIONS: dict[str, Callable[[Settings], None]] = {
    "speed": bench_speed,
    "own": bench_own,
    "sentiment": bench_sentiment,
    "ten": bench_ten,
    "unknown": bench_unknown,
    "banking77": bench_banking77,
}


def main() -> None:
    settings = read_settings()
    for name in sys.argv[1:] or SECTIONS:
        begin = time.perf_counter()
        SECTIONS[name](settings)
        say(f"[{name}: seconds]", f"{time.perf_counter() - begin:.0f}")


if __name__ == "__main__":
    main()
