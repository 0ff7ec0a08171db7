"""Topics: time for 20,000 messages, agreement of two runs, agreement with labels that are not shown.

``python -m tests.benchmarks.bench_topics``; TEXTCRM_HOME holds the shipped models.
"""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from textcrm.embed.nearest import quantise
from textcrm.operations.trends.topics import encoder_in
from textcrm.settings import read_settings
from textcrm.topics.discover import Floats, discover
from textcrm.topics.naming import name_of, terms_of

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
MANY = 20_000


def banking(split: str) -> tuple[list[str], list[str]]:
    """Return texts and labels."""
    with (SHARED / "banking77" / f"{split}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row["text"] for row in rows], [row["category"] for row in rows]


def messages() -> list[str]:
    """Return 20,000 different texts: banking questions, opinions, the messages of the shipped corpus."""
    texts = [*banking("train")[0], *banking("test")[0]]
    for path in sorted((SHARED / "uci_sentences").glob("*.txt")):
        texts += [line.rpartition("\t")[0] for line in path.read_text(encoding="utf-8").split("\n") if "\t" in line]
    for path in sorted((ROOT / "corpora" / "messages").glob("*.jsonl")):
        with path.open(encoding="utf-8") as stream:
            texts += [json.loads(line)["text"] for line in stream]
    return list(dict.fromkeys(texts))[:MANY]


def as_kept(vectors: Floats) -> Floats:
    """Return vectors as they come back from the store."""
    rows = quantise(vectors).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def main() -> None:
    """Print the figures."""
    settings = read_settings()
    encoder = encoder_in(settings.model_copy(update={"threads": 2}))
    texts = messages()
    begin, used = time.perf_counter(), time.process_time()
    vectors = as_kept(encoder.encode(texts))
    embedded, used_embedded = time.perf_counter(), time.process_time()
    first = discover(vectors)
    terms = terms_of(texts, first.labels, len(first.centroids))
    ended, used_ended = time.perf_counter(), time.process_time()
    print(
        f"{len(texts):,} messages, {len(first.centroids)} topics: {ended - embedded:.0f} s where similar messages keep "
        f"their vectors ({used_ended - used_embedded:.0f} s of processor time), {ended - begin:.0f} s with the vectors "
        f"({used_ended - used:.0f} s); target 180 s"
    )
    print("the largest: " + "; ".join(name_of(row) for row in terms[:6]))
    other = np.random.default_rng(1).permutation(len(texts))
    again = discover(vectors[other])
    print(f"two runs, other order: adjusted Rand index {adjusted_rand_score(first.labels[other], again.labels):.3f}")
    halves = []
    for seed in (1, 2):
        kept = np.flatnonzero(np.random.default_rng(seed).random(len(texts)) < 0.95)
        labels = np.full(len(texts), -1)
        labels[kept] = discover(vectors[kept]).labels
        halves.append(labels)
    both = (halves[0] >= 0) & (halves[1] >= 0)
    agree = adjusted_rand_score(halves[0][both], halves[1][both])
    print(f"two runs, each without another twentieth of the messages: adjusted Rand index {agree:.3f}")
    texts, gold = banking("train")
    found = discover(as_kept(encoder.encode(texts)))
    print(
        f"banking77 train without labels: {len(found.centroids)} topics, normalised mutual information "
        f"{normalized_mutual_info_score(gold, found.labels):.3f} (target 0.80), "
        f"adjusted Rand index {adjusted_rand_score(gold, found.labels):.3f}"
    )


if __name__ == "__main__":
    main()
