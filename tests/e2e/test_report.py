"""``textcrm report`` and ``textcrm signin``, as one runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.desk_data import fill
from tests.terminal import textcrm
from textcrm.operations.access.users import sessions_of
from textcrm.settings import Settings
from textcrm.store import Store


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert settings.mongodb_uri is not None
    environment = {
        **os.environ,
        "TEXTCRM_HOME": str(settings.home),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }
    command = [sys.executable, "-m", "textcrm", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_report_of_some_weeks(settings: Settings, store: Store, tmp_path: Path) -> None:
    fill(store)
    out = tmp_path / "report.html"
    done = run(settings, "report", "--from", "2026-08-05", "--to", "2026-09-01", "--out", str(out))
    assert done.returncode == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    assert "2026-08-05" in text
    assert ">56</b>" in text
    assert "▼" in text


@pytest.mark.parametrize("arguments", [("--by", "year"), ("--from", "yesterday"), ("--language", "xx")])
def test_a_report_that_cannot_be(settings: Settings, store: Store, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert store.messages.count() == 0
    out = tmp_path / "report.html"
    done = textcrm(settings, "report", *arguments, "--out", str(out))
    assert done.returncode == 2
    assert not out.exists()


def test_a_new_link_signs_in_once(settings: Settings, store: Store) -> None:
    done = textcrm(settings, "signin", "Robin Vale")
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip().partition("?token=")[2]
    session = sessions_of(store).redeem(token)
    assert session is not None
    found = sessions_of(store).find(session)
    assert found is not None
    assert found.name == "Robin Vale"
    assert sessions_of(store).redeem(token) is None


def test_a_weekly_report_is_written_once(settings: Settings, store: Store, tmp_path: Path) -> None:
    fill(store)
    done = textcrm(settings, "report", "--weekly", str(tmp_path / "reports"))
    assert done.returncode == 0, done.stderr
    week = store.now() - timedelta(days=7)
    (written,) = (tmp_path / "reports").iterdir()
    assert written.name == f"report-{week:%G-W%V}.html"
    assert "<svg" in written.read_text(encoding="utf-8")
    written.write_text("kept", encoding="utf-8")
    assert textcrm(settings, "report", "--weekly", str(tmp_path / "reports")).returncode == 0
    assert written.read_text(encoding="utf-8") == "kept"


def test_a_weekly_report_that_no_server_mails_is_made_again(settings: Settings, store: Store, tmp_path: Path) -> None:
    fill(store)
    done = textcrm(settings, "report", "--weekly", str(tmp_path), "--mail", "team@example.com")
    assert done.returncode != 0
    assert "TEXTCRM_SMTP_URL" in done.stderr
    assert not list(tmp_path.glob("*.html"))
    assert textcrm(settings, "report", "--mail", "team@example.com").returncode == 2
