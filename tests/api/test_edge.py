from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm_api import create_app, edge
from textcrm_api.logs import JsonLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from tests.api.conftest import Live
    from textcrm.engine import Engine
    from textcrm.settings import Settings
    from textcrm.store import Store


def test_health_needs_no_key_and_metrics_do(live: Live) -> None:
    assert httpx.get(f"{live.url}/healthz").json()["status"] == "ok"
    ready = httpx.get(f"{live.url}/readyz").json()
    assert (ready["status"], ready["waiting"]) == ("ready", 0)
    assert {check["name"]: check["ok"] for check in ready["checks"]} == {"database": True, "models": True, "lag": True}
    assert_problem(httpx.get(f"{live.url}/metrics"), "unauthenticated")


def test_metrics_count_routes_and_never_texts(client: TestClient) -> None:
    client.post("/v1/classify", json={"text": "swordfish"})
    client.get("/v1/messages/swordfish")
    client.get("/swordfish")
    text = client.get("/metrics").text
    assert 'textcrm_http_requests_total{method="POST",route="/v1/classify",status="200"} 1.0' in text
    assert 'route="/v1/messages/{message_id}",status="404"' in text
    assert "textcrm_batch_items_count 1.0" in text
    assert 'textcrm_messages{state="pending"} 0.0' in text
    assert "swordfish" not in text


def test_every_answer_carries_an_id_and_safe_headers(client: TestClient) -> None:
    for path in ("/healthz", "/v1/me", "/nowhere", "/v1/messages/absent"):
        answer = client.get(path)
        assert len(answer.headers["x-request-id"]) == 16
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers
    assert client.get("/v1/me").headers["cache-control"] == "no-store"
    assert client.get("/v1/me", headers={"X-Request-Id": "crm-42.a_B"}).headers["x-request-id"] == "crm-42.a_B"
    for bad in ("a b", "x" * 65, "<script>", "a\x7f"):
        assert client.get("/v1/me", headers={"X-Request-Id": bad}).headers["x-request-id"] != bad


def test_logs_hold_ids_and_no_text(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.post("/v1/classify", json={"text": "swordfish"}, headers={"X-Request-Id": "crm-1"})
        client.get("/v1/messages", params={"q": "swordfish"})
        client.get("/v1/customers/swordfish")
    ours = [record.getMessage() for record in caplog.records if record.name == "textcrm.api"]
    assert any("id=crm-1" in line and "route=/v1/classify" in line for line in ours)
    assert not any("swordfish" in line for line in ours)


@pytest.fixture
def small(settings: Settings, store: Store, engine: Engine, key: Callable[..., str]) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update={"max_body_bytes": 10_000}), store=store, engine=engine)
    with TestClient(app, headers={"Authorization": f"Bearer {key('admin')}"}) as opened:
        yield opened


def test_a_body_over_the_cap_is_refused_declared_or_not(small: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    body = b'{"text": "' + b"a" * 20_000 + b'"}'
    assert_problem(small.post("/v1/classify", content=body, headers=headers), "body_too_large")

    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b'{"text": "' + b"a" * 1_000

    assert_problem(small.post("/v1/classify", content=pieces(), headers=headers), "body_too_large")
    assert small.post("/v1/classify", json={"text": "a" * 9_000}).status_code == 200


def test_an_endless_body_is_cut_off_while_it_streams(live: Live) -> None:
    address = urlsplit(live.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = (
            f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live.key}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode())
        sent = 0
        try:
            while sent < 60_000_000:
                connection.sendall(b"10000\r\n" + b"a" * 65_536 + b"\r\n")
                sent += 65_536
        except OSError:
            pass
        assert sent < 40_000_000


def test_a_body_that_does_not_arrive_is_given_up(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "BODY_SECONDS", 0.3)
    address = urlsplit(live.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    connection.putrequest("POST", "/v1/classify")
    connection.putheader("Authorization", f"Bearer {live.key}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "100")
    connection.endheaders()
    begin = time.monotonic()
    answer = connection.getresponse()
    assert answer.status == 408
    assert b'"code":"timeout"' in answer.read()
    assert time.monotonic() - begin < 10
    connection.close()


def test_other_origins_are_let_in_only_when_set(
    client: TestClient, settings: Settings, store: Store, engine: Engine
) -> None:
    asks = {"Origin": "https://crm.example", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in client.options("/v1/me", headers=asks).headers
    app = create_app(settings.model_copy(update={"cors_origins": "https://crm.example"}), store=store, engine=engine)
    with TestClient(app) as opened:
        assert opened.options("/v1/me", headers=asks).headers["access-control-allow-origin"] == "https://crm.example"
        other = opened.options("/v1/me", headers={**asks, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_long_answers_are_compressed(client: TestClient) -> None:
    items = [{"id": f"C-{n}", "name": "Customer"} for n in range(50)]
    client.put("/v1/customers", json={"items": items})
    assert client.get("/v1/customers", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_an_answer_that_takes_too_long_is_given_up(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(edge, "REQUEST_SECONDS", 0.3)

    async def slow() -> dict[str, str]:
        await asyncio.sleep(30)
        return {"said": "swordfish"}

    def stuck() -> None:
        time.sleep(1.5)

    app.add_api_route("/slow", slow)
    app.add_api_route("/stuck", stuck)
    with TestClient(app, raise_server_exceptions=False) as opened:
        for path in ("/slow", "/stuck"):
            begin = time.monotonic()
            answer = opened.get(path)
            assert_problem(answer, "request_timeout")
            assert int(answer.headers["retry-after"]) >= 1
            assert time.monotonic() - begin < 20  # not the thirty seconds that it sleeps
        assert opened.get("/healthz").status_code == 200
    assert "late id=" in caplog.text


def test_not_ready_while_the_work_is_five_minutes_behind(client: TestClient, store: Store) -> None:
    client.post("/v1/messages", json={"text": "hello"})
    assert client.get("/readyz").status_code == 200
    long_ago = store.now() - timedelta(seconds=400)
    store.database["messages"].update_one({}, {"$set": {"work.queued_at": long_ago}})
    body = assert_problem(client.get("/readyz"), "not_ready")
    assert body["detail"].startswith("lag: the oldest message waits for 40")


def test_logs_as_json_are_one_object_a_line(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.post("/v1/classify", json={"text": "swordfish"}, headers={"X-Request-Id": "crm-1"})
    (record,) = [r for r in caplog.records if r.name == "textcrm.api"]
    line = json.loads(JsonLines().format(record))
    assert (line["id"], line["route"], line["status"], line["level"]) == ("crm-1", "/v1/classify", 200, "info")
    assert line["at"].endswith("+00:00")
    try:
        raise ValueError("swordfish")
    except ValueError:
        failed = logging.makeLogRecord({"msg": "failure", "exc_info": sys.exc_info()})
    assert json.loads(JsonLines().format(failed))["error"] == "ValueError"
    assert "swordfish" not in JsonLines().format(failed)


def test_traces_join_those_of_the_caller_and_hold_no_text(settings: Settings, store: Store, engine: Engine) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = create_app(settings, store=store, engine=engine, traces=provider)
    secret, _ = store.keys.create("traced", scopes=("read",))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"Authorization": f"Bearer {secret}", "traceparent": parent, "X-Request-Id": "crm-1"}
    with TestClient(app) as opened:
        opened.post("/v1/classify", json={"text": "swordfish"}, headers=headers)
        opened.get("/v1/messages/swordfish", headers=headers)
    first, second = exporter.get_finished_spans()
    assert first.name == "POST /v1/classify"
    assert f"{first.context.trace_id:032x}" == parent.split("-")[1]
    assert dict(first.attributes or {})["http.response.status_code"] == 200
    assert dict(first.attributes or {})["textcrm.request_id"] == "crm-1"
    assert second.name == "GET /v1/messages/{message_id}"
    assert "swordfish" not in first.to_json() + second.to_json()


def test_without_traces_nothing_of_opentelemetry_is_imported() -> None:
    program = "import textcrm_api, sys; print(sorted(n for n in sys.modules if n.startswith('opentelemetry.sdk')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
