"""Webhooks out, over HTTP: made, tried, listed, removed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem

if TYPE_CHECKING:
    from textcrm.settings import Settings
    from textcrm.store import Store

Taken = list[tuple[dict[str, str], bytes]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """This machine may be reached."""
    return settings.model_copy(update={"private_hosts": "127.0.0.1"})


@pytest.fixture
def receiver() -> Iterator[tuple[str, Taken]]:
    taken: Taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(302 if self.path == "/away" else 204)
            self.send_header("Location", "/hook")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_made_tried_listed_and_removed(
    client: TestClient, receiver: tuple[str, Taken], store: Store
) -> None:
    url, taken = receiver
    made = client.post("/v1/webhooks", json={"name": "crm", "url": f"{url}/hook"}, headers={"Idempotency-Key": "k"})
    assert (made.status_code, made.headers["location"]) == (201, "/v1/webhooks/crm")
    secret = made.json()["secret"]
    assert secret.startswith("whsec_") and secret not in str(list(store.database["idempotency"].find({})))
    assert client.post("/v1/webhooks/crm/test").json() == {"taken": True, "status": 204, "problem": ""}
    headers, body = taken[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert json.loads(body)["message"] is None
    listed = client.get("/v1/webhooks").json()["items"]
    assert [(w["name"], w["waiting"]) for w in listed] == [("crm", 0)]
    assert secret not in json.dumps(listed)
    assert client.get("/v1/webhooks/crm").json() == listed[0]
    assert client.delete("/v1/webhooks/crm").json() == listed[0]
    assert_problem(client.get("/v1/webhooks/crm"), "not_found")
    assert_problem(client.post("/v1/webhooks/crm/test"), "not_found")


def test_a_redirect_is_no_answer_and_is_not_followed(client: TestClient, receiver: tuple[str, Taken]) -> None:
    url, taken = receiver
    client.post("/v1/webhooks", json={"name": "crm", "url": f"{url}/away"})
    tried = client.post("/v1/webhooks/crm/test").json()
    assert (tried["taken"], tried["status"], len(taken)) == (False, 302, 1)


def test_what_is_no_webhook_is_refused(client: TestClient, store: Store) -> None:
    for url in (
        "https://10.0.0.1/",
        "https://[::1]/",
        "http://example.com/",
        "https://u@example.com/",
        "ftp://x/",
        "x",
    ):
        assert_problem(client.post("/v1/webhooks", json={"name": "a", "url": url}), "usage")
    assert_problem(client.post("/v1/webhooks", json={"name": "a/b", "url": "https://example.com/"}), "invalid_request")
    assert client.post("/v1/webhooks", json={"name": "a", "url": "https://example.com/"}).status_code == 201
    assert_problem(client.post("/v1/webhooks", json={"name": "a", "url": "https://example.com/"}), "conflict")
    store.sinks.add("topic", kind="kafka", config={}, secret=b"")
    assert [w["name"] for w in client.get("/v1/webhooks").json()["items"]] == ["a"]
    assert_problem(client.delete("/v1/webhooks/topic"), "not_found")
