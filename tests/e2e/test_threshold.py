"""A threshold that a person set: with the shipped models, from the terminal to what the engine says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from textcrm.cli.main import build_app
from textcrm.engine import Engine
from textcrm.errors import UsageError
from textcrm.operations.access.audit import audit_of
from textcrm.registry import Registry
from textcrm.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from textcrm.store import Store

TEXT = "Where is my order? It has not come yet."


def test_what_is_set_at_the_terminal_holds_where_the_models_are_loaded_next(
    models: Path, settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = Registry(settings.registry_dir)
    own = settings.model_copy(update={"home": tmp_path})
    registry = Registry(own.registry_dir)
    for name in ("intent", "sentiment", "urgency"):  # the same models with a state of their own
        version = shipped.active_version(name)
        folder = registry.folder / "models" / name
        folder.mkdir(parents=True)
        (folder / version).symlink_to(shipped.path(name, version))
        registry.activate(name, version)
    (registry.folder / "encoders").symlink_to(models / "registry" / "encoders")
    assert own.mongodb_uri is not None
    monkeypatch.setenv("TEXTCRM_HOME", str(tmp_path))
    monkeypatch.setenv("TEXTCRM_MONGODB_URI", own.mongodb_uri.get_secret_value())
    monkeypatch.setenv("TEXTCRM_DATABASE", own.database)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(build_app(), ["models", "threshold", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    before = Engine.open(own, channels=["chat"])
    ((_, (said,)),) = before.classify([TEXT], tasks=["intent"])
    assert not said.abstained and said.confidence < 1.0
    assert "its own" in run("intent")
    run("intent", "1.0")
    assert "declines below 1.0000: set by a person" in run("intent")
    both = CliRunner().invoke(build_app(), ["models", "threshold", "intent", "0.5", "--own"])
    assert isinstance(both.exception, UsageError)
    after = Engine.open(own, channels=["chat"])
    ((_, (declined,)),) = after.classify([TEXT], tasks=["intent"])
    assert declined == said.model_copy(update={"abstained": True, "reason": "ambiguous"})
    fingerprints = [engine.lines["chat"].fingerprint for engine in (before, after)]
    assert fingerprints[0] != fingerprints[1], "what was analysed before counts as stale"
    run("intent", "--own")
    again = Engine.open(own, channels=["chat"])
    assert again.lines["chat"].fingerprint == fingerprints[0]
    version = registry.active_version("intent")
    deeds = [entry.deed for entry in audit_of(store, own)]
    assert [deed.about for deed in deeds] == [("intent", version, "1.0"), ("intent", version, "own")]
