"""The main job from the outside: the program as its users start it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SHARED
from textcrm.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(models: Path, settings: Settings) -> dict[str, str]:
    assert settings.mongodb_uri is not None
    own = {
        "TEXTCRM_HOME": str(models),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }
    return {**{k: v for k, v in os.environ.items() if not k.startswith("TEXTCRM_")}, **own}


def said(environment: dict[str, str], *arguments: str, code: int = 0) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "textcrm", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr[-3000:]
    return done.stdout, done.stderr


def textcrm(environment: dict[str, str], *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(environment, *arguments, code=code)[0].splitlines()]


def test_the_demo_twice(environment: dict[str, str]) -> None:
    (first,) = textcrm(environment, "demo", "--no-serve", "--json")
    assert first["messages"] >= 300 and first["customers"] == 60
    assert first["analysed"] == first["messages"] == first["stored"]
    assert first["links"]["linked"] >= 290
    assert len(first["urgent"]) == 20 and {row["urgency"] for row in first["urgent"]} <= {"critical", "high"}
    assert {point["channel"] for point in first["trend"]} == {"email", "review", "social", "chat"}
    (second,) = textcrm(environment, "demo", "--no-serve", "--json")
    assert (second["stored"], second["duplicates"], second["analysed"]) == (0, first["stored"], 0)
    print(f"demo: {first['links']}, {first['seconds']} s, again {second['seconds']} s")
    shown = "".join(said(environment, "demo", "--no-serve"))  # as a newcomer reads it
    assert "The 20 most urgent messages" in shown and "Net sentiment by week and channel" in shown
    assert f"{first['messages']:,} messages over four channels, 60 customers" in shown


def test_real_mail_goes_all_the_way(environment: dict[str, str]) -> None:
    if not SHARED.is_dir():
        pytest.skip("the public data sets in ../shared/data are not here")
    folder = str(SHARED / "raw_mail")
    files = list((SHARED / "raw_mail").rglob("*.eml"))
    *rejected, summary = textcrm(environment, "ingest", folder, "--channel", "email", "--json", code=1)
    assert summary["stored"] + summary["duplicates"] + summary["quarantined"] == summary["items"] >= len(files)
    assert summary["quarantined"] == len(rejected)
    assert not any(row["quarantine"]["file"].endswith(".eml") for row in rejected)
    *_, again = textcrm(environment, "ingest", folder, "--channel", "email", "--json", code=1)
    assert (again["stored"], again["items"]) == (0, summary["items"])
    (analysed,) = textcrm(environment, "analyse", "--json")
    assert (analysed["done"], analysed["failed"]) == (summary["stored"], 0)


def test_a_batch_of_a_hundred_through_the_api(environment: dict[str, str]) -> None:
    (key,) = textcrm(environment, "keys", "create", "crm", "--scope", "read", "--json")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    service = subprocess.Popen(
        [sys.executable, "-m", "textcrm", "serve", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        await_ready(service, base)
        items = [{"id": str(n), "text": f"Where is my order number {n}? I want my money back."} for n in range(99)]
        items.append({"id": "empty", "text": ""})
        body = json.dumps({"items": items}).encode()
        headers = {"Authorization": f"Bearer {key['key']}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{base}/v1/classify", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            results = json.load(answer)["items"]
        assert [row["id"] for row in results] == [item["id"] for item in items]
        assert all(p["abstained"] and p["reason"] == "too_short" for p in results[-1]["predictions"])
        assert {p["task"] for p in results[0]["predictions"]} == {"sentiment", "intent", "urgency"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{base}/v1/classify", data=body), timeout=10)
        assert refused.value.code == 401
        refused.value.close()
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(20) in (0, -signal.SIGTERM)


def await_ready(service: subprocess.Popen[bytes], base: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert service.poll() is None, "the service ended"
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the service did not become ready")
