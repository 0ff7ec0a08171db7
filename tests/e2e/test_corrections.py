"""What people correct, from the first wrong answer to the next version and back, against the real database."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from textcrm.engine import Engine
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm_api import create_app

pytestmark = pytest.mark.slow

RECIPE = """schema = 1
name = "topic"
task = "topic"
corpora = ["shop"]
label = "topic"
head = "random_forest"

[[views]]
kind = "words"
ngrams = [1, 2]

[trees]
trees = 30
"""
PIPELINE = """schema = 1
name = "{channel}"
channel = "{channel}"

[entities]
spacy = false

[models]
topic = "topic"
"""
THINGS = "kettle lamp jacket tent radio mirror carpet bicycle blender guitar camera helmet".split()
SAID = {
    "delivery": (
        "the parcel with my {} has not arrived",
        "when will the courier bring the {}",
        "{} still not delivered",
    ),
    "refund": (
        "please pay back the money for the {}",
        "where is my refund for the {}",
        "i want my money for the {} back",
    ),
    "praise": ("the {} is wonderful, thank you", "love my new {}, great quality", "so happy with the {}"),
}
NEW_WORDS = (
    "the zorblat of my {} does not glimmer",
    "zorblat of the {} no longer glimmers",
    "{} zorblat lost its glimmer",
)


@pytest.fixture
def shop(tmp_path: Path, settings: Settings) -> Settings:
    """Settings of a home with a small recipe, its corpus, and pipelines that use it alone."""
    home = tmp_path / "home"
    (home / "models" / "topic").mkdir(parents=True)
    (home / "models" / "topic" / "recipe.toml").write_text(RECIPE)
    (home / "pipelines").mkdir()
    for channel in ("email", "review", "social", "chat"):
        (home / "pipelines" / f"{channel}.toml").write_text(PIPELINE.format(channel=channel))
    rows = [
        {"text": form.format(thing), "topic": topic, "split": "test" if number % 4 == 0 else "train"}
        for topic, forms in SAID.items()
        for number, (thing, form) in enumerate((t, f) for t in THINGS for f in forms)
    ]
    (home / "corpora" / "shop").mkdir(parents=True)
    (home / "corpora" / "shop" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return settings.model_copy(update={"home": home})


@pytest.fixture
def environment(shop: Settings) -> dict[str, str]:
    assert shop.mongodb_uri is not None
    own = {
        "TEXTCRM_HOME": str(shop.home),
        "TEXTCRM_MONGODB_URI": shop.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": shop.database,
    }
    return {**{k: v for k, v in os.environ.items() if not k.startswith("TEXTCRM_")}, **own}


def textcrm(environment: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "textcrm", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else []


def answers(store: Store, ids: list[str]) -> set[tuple[str, str]]:
    """Return the labels of the messages and the versions that gave them."""
    found = [store.insights.get(message_id).prediction("topic") for message_id in ids]
    return {(p.label or "", p.model) for p in found if p is not None}


@pytest.fixture
def stored(environment: dict[str, str], store: Store, tmp_path: Path) -> list[str]:
    """Messages with words that no model has seen, stored and analysed by the first version."""
    path = tmp_path / "new.csv"
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["text"])
        out.writerows([form.format(thing)] for thing in THINGS[:6] for form in NEW_WORDS)
    textcrm(environment, "train", "topic", "--json")
    textcrm(environment, "ingest", str(path), "--channel", "chat", "--json")
    textcrm(environment, "analyse", "--json")
    return [message.id for message, _ in store.messages.page(limit=50)]


def test_a_correction_makes_a_version_that_has_learned_and_can_be_taken_back(
    environment: dict[str, str], shop: Settings, store: Store, stored: list[str]
) -> None:
    assert len(stored) == 18
    first = {version for _, version in answers(store, stored)}
    assert len(first) == 1

    (made,) = textcrm(environment, "correct", stored[0], "topic", "refund", "--by", "mara", "--json")
    assert (made["label"], made["by"]) == ("refund", "mara")
    engine = Engine.open(shop)
    key = store.keys.create("e2e", scopes=("admin",))[0]
    headers = {"Authorization": f"Bearer {key}"}
    with TestClient(create_app(shop, store=store, engine=engine), headers=headers) as client:
        for message_id in stored[1:]:
            body = {"message_id": message_id, "task": "topic", "label": "refund"}
            assert client.post("/v1/corrections", json=body).status_code in (200, 201)
    kept = textcrm(environment, "corrections", "list", "--json")
    assert len(kept) == 18 and all(row["by"] and row["at"] for row in kept)

    (report,) = textcrm(environment, "train", "topic", "--with-corrections", "--json")
    assert report["activated"] and {report["version"]} != first
    assert report["before"]["accuracy"] > 0.9  # the old version, on the same held-out rows
    assert report["corrections"]["n"] == 18
    assert report["corrections"]["after"] > max(0.8, report["corrections"]["before"])

    textcrm(environment, "analyse", "--stale", "--json")
    assert {label for label, _ in answers(store, stored)} == {"refund"}
    assert all(report["version"] in version for _, version in answers(store, stored))

    textcrm(environment, "models", "rollback", "topic")
    textcrm(environment, "analyse", "--stale", "--json")
    assert {version for _, version in answers(store, stored)} == first


def test_corrections_that_make_it_worse_are_not_activated_but_by_force(
    environment: dict[str, str], store: Store, stored: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "plain.csv"
    texts = [form.format(thing) for thing in THINGS[:8] for form in SAID["delivery"]]
    path.write_text("text\n" + "".join(f"{text}\n" for text in texts))
    textcrm(environment, "ingest", str(path), "--channel", "chat", "--json")
    textcrm(environment, "analyse", "--json")
    for message, _ in store.messages.page(limit=50):
        said = store.insights.get(message.id).prediction("topic")
        if message.id not in stored and said is not None:
            store.corrections.add(message.id, task="topic", label="praise", by="somebody careless", said=said)
    (report,) = textcrm(environment, "train", "topic", "--with-corrections", "--json")
    print(report["scores"]["accuracy"], report["before"], report["corrections"], report["activated"])
    assert not report["activated"]
    (forced,) = textcrm(environment, "train", "topic", "--with-corrections", "--force", "--json")
    assert forced["activated"]
