"""Similar messages: recall against exact search, time of a search, time and memory of the index.

Run: ``python -m pytest tests/benchmarks/bench_similar.py -s -m benchmark``; ``TEXTCRM_BENCH_SIMILAR`` sets the number
of vectors, 1,000,000 unless set, which takes about a quarter of an hour on two cores. There are not that many texts
here: the vectors are the embeddings of the real sentences of BANKING77, each mixed with those of another sentence and
with noise, at random. Queries are mixed from sentences of the test split, which are not in the index. Exact search is
over the vectors as 32-bit floats, before they were quantised. The search is timed by itself, without the two calls of
the database around it.
"""

from __future__ import annotations

import csv
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from textcrm.embed.nearest import Bytes8, Keys, Nearest, build, quantise

if TYPE_CHECKING:
    from textcrm.engine import Engine

pytestmark = pytest.mark.benchmark
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "banking77"
SIZE = int(os.environ.get("TEXTCRM_BENCH_SIMILAR", "1000000"))
QUERIES, NEAREST, CHUNK = 500, 10, 20_000
THREADS = os.cpu_count() or 1  # for building; a search has one
Floats = NDArray[np.float32]


def sentences(split: str) -> list[str]:
    path = DATA / f"{split}.csv"
    if not path.exists():
        pytest.skip("the sentences are not here: ../shared/data/banking77")
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def mixed(real: Floats, number: int, seed: int) -> Floats:
    """Return *number* vectors made of the real ones."""
    rng = np.random.default_rng(seed)
    one, two = (real[rng.integers(0, len(real), number)] for _ in range(2))
    share = rng.uniform(0.55, 1.0, (number, 1)).astype(np.float32)
    noise = rng.standard_normal((number, real.shape[1]), np.float32) * np.float32(0.4 / real.shape[1] ** 0.5)
    made = share * one + (1 - share) * two + noise
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def chunks(real: Floats) -> Iterator[tuple[int, Floats]]:
    for start in range(0, SIZE, CHUNK):
        yield start, mixed(real, min(CHUNK, SIZE - start), seed=start)


def exact(real: Floats, queries: Floats) -> NDArray[np.int64]:
    """Return the true nearest of each query: ids of shape (queries, NEAREST)."""
    best = np.zeros((len(queries), 0), np.float32)
    ids = np.zeros((len(queries), 0), np.int64)
    for start, vectors in chunks(real):
        scores = queries @ vectors.T
        top = np.argpartition(-scores, NEAREST, axis=1)[:, :NEAREST]
        best = np.concatenate([best, np.take_along_axis(scores, top, 1)], axis=1)
        ids = np.concatenate([ids, top + start + 1], axis=1)
        order = np.argsort(-best, axis=1)[:, :NEAREST]
        best, ids = np.take_along_axis(best, order, 1), np.take_along_axis(ids, order, 1)
    return ids


def bench_of(label: str, seconds: list[float], found: list[list[int]], truth: NDArray[np.int64]) -> None:
    recall = np.mean([len(set(f) & set(t.tolist())) / NEAREST for f, t in zip(found, truth, strict=True)])
    p50, p99 = (1000 * float(np.percentile(seconds, p)) for p in (50, 99))
    print(f"{label:<28} recall@{NEAREST} {recall:.3f}   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")


def test_similar(engine: Engine, tmp_path: Path) -> None:
    from textcrm.operations.desk.similar import encoder_of

    encoder = encoder_of(engine)
    assert encoder is not None
    real, held_out = (encoder.encode(sentences(split)) for split in ("train", "test"))
    dimensions = real.shape[1]
    queries = mixed(held_out, QUERIES, seed=10**9)
    truth = exact(real, queries)

    def batches() -> Iterator[tuple[Keys, Bytes8]]:
        for start, vectors in chunks(real):
            yield np.arange(start + 1, start + 1 + len(vectors), dtype=np.uint64), quantise(vectors)
            print(f"\r{start + len(vectors):,} of {SIZE:,} vectors in the index", end="", flush=True)

    begin, cpu = time.perf_counter(), time.process_time()
    path = build(tmp_path, "abcdef", batches(), dimensions=dimensions, threads=THREADS)
    assert path is not None
    print(f"\nindex of {SIZE:,} vectors of {dimensions} built by {THREADS} threads in", end=" ")
    print(f"{time.perf_counter() - begin:.0f} s ({time.process_time() - cpu:.0f} s of CPU)", end=", ")
    print(f"{path.stat().st_size / 1e6:.0f} MB on disk")
    print(f"memory while building: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    nearest = Nearest(tmp_path, "abcdef", dimensions=dimensions)
    assert nearest.refresh()
    small = quantise(queries)
    for query in small[:200]:  # the file comes into memory
        nearest.search(query, NEAREST)
    for rounds in range(3):
        seconds, found = [], []
        for query in small:
            start = time.perf_counter()
            found.append([key for key, _ in nearest.search(query, NEAREST)])
            seconds.append(time.perf_counter() - start)
        bench_of(f"index, round {rounds + 1}", seconds, found, truth)
    tail = Nearest(tmp_path / "none", "abcdef", dimensions=dimensions)
    for start, vectors in chunks(real):
        if start >= CHUNK:
            break
        tail.add(np.arange(start + 1, start + 1 + len(vectors), dtype=np.uint64), quantise(vectors))
    seconds = []
    for query in small:
        begin = time.perf_counter()
        tail.search(query, NEAREST)
        seconds.append(time.perf_counter() - begin)
    print(f"exact, {tail.size:,} vectors: p50 {1000 * float(np.percentile(seconds, 50)):.2f} ms", end=" ")
    print(f"p99 {1000 * float(np.percentile(seconds, 99)):.2f} ms")
