"""The page that tells the API: complete, and its examples run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.test_access import OPERATIONS
from textcrm_api.problems import KINDS

if TYPE_CHECKING:
    from tests.api.conftest import Live

README = (Path(__file__).resolve().parents[2] / "api" / "README.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```(bash|python|javascript)\n(.*?)```", README, re.DOTALL))


def test_every_endpoint_is_told_with_its_scope() -> None:
    told = set(re.findall(r"^\| `(\w+) (/\S+)` \| (\w+) \|", README, re.MULTILINE))
    assert told == {(method.upper(), path, scope) for method, path, scope in OPERATIONS}


def test_every_problem_is_told_with_its_status() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\d{3}) \| (.+) \|$", README, re.MULTILINE)
    assert told == [(code, str(kind.status), kind.title) for code, kind in KINDS.items()]


def run(live: Live, *command: str) -> str:
    environment = {**os.environ, "TEXTCRM_URL": live.url, "TEXTCRM_KEY": live.key}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_curl_example_runs(live: Live) -> None:
    answer = json.loads(run(live, "bash", "-c", EXAMPLES["bash"]))
    assert answer["items"][0]["predictions"]


def test_the_python_example_runs_and_runs_again(live: Live) -> None:
    first, second = (run(live, sys.executable, "-c", EXAMPLES["python"]) for _ in range(2))
    assert first == second
    assert "ticket-2 stored" in first


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
def test_the_javascript_example_runs(live: Live) -> None:
    assert "EMAIL ann@example.com 12 27" in run(live, "node", "--input-type=module", "-e", EXAMPLES["javascript"])
