"""The CRM under api/examples against the service as it is started: customers, tickets, webhook, labels."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import httpx
import pytest

from textcrm.operations.work.push import sign

if TYPE_CHECKING:
    from textcrm.settings import Settings
    from textcrm.store import Store

EXAMPLE = Path(__file__).resolve().parents[2] / "api" / "examples" / "crm.py"


@pytest.fixture
def service(settings: Settings, store: Store, models: Path, tmp_path: Path) -> Iterator[str]:
    """The address of `textcrm serve --with-worker` in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = settings.model_copy(update={"home": models, "port": port, "private_hosts": "127.0.0.1"})
    assert store.messages.count() == 0
    with (tmp_path / "service.log").open("wb") as out:
        command = [sys.executable, "-m", "textcrm", "serve", "--with-worker"]
        process = subprocess.Popen(command, env={**os.environ, **own.environment()}, stdout=out, stderr=out)
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if httpx.get(f"{address}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield address
        process.terminate()
        assert process.wait(60) in (0, -15), (tmp_path / "service.log").read_text()


def crm(address: str, key: str, database: Path) -> str:
    environment = {**os.environ, "TEXTCRM_URL": address, "TEXTCRM_KEY": key, "CRM_DB": str(database)}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_crm_gets_its_labels(service: str, store: Store, tmp_path: Path) -> None:
    key = store.keys.create("crm", scopes=["admin"])[0]
    said = crm(service, key, tmp_path / "crm.sqlite")
    assert "2 customers sent, 3 tickets sent" in said
    assert "3 results by webhook, 0 by asking" in said
    with sqlite3.connect(tmp_path / "crm.sqlite") as db:
        rows = db.execute("select id, linked_to, sentiment, labelled_at from ticket order by id").fetchall()
        secret = db.execute("select value from setting where name = 'secret'").fetchone()[0]
    db.close()
    assert [(row[0], row[1]) for row in rows] == [("T-1", "C-1"), ("T-2", "C-2"), ("T-3", "C-1")]
    assert all(row[3] for row in rows) and rows[2][2] == "positive"
    assert store.customers.count(provisional=False) == 2 and store.messages.count() == 3
    assert secret.startswith("whsec_") and secret not in json.dumps(list(store.database["sinks"].find({})), default=str)
    again = crm(service, key, tmp_path / "crm.sqlite")  # once more: nothing is sent or stored twice
    assert "0 tickets sent" in again and store.messages.count() == 3


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("crm_example", EXAMPLE)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_example_uses_the_standard_library_and_httpx_alone() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    names = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert names - set(sys.stdlib_module_names) == {"httpx"}


def test_the_example_takes_what_is_signed_and_takes_it_once(tmp_path: Path) -> None:
    example = module()
    database = example.Crm(str(tmp_path / "crm.sqlite"))
    secret = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="
    database.setting("secret", secret)
    with database.open() as db:
        db.execute("update ticket set textcrm_id = 'm1' where id = 'T-1'")
    insight = {
        "message_id": "m1",
        "predictions": [
            {"task": "intent", "label": "refund", "abstained": False},
            {"task": "urgency", "label": "high", "abstained": True},
        ],
        "link": None,
    }
    body, now = json.dumps({"insight": insight}).encode(), int(time.time())
    headers = {"webhook-id": "d1", "webhook-timestamp": str(now), "webhook-signature": sign(secret, "d1", now, body)}
    assert example.is_signed(secret, headers, body)
    assert not example.is_signed(secret, headers, body + b" ")
    assert not example.is_signed(secret, {**headers, "webhook-timestamp": str(now - 1)}, body)
    old = now - 600
    late = {**headers, "webhook-timestamp": str(old), "webhook-signature": sign(secret, "d1", old, body)}
    assert not example.is_signed(secret, late, body)
    assert database.label(insight, delivery="d1") and not database.label(insight, delivery="d1")
    with database.open() as db:
        row = db.execute("select * from ticket where id = 'T-1'").fetchone()
    assert (row["intent"], row["urgency"], row["linked_to"]) == ("refund", None, None)
