"""What the API and the pages write into the audit log; masked texts; rotation and quotas of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from tests.desk_data import ANN, application, fill
from tests.factories import message
from textcrm.operations.access.audit import audit_of
from textcrm.operations.desk.similar import encoder_of, make_vectors
from textcrm.operations.texts.analysis import analyse_stored
from textcrm.store.audit import Entry
from textcrm_api import create_app
from textcrm_api.dashboard import sign_in_link

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.settings import Settings
    from textcrm.store import Store

SAID = "Please call Ann Lee at ann.lee@example.com about order #48213."
BASE = "http://testserver"


@pytest.fixture
def entries(store: Store, settings: Settings) -> Callable[[], list[Entry]]:
    return lambda: list(audit_of(store, settings))


@pytest.fixture
def with_key(client: TestClient, key: Callable[..., str]) -> Callable[..., TestClient]:
    """Makes clients by the scopes of their key, on one application that runs."""

    def make(*scopes: str) -> TestClient:
        headers = {"Authorization": f"Bearer {key(*scopes)}"}
        return TestClient(client.app, raise_server_exceptions=False, headers=headers)

    return make


def test_writes_are_written_down_with_who_and_what(client: TestClient, entries: Callable[[], list[Entry]]) -> None:
    me = client.get("/v1/me").json()["id"]
    made = client.post("/v1/messages", json={"items": [{"text": "a"}, {"text": "b"}]}, headers={"X-Request-Id": "r-1"})
    ids = [item["id"] for item in made.json()["items"]]
    client.put("/v1/customers/C-7", json={"name": "Ann Lee"})
    client.put("/v1/customers", json={"items": [{"id": "C-8"}, {"id": "C-9"}]})
    client.post("/v1/messages", json={"wrong": True})
    client.post("/v1/classify", json={"text": SAID})
    client.post("/v1/analyse", json={"text": SAID})
    made = client.post("/v1/keys", json={"name": "crm", "scopes": ["read"]})
    deeds = [e.deed for e in entries()]
    assert [(d.who, d.kind, d.action) for d in deeds] == [
        (f"key:{me}", "write", "POST /v1/messages"),
        (f"key:{me}", "write", "PUT /v1/customers/{customer_id}"),
        (f"key:{me}", "write", "PUT /v1/customers"),
        (f"key:{me}", "write", "POST /v1/keys"),
    ]
    assert [list(d.about) for d in deeds] == [ids, ["C-7"], ["C-8", "C-9"], [made.json()["key"]["id"]]]
    assert deeds[0].request == "r-1"
    assert "Ann" not in json.dumps([str(e) for e in entries()])


def test_readings_of_texts_are_written_down_once_a_request(
    client: TestClient, entries: Callable[[], list[Entry]], store: Store
) -> None:
    stored = fill(store)
    before = len(entries())
    shown = [m["id"] for m in client.get("/v1/messages", params={"limit": 5}).json()["items"]]
    client.get(f"/v1/messages/{stored[0].id}")
    client.get(f"/v1/insights/{stored[1].id}")
    client.get(f"/v1/customers/{ANN.id}/messages", params={"limit": 2})
    client.get("/v1/messages/absent")
    client.get("/v1/customers")
    client.get("/v1/exports/messages.csv")
    client.get("/v1/exports/messages.csv", params={"mask": False})
    client.get("/v1/exports/customers.csv")
    deeds = [e.deed for e in entries()[before:]]
    assert [(d.kind, d.action, len(d.about)) for d in deeds] == [
        ("read", "GET /v1/messages", 5),
        ("read", "GET /v1/messages/{message_id}", 1),
        ("read", "GET /v1/insights/{message_id}", 1),
        ("read", "GET /v1/customers/{customer_id}/messages", 2),
        ("read", "GET /v1/exports/messages.{form}", 0),
        ("read", "GET /v1/exports/customers.{form}", 0),
    ]
    assert list(deeds[0].about) == shown


def test_a_replayed_write_is_one_write(client: TestClient, entries: Callable[[], list[Entry]]) -> None:
    for _ in range(3):
        client.post("/v1/messages", json={"text": "a"}, headers={"Idempotency-Key": "k"})
    assert len(entries()) == 1


def test_the_log_can_be_read_by_admins_and_is_whole(
    client: TestClient, with_key: Callable[..., TestClient], store: Store, settings: Settings
) -> None:
    for n in range(7):
        client.put(f"/v1/customers/C-{n}", json={"name": "x"})
    assert_problem(with_key("read", "write", "correct", "text").get("/v1/audit"), "forbidden")
    first = client.get("/v1/audit", params={"limit": 4}).json()
    second = client.get("/v1/audit", params={"limit": 4, "cursor": first["next"]}).json()
    assert [row["number"] for row in first["items"] + second["items"]] == [7, 6, 5, 4, 3, 2, 1]
    assert second["next"] is None
    assert [r["number"] for r in client.get("/v1/audit", params={"about": "C-3"}).json()["items"]] == [4]
    assert audit_of(store, settings).verify().problems == ()


def test_a_key_without_the_scope_text_sees_masked_texts_everywhere(
    with_key: Callable[..., TestClient], store: Store, engine: Engine, entries: Callable[[], list[Entry]]
) -> None:
    from datetime import timedelta

    sent = message(SAID, channel="chat", author={"name": "Ann Lee", "email": "ann.lee@example.com"}, subject="Ann Lee")
    store.messages.add([sent])
    claim = store.messages.claim("test", limit=5, lease=timedelta(minutes=5))
    made = engine.insights([sent], find=store.customers.find, now=datetime.now(UTC))[0]
    store.insights.complete(claim, made)
    masked, full = with_key("read"), with_key("read", "text")
    body = {"text": SAID, "author": {"name": "Ann Lee", "email": "ann.lee@example.com"}}
    asks: list[tuple[str, str, Any]] = [
        ("GET", "/v1/messages", None),
        ("GET", f"/v1/messages/{sent.id}", None),
        ("GET", "/v1/insights", None),
        ("GET", f"/v1/insights/{sent.id}", None),
        ("GET", "/v1/exports/messages.jsonl", None),
        ("POST", "/v1/analyse", body),
        ("POST", "/v1/entities", {"text": SAID}),
        ("POST", "/v1/mask", {"text": SAID}),
    ]
    for method, path, content in asks:
        answer = masked.request(method, path, json=content)
        assert answer.status_code == 200, (path, answer.text)
        assert "Ann Lee" not in answer.text, path
        assert "ann.lee@" not in answer.text, path
        if "mask" not in path and "exports" not in path:
            assert "ann.lee@example.com" in full.request(method, path, json=content).text, path
    for path in ("/v1/messages?q=Ann", "/v1/messages?q=order&channel=chat", "/v1/exports/messages.csv?mask=false"):
        assert_problem(masked.get(path), "forbidden")
    assert full.get("/v1/messages?q=order").json()["items"][0]["id"] == sent.id
    assert_problem(masked.post("/v1/mask?policy=storage", json={"text": SAID}), "forbidden")
    assert full.post("/v1/mask?policy=storage", json={"text": SAID}).status_code == 200
    insight = masked.get(f"/v1/insights/{sent.id}").json()
    text = masked.get(f"/v1/messages/{sent.id}").json()["text"]
    for entity in insight["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
    assert all(e.deed.kind != "read" or sent.id in e.deed.about for e in entries())
    assert {e.deed.who for e in entries()} == {f"key:{full.get('/v1/me').json()['id']}"}


def test_a_key_without_the_scope_text_sees_masked_customers_and_finds_nobody_by_what_is_hidden(
    client: TestClient, with_key: Callable[..., TestClient]
) -> None:
    known = {
        "name": "Ann Lee",
        "emails": ["ann.lee@example.com"],
        "phones": ["+442079460018"],
        "handles": ["@annlee"],
        "number": "K-48213",
        "segment": "gold",
        "fields": {"street": "12 Elm Road"},
    }
    assert client.put("/v1/customers/C-1", json=known).status_code == 200
    hidden = ("Ann Lee", "ann.lee@", "2079460018", "annlee", "K-48213", "Elm Road")
    masked, full = with_key("read", "write"), with_key("read", "text")
    for path in ("/v1/customers", "/v1/customers/C-1", "/v1/exports/customers.csv", "/v1/exports/customers.jsonl"):
        seen, shown = masked.get(path).text, full.get(path).text
        assert "C-1" in seen, path
        assert "gold" in seen, path
        assert [word for word in hidden if word in seen] == [], path
        missing = [word for word in hidden if word not in shown and not (word == "Elm Road" and "exports" in path)]
        assert missing == [], path
    one = masked.get("/v1/customers/C-1")
    assert (one.json()["name"], one.json()["emails"], one.json()["fields"]) == (
        "[PERSON]", ["[EMAIL]"], {"street": "[FIELD]"}
    )  # fmt: skip
    for name, value in (("email", "ann.lee@example.com"), ("phone", "+442079460018"), ("number", "K-48213")):
        assert_problem(masked.get("/v1/customers", params={name: value}), "forbidden")
        assert [c["id"] for c in full.get("/v1/customers", params={name: value}).json()["items"]] == ["C-1"]
    # what was masked is not written back over what is known
    again = masked.put("/v1/customers/C-1", json={"name": "[PERSON]"}, headers={"If-Match": one.headers["etag"]})
    assert_problem(again, "precondition_failed")
    assert full.get("/v1/customers/C-1").json()["name"] == "Ann Lee"


def test_a_key_without_the_scope_text_learns_ids_and_labels_alone(
    with_key: Callable[..., TestClient], store: Store, engine: Engine
) -> None:
    masked = with_key("read", "write")
    masked.post("/v1/messages", json={"text": SAID, "author": {"name": "Ann Lee", "email": "ann.lee@example.com"}})
    first = next(iter(masked.get("/v1/messages").json()["items"]))
    analyse_stored(store, engine)
    encoder = encoder_of(engine)
    assert encoder is not None
    make_vectors(store, encoder, owner="w")
    masked.app.state.service.similar.follow()  # type: ignore[attr-defined]
    assert_problem(masked.post("/v1/similar", json={"text": SAID}), "forbidden")
    similar = masked.get(f"/v1/messages/{first['id']}/similar")
    job = masked.post("/v1/jobs", json={"channel": "chat"})
    answers = [similar, job, masked.get("/v1/jobs"), masked.get("/v1/events", params={"seconds": 1})]
    for answer in answers:
        assert answer.status_code in (200, 202), answer.text
        assert not any(word in answer.text for word in ("Ann", "ann.lee@", "Please call", "48213")), answer.text


def test_a_key_is_rotated_with_an_overlap(client: TestClient, store: Store) -> None:
    made = client.post(
        "/v1/keys", json={"name": "crm", "scopes": ["read", "text"], "per_day": 500, "per_second": 9}
    ).json()
    turned = client.post(f"/v1/keys/{made['key']['id']}/rotate", json={"overlap_hours": 2})
    assert turned.status_code == 201
    body = turned.json()
    assert (body["key"]["name"], body["key"]["scopes"]) == ("crm", ["read", "text"])
    assert (body["key"]["per_day"], body["key"]["per_second"]) == (500, 9)
    left = datetime.fromisoformat(body["old"]["expires_at"]) - datetime.now(UTC)
    assert 1.9 * 3_600 < left.total_seconds() < 2.1 * 3_600
    assert store.keys.check(made["secret"])
    assert store.keys.check(body["secret"])
    assert body["secret"] not in str(list(store.database["keys"].find()))
    again = client.post("/v1/keys/crm/rotate", json={"overlap_hours": 0}).json()
    assert again["old"]["id"] == body["key"]["id"]
    assert store.keys.check(body["secret"]) is None
    assert store.keys.check(made["secret"])
    client.delete("/v1/keys/crm")
    assert store.keys.check(made["secret"]) is None
    assert store.keys.check(again["secret"]) is None
    assert_problem(client.post("/v1/keys/crm/rotate", json={}), "not_found")


def test_a_key_has_its_own_rate_and_its_own_day(
    settings: Settings, store: Store, engine: Engine, key: Callable[..., str]
) -> None:
    one = {"Authorization": f"Bearer {key('read', per_day=5)}"}
    two = {"Authorization": f"Bearer {key('read', per_second=1.0)}"}
    apps = [create_app(settings, store=store, engine=engine) for _ in range(2)]
    clients = [TestClient(app) for app in apps]  # two processes count one day
    answers = [clients[n % 2].get("/v1/me", headers=one) for n in range(8)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 3
    assert_problem(answers[-1], "quota_exceeded")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 86_400
    assert [clients[0].get("/v1/me", headers=two).status_code for _ in range(4)].count(429) == 2


@pytest.fixture
def person(settings: Settings, store: Store) -> Iterator[TestClient]:
    with TestClient(application(settings, store), follow_redirects=False) as opened:
        opened.get(sign_in_link(store, BASE, name="Robin Vale"))
        yield opened


def test_the_pages_write_down_what_people_read_and_did(
    person: TestClient, store: Store, entries: Callable[[], list[Entry]]
) -> None:
    stored = fill(store)
    before = len(entries())
    page = person.get("/desk").text
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found
    person.get(f"/desk/{stored[0].id}")
    person.get(f"/desk/{stored[0].id}/original")
    person.get("/customers")
    person.get(f"/customers/{ANN.id}")
    person.post("/desk/act", data={"csrf": found[1], "action": "close", "id": [stored[0].id, stored[1].id]})
    person.post("/desk/act", data={"csrf": "0", "action": "close", "id": stored[2].id})
    person.get("/operations")
    deeds = [e.deed for e in entries()[before:]]
    assert {d.who for d in deeds} == {"person:Robin Vale"}
    assert [(d.kind, d.action) for d in deeds] == [
        ("read", "GET /desk"),
        ("read", "GET /desk/{message_id}"),
        ("read", "GET /desk/{message_id}/original"),
        ("read", "GET /customers/{customer_id}"),
        ("write", "POST /desk/act"),
    ]
    assert len(deeds[0].about) == 50
    assert stored[0].id in deeds[1].about
    assert deeds[4].about == (stored[0].id, stored[1].id)


def test_signing_in_is_written_down(person: TestClient, entries: Callable[[], list[Entry]]) -> None:
    assert person.get("/audit").status_code == 200
    (entry,) = entries()[:1]
    assert (entry.deed.who, entry.deed.action) == ("person:Robin Vale", "GET /signin")
    assert "GET /signin" in person.get("/audit").text
