"""The command line in this process: what is typed, and what comes of it."""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import pytest

from textcrm.cli.main import main
from textcrm.settings import Settings


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def textcrm(settings: Settings, *arguments: str) -> Ended:
    """Run ``textcrm ARGUMENTS`` on the database of *settings*, as a process of its own would, without its start."""
    assert settings.mongodb_uri is not None
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        patch.setenv("TEXTCRM_HOME", str(settings.home))
        patch.setenv("TEXTCRM_MONGODB_URI", settings.mongodb_uri.get_secret_value())
        patch.setenv("TEXTCRM_DATABASE", settings.database)
        patch.setattr(sys, "argv", ["textcrm", *arguments])
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int), code
    return Ended(code, out.getvalue(), err.getvalue())
