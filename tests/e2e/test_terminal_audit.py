"""What is written at the terminal stands in the audit log: the command, who ran it, and the ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.factories import message
from textcrm.cli.main import build_app
from textcrm.operations.access.audit import audit_of
from textcrm.records import Customer
from textcrm.settings import Settings
from textcrm.store import Store


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """A terminal whose home and database are those of the test."""
    assert settings.mongodb_uri is not None
    monkeypatch.chdir(tmp_path)
    own = {
        "TEXTCRM_HOME": str(settings.home),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
        "TEXTCRM_SECRET": "hunter2",
    }
    return CliRunner(env=own)


def test_each_command_that_writes_is_one_entry(
    run: CliRunner, settings: Settings, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("id,name,email\nC-1,Ann Lee,ann@example.com\nC-2,Bo Dale,bo@example.com\n")
    (tmp_path / "orders.csv").write_text("customer,number,date,kind\nC-1,48213,2026-01-02,order\n")
    (tmp_path / "bad.csv").write_text("id,text\n1,Good lamp\n2,a,b,c,d\n")
    sent = message("Where is my order?")
    store.messages.add([sent])
    store.customers.upsert([Customer(id="C-3")])
    commands: list[tuple[str, list[str], int]] = [
        ("customers import people.csv", ["people.csv"], 0),
        ("customers events import orders.csv", ["orders.csv"], 0),
        ("ingest bad.csv --channel chat", ["bad.csv"], 1),
        ("quarantine replay", ["ANY"], 1),
        ("customers merge C-1 C-2", ["DECISION", "C-1", "C-2"], 0),
        (f"customers confirm C-3 {sent.id}", ["DECISION", "C-3", sent.id], 0),
        ("customers undo DECISION", ["DECISION", "C-3", sent.id], 0),
        ("sources add webhook shop", ["shop"], 0),
        ("sources remove shop", ["shop"], 0),
        ("sinks add webhook crm https://example.com/hook", ["crm"], 0),
        ("sinks remove crm", ["crm"], 0),
        ("alerts add volume", ["ANY"], 0),
        ("customers list", [], 0),
        ("quarantine list", [], 0),
    ]
    log = audit_of(store, settings)
    decision = ""
    for command, about, code in commands:
        before = list(log)
        done = run.invoke(build_app(), command.replace("DECISION", decision).split())
        assert done.exit_code == code, (command, done.output, done.exception)
        new = [entry.deed for entry in list(log)[len(before) :]]
        if not about:
            assert new == [], command
            continue
        (deed,) = new
        assert deed.who.startswith("terminal:"), command
        assert (deed.kind, command.startswith(deed.action.removeprefix("textcrm "))) == ("write", True), deed
        if about[0] == "DECISION":
            decision = deed.about[0]
        assert [a for a, b in zip(about, deed.about, strict=True) if a not in (b, "ANY", "DECISION")] == [], command
    assert log.verify().problems == ()
    written = json.dumps([str(entry) for entry in log])
    assert not any(word in written for word in ("Ann", "ann@", "hunter2", "Where is my"))
