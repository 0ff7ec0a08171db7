"""The README names every setting, and only commands and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from textcrm.cli.main import build_app
from textcrm.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_has_its_line() -> None:
    for name in Settings.model_fields:
        assert f"`TEXTCRM_{name.upper()}`" in README, name


def test_every_command_exists() -> None:
    known = set(getattr(get_command(build_app()), "commands", {}))
    named = set(re.findall(r"(?:^|`)textcrm ([a-z]+)", README, flags=re.MULTILINE))
    assert named and named <= known


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links and all((ROOT / link).exists() for link in links)
