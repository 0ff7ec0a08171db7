"""The service as its own process: started, used, stopped; and its keys from the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from tests.terminal import textcrm
from textcrm_api.server import open_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from textcrm.settings import Settings
    from textcrm.store import Store

PROGRAM = (sys.executable, "-c", "from textcrm.cli.main import main; main()")


@pytest.fixture
def environment(settings: Settings, models: Path) -> dict[str, str]:
    assert settings.mongodb_uri is not None
    return {
        **os.environ,
        "TEXTCRM_HOME": str(models),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }


def test_no_answer_waits_for_the_callers_word_that_its_first_part_came() -> None:
    with open_port(uvicorn.Config("nothing", port=0)) as port, socket.create_connection(port.getsockname()):
        accepted, _ = port.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_keys_are_made_listed_and_revoked(settings: Settings, store: Store) -> None:
    made = textcrm(settings, "keys", "create", "crm", "--scope", "read", "--expires-days", "30", "--json")
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)
    found = store.keys.check(key["key"])
    assert found is not None
    assert (found.name, found.scopes) == ("crm", ("read",))
    plain = textcrm(settings, "keys", "create", "other")
    assert plain.stdout.strip().startswith("tcrm_")
    assert textcrm(settings, "keys", "create", "crm").returncode == 2
    assert textcrm(settings, "keys", "create", "x", "--scope", "all").returncode == 2
    listed = json.loads(textcrm(settings, "keys", "list", "--json").stdout)
    assert {item["name"] for item in listed} == {"crm", "other"}
    assert key["key"] not in json.dumps(listed)
    assert textcrm(settings, "keys", "revoke", "crm").returncode == 0
    assert store.keys.check(key["key"]) is None
    assert textcrm(settings, "keys", "revoke", "crm").returncode == 2


@pytest.mark.slow
def test_a_message_posted_is_analysed_soon_and_the_service_stops_cleanly(
    environment: dict[str, str], key: Callable[..., str], tmp_path: Path
) -> None:
    log = tmp_path / "serve.log"
    command = [*PROGRAM, "serve", "--port", "0", "--with-worker"]
    with log.open("w") as stderr, subprocess.Popen(command, env=environment, stderr=stderr) as server:
        try:
            deadline = time.monotonic() + 120
            while not (address := re.search(r"The API: (http://\S+)/v1", log.read_text())):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            headers = {"Authorization": f"Bearer {key('admin')}"}
            with httpx.Client(base_url=address[1], headers=headers, timeout=60) as web:
                made = web.post("/v1/messages", json={"id": "1", "text": "Where is my order? It is late."})
                message_id = made.json()["items"][0]["id"]
                deadline = time.monotonic() + 60
                while web.get(f"/v1/insights/{message_id}").status_code != 200:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
        finally:
            server.send_signal(signal.SIGTERM)
        server.wait(60)
    assert "Where is my order" not in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
def test_several_processes_serve_one_port_and_finish_what_they_began(
    environment: dict[str, str], key: Callable[..., str], tmp_path: Path
) -> None:
    log = tmp_path / "serve.log"
    command = [*PROGRAM, "serve", "--port", "0", "--workers", "2", "--json-logs"]
    headers = {"Authorization": f"Bearer {key('admin')}"}
    with log.open("w") as stderr, subprocess.Popen(command, env=environment, stderr=stderr) as server:
        try:
            deadline = time.monotonic() + 120
            while not (address := re.search(r"The API: (http://\S+)/v1", log.read_text())):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert re.search(rf"to make the first admin: \s*{address[1]}/signin\?token=", log.read_text())
            with httpx.Client(base_url=address[1], headers=headers, timeout=60) as web:
                while True:
                    assert server.poll() is None, log.read_text()
                    assert time.monotonic() < deadline
                    try:
                        if web.get("/readyz").status_code == 200:
                            break
                    except httpx.TransportError:
                        time.sleep(0.2)
                metrics = web.get("/metrics").text
                assert re.search(r'textcrm_http_requests_total\{[^}]*process="\d+"[^}]*\} ', metrics)
                assert 'textcrm_messages{state="done"} 0.0' in metrics
                text = "Where is my order? It is late. " * 10

                def ask(number: int) -> int:
                    items = {"items": [{"text": f"{number} {n} {text}"} for n in range(10)]}
                    return web.post("/v1/analyse", json=items).status_code

                with ThreadPoolExecutor(8) as pool:
                    begun = [pool.submit(ask, number) for number in range(8)]
                    time.sleep(1.0)
                    server.send_signal(signal.SIGTERM)
                    assert {work.result() for work in begun} <= {200, 503}
                    assert 200 in {work.result() for work in begun}
        finally:
            server.terminate()
        server.wait(90)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert any(line.get("route") == "/v1/analyse" and line["status"] == 200 for line in lines)
    assert "Where is my order" not in log.read_text()
