"""The doctor tells a broken set-up from a sound one, in words that say what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.factories import message
from tests.terminal import textcrm
from textcrm.errors import StoreError
from textcrm.operations.doctor import Finding, examine
from textcrm.operations.links.claims import owner_name
from textcrm.settings import Settings
from textcrm.store import Store


def look(settings: Settings, about: str, **options: object) -> Finding:
    found = [finding for finding in examine(settings, **options) if finding.about == about]  # type: ignore[arg-type]
    worst = [f for status in ("error", "warning", "ok") for f in found if f.status == status]
    assert worst, f"nothing was said about {about}"
    return worst[0]


def test_a_sound_set_up_has_nothing_to_do(settings: Settings, store: Store) -> None:
    assert store.messages.count() == 0
    findings = [f for f in examine(settings) if f.about != "models"]
    assert {f.about: f.status for f in findings} == dict.fromkeys(
        (
            "home",
            "secrets",
            "database",
            "indexes",
            "documents",
            "disk",
            "clock",
            "workers",
            "lag",
            "sources",
            "quarantine",
        ),
        "ok",
    )
    assert all(not f.todo for f in findings)


def test_no_database(tmp_path: Path) -> None:
    away = Settings(home=tmp_path, mongodb_uri="mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=300")
    found = look(away, "database")
    assert found.status == "error" and "does not answer" in found.what
    assert "names 127.0.0.1:9:" in found.todo and "textcrm doctor" not in found.todo
    secret = Settings(home=tmp_path, mongodb_uri="mongodb://ann:hush@127.0.0.1:9/?serverSelectionTimeoutMS=300")
    assert "hush" not in look(secret, "database").todo


def test_a_new_database_is_no_full_disk(settings: Settings) -> None:
    assert look(settings, "disk").status == "ok" and look(settings, "indexes").status == "ok"


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = Settings(home=tmp_path / "file" / "home")
    assert "cannot be written" in look(nowhere, "home").what
    assert "TEXTCRM_HOME" in look(nowhere, "database").todo


def test_a_missing_model(tmp_path: Path, settings: Settings) -> None:
    found = look(settings.model_copy(update={"home": tmp_path}), "models")
    assert found.status == "error" and "is missing" in found.what and "textcrm train" in found.todo


def test_an_old_index_is_named_and_made_anew(settings: Settings, store: Store) -> None:
    messages = store.database["messages"]
    messages.drop_index("by_time")
    messages.create_index([("received_at", 1)], name="by_time")
    messages.drop_index("work_next")
    with pytest.raises(StoreError, match="doctor --fix"):
        store.prepare()
    found = look(settings, "indexes")
    assert found.status == "error" and "messages.by_time has other keys" in found.what
    assert "messages.work_next is missing" in found.what and "--fix" in found.todo
    assert look(settings, "indexes", fix=True).status == "ok"
    assert look(settings, "indexes").what == "All are there"
    store.prepare()


def test_a_worker_that_says_nothing_any_more(settings: Settings, store: Store) -> None:
    store.workers.beat("far:1:7:x", state="working", why="", done=3, failed=0, rate=1.0, gaps=0)
    assert look(settings, "workers").status == "ok"
    silent = store.now() - timedelta(minutes=5)
    store.database["workers"].update_one({"_id": "far:1:7:x"}, {"$set": {"seen_at": silent}})
    found = look(settings, "workers")
    assert found.status == "error" and "far:1:7:x has said nothing for 30" in found.what
    assert "textcrm worker" in found.todo


def test_a_worker_that_pauses_says_why(settings: Settings, store: Store) -> None:
    why = "61 messages in a row failed"
    store.workers.beat(owner_name(), state="open", why=why, done=3, failed=0, rate=1.0, gaps=0)
    found = look(settings, "workers")
    assert found.status == "warning" and why in found.what


def test_a_canary_that_is_not_back(settings: Settings, store: Store) -> None:
    me = owner_name()
    store.workers.beat(me, state="working", why="", done=3, failed=0, rate=1.0, gaps=0)
    sent = store.workers.send_canary(me)
    store.workers.land_canary(me, sent)
    assert look(settings, "workers").status == "ok"
    late = store.now() - timedelta(minutes=1)
    gone = {"canary_sent": late, "canary_back": late - timedelta(minutes=1)}
    store.database["workers"].update_one({"_id": me}, {"$set": gone})
    found = look(settings, "workers")
    assert found.status == "warning" and "is not back" in found.what


def test_ways_in_and_out_that_are_closed(settings: Settings, store: Store) -> None:
    store.sources.add("mail", kind="imap", channel="email", config={}, secret=b"x")
    store.sources.note("mail", problem="The mail server refused the user or the secret")
    store.sinks.add("crm", kind="webhook", config={}, secret=b"x")
    store.sinks.note("crm", "3 results were not taken at the last try")
    assert "source mail cannot be read" in look(settings, "sources").what
    assert "sink crm does not take" in look(settings, "sinks").what


def test_messages_that_nobody_works_on(settings: Settings, store: Store) -> None:
    store.messages.add([message("one")])
    late = store.now() - timedelta(minutes=10)
    store.database["messages"].update_many({}, {"$set": {"work.queued_at": late}})
    found = look(settings, "workers")
    assert found.status == "error" and "None runs, and 1 messages wait" in found.what
    behind = look(settings, "lag")
    assert behind.status == "error" and "the oldest for 60" in behind.what and "textcrm worker" in behind.todo


def test_a_full_disk(settings: Settings, store: Store) -> None:
    assert store.space.read() is not None
    full = settings.model_copy(update={"disk_floor_mb": 10_000_000_000})
    found = look(full, "disk")
    assert found.status == "error" and "No messages are taken" in found.what and "by itself" in found.todo
    assert "nearly full" in look(full, "home").what


def test_a_wrong_clock(settings: Settings) -> None:
    found = look(settings, "clock", clock=lambda: datetime.now(UTC) + timedelta(hours=2))
    assert found.status == "warning" and "differ by 7,200" in found.what and "set-ntp" in found.todo


def test_a_newer_database(settings: Settings, store: Store) -> None:
    store.database["meta"].update_one({"_id": "schema"}, {"$set": {"version": 99}}, upsert=True)
    found = look(settings, "documents")
    assert found.status == "error" and "newer textcrm" in found.what


def test_secrets_that_others_can_read(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mongodb.key").write_text("x")
    (tmp_path / "secrets" / "mongodb.key").chmod(0o644)
    found = look(settings.model_copy(update={"home": tmp_path}), "secrets")
    assert found.status == "error" and "chmod 600" in found.todo


def test_the_command_prints_one_finding_a_line_and_exits_with_1(tmp_path: Path, settings: Settings) -> None:
    assert settings.mongodb_uri is not None
    environment = {
        **os.environ,
        "TEXTCRM_HOME": str(tmp_path),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }
    command = [sys.executable, "-c", "from textcrm.cli.main import main; main()", "doctor"]
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and {"about", "status", "what", "todo"} == set(findings[0])
    words = textcrm(settings.model_copy(update={"home": tmp_path}), "doctor")
    assert words.returncode == 1 and "ERROR  models" in words.stdout and "-> Run: textcrm train" in words.stdout
