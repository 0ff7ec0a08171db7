"""Who may call what: every pair of role and endpoint, as the contract says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm_api.limits import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from textcrm.engine import Engine
    from textcrm.settings import Settings
    from textcrm.store import Store

CONTRACT = json.loads((Path(__file__).resolve().parents[2] / "api" / "openapi.json").read_text())
ROLES = ("nobody", "read", "text", "write", "correct", "admin")
# What each scope opens. "public" needs no key, "any" a valid one.
OPENS: dict[str, frozenset[str]] = {
    "public": frozenset(ROLES),
    "any": frozenset(ROLES) - {"nobody"},
    "read": frozenset({"read", "admin"}),
    "write": frozenset({"write", "admin"}),
    "correct": frozenset({"correct", "admin"}),
    "admin": frozenset({"admin"}),
}


def scope_of(operation: dict[str, Any]) -> str:
    scopes = {scope for way in operation["security"] for names in way.values() for scope in names}
    return scopes.pop() if scopes else "public"


OPERATIONS = [
    (method, path, scope_of(operation))
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
]


def test_reading_never_needs_more_and_writing_never_less() -> None:
    for method, path, scope in OPERATIONS:
        if path.startswith("/v1/hooks/"):  # whoever posts is known by a signature
            assert scope == "public", path
            continue
        if path.startswith("/v1/"):
            assert scope != "public", path
        if any(word in path for word in ("/keys", "/webhooks", "/audit")):
            assert scope == "admin", (method, path)
            continue
        if method in ("put", "delete"):
            assert scope in ("write", "correct"), (method, path)
        if method == "get":
            assert scope in ("public", "any", "read"), (method, path)


def test_every_role_is_let_in_or_refused_as_the_contract_says(app: FastAPI, key: Callable[..., str]) -> None:
    ways = {role: {"Authorization": f"Bearer {key(role)}"} for role in ROLES if role != "nobody"} | {"nobody": {}}
    with TestClient(app, raise_server_exceptions=False) as client:
        for method, path, scope in OPERATIONS:
            for role in ROLES:
                # a body that breaks the schema: whoever is let in hears of that, and nothing is done
                address = path.replace("{", "").replace("}", "")
                address += "?seconds=0" if path == "/v1/events" else ""  # else it answers for an hour
                answer = client.request(method, address, headers=ways[role], content=b"{")
                if role in OPENS[scope]:
                    assert answer.status_code not in (401, 403), (method, path, role, answer.text)
                else:
                    assert_problem(answer, "unauthenticated" if role == "nobody" else "forbidden")


def test_both_headers_carry_a_key(app: FastAPI, key: Callable[..., str]) -> None:
    text = key("read")
    with TestClient(app) as client:
        for headers in ({"Authorization": f"Bearer {text}"}, {"authorization": f"bearer {text}"}, {"X-API-Key": text}):
            me = client.get("/v1/me", headers=headers).json()
            assert me["scopes"] == ["read"]
            assert text not in json.dumps(me)


def test_what_is_no_key_is_refused(app: FastAPI, key: Callable[..., str]) -> None:
    text = key("read")
    wrong = [
        "",
        "tcrm_",
        text[:-1],
        text[:-1] + ("0" if text[-1] != "0" else "1"),
        text.upper(),
        text + "0",
        "x" * 5000,
        text.replace("tcrm_", "tcrm__"),
    ]
    with TestClient(app) as client:
        for value in wrong:
            answer = client.get("/v1/me", headers={"Authorization": f"Bearer {value}"})
            assert_problem(answer, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert_problem(client.get("/v1/me", headers={"Authorization": f"Basic {text}"}), "unauthenticated")
        assert_problem(client.get(f"/v1/me?key={text}"), "unauthenticated")


def test_a_key_ends_by_time_and_by_hand(client: TestClient, key: Callable[..., str], store: Store) -> None:
    old = key("read", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert_problem(client.get("/v1/me", headers={"Authorization": f"Bearer {old}"}), "unauthenticated")
    made = client.post("/v1/keys", json={"name": "crm", "scopes": ["read"]})
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert client.get("/v1/me", headers=headers).json()["name"] == "crm"
    assert_problem(client.post("/v1/keys", json={"name": "crm", "scopes": ["read"]}), "conflict")
    assert made.json()["secret"] not in client.get("/v1/keys").text
    assert client.delete(f"/v1/keys/{made.json()['key']['id']}").json()["revoked_at"]
    assert_problem(client.get("/v1/me", headers=headers), "unauthenticated")
    assert made.json()["secret"] not in str(list(store.database["keys"].find()))


def test_the_secret_of_a_key_is_not_kept_for_a_replay(client: TestClient, store: Store) -> None:
    headers = {"Idempotency-Key": "k"}
    client.post("/v1/keys", json={"name": "crm", "scopes": ["read"]}, headers=headers)
    assert store.database["idempotency"].count_documents({}) == 0


def test_who_asks_too_often_waits(settings: Settings, store: Store, engine: Engine, key: Callable[..., str]) -> None:
    from textcrm_api import create_app

    app = create_app(settings.model_copy(update={"requests_per_second": 2.0}), store=store, engine=engine)
    one, two = ({"Authorization": f"Bearer {key('read')}"} for _ in range(2))
    with TestClient(app) as client:
        answers = [client.get("/v1/me", headers=one) for _ in range(8)]
        refused = [a for a in answers if a.status_code == 429]
        assert refused
        assert_problem(refused[0], "rate_limited")
        assert int(refused[0].headers["retry-after"]) >= 1
        assert client.get("/v1/me", headers=two).status_code == 200


def test_a_bucket_fills_at_its_rate() -> None:
    limit = RateLimit(10.0, burst=2.0)
    assert [limit.wait("a", now=0.0) for _ in range(2)] == [0.0, 0.0]
    assert limit.wait("a", now=0.0) == pytest.approx(0.1)
    assert limit.wait("b", now=0.0) == 0.0
    assert limit.wait("a", now=0.05) == pytest.approx(0.05)
    assert limit.wait("a", now=0.1) == 0.0
    assert limit.wait("a", now=100.0) == 0.0
    assert limit.wait("a", now=100.0) == 0.0
    assert limit.wait("a", now=100.0) > 0.0
