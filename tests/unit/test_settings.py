"""The settings as another process reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from textcrm.settings import Settings, read_settings

SECRETS = {"mongodb_uri": "mongodb://u:hidden1@h", "smtp_url": "smtp://u:hidden2@h:587"}


def test_another_process_reads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Settings(
        home=Path("/srv/crm"),
        mail_from="crm@example.com",
        threads=2,
        **{name: SecretStr(value) for name, value in SECRETS.items()},  # type: ignore[arg-type]
    )
    for name, value in own.environment().items():
        monkeypatch.setenv(name, value)
    assert read_settings() == own


def test_secrets_are_not_shown() -> None:
    own = Settings(**{name: SecretStr(value) for name, value in SECRETS.items()})  # type: ignore[arg-type]
    assert "hidden" not in f"{own!r} {own} {own.model_dump_json()}"
