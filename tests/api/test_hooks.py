"""Webhooks in: signed, stored before they are answered, mapped, and nothing lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm.errors import ConflictError, UsageError
from textcrm.operations.intake.hooks import add_hook, signed
from textcrm.operations.intake.quarantine import replay_items
from textcrm.operations.work.push import sign
from textcrm.sources.webhook import MOST_FIELDS, MOST_ITEMS, flat

if TYPE_CHECKING:
    from textcrm.settings import Settings
    from textcrm.store import Store

TICKET = {
    "event": "ticket.created",
    "ticket": {
        "id": 4711,
        "subject": "Kettle",
        "comments": [{"body": "The kettle I got leaks.", "at": "2026-09-01T10:00:00+02:00"}],
        "requester": {"name": "Ann Lee", "email": "Ann@Example.com"},
    },
    "tags": ["a", "b"],
}
MAPPING = {
    "text": "ticket.comments.0.body",
    "author_email": "ticket.requester.email",
    "author_name": "ticket.requester.name",
    "sent_at": "ticket.comments.0.at",
    "external_id": "ticket.id",
    "subject": "ticket.subject",
}


def post(client: TestClient, body: bytes, secret: str, *, name: str = "desk", **changed: str) -> Any:
    now = int(time.time())
    headers = {"webhook-id": "d1", "webhook-timestamp": str(now), "webhook-signature": sign(secret, "d1", now, body)}
    headers = {**headers, "authorization": "", **{k.replace("_", "-"): v for k, v in changed.items()}}
    return client.post(f"/v1/hooks/{name}", content=body, headers=headers)


def test_what_is_signed_is_stored_before_it_is_answered(client: TestClient, store: Store, settings: Settings) -> None:
    secret = add_hook(store, "desk", settings=settings, channel="email", mapping=MAPPING)
    body = json.dumps(TICKET).encode()
    answer = post(client, body, secret)
    assert (answer.status_code, answer.json()) == (202, {"stored": 1, "duplicates": 0, "quarantined": 0})
    (message,) = store.messages.iterate()
    assert (message.text, message.subject, message.channel) == ("The kettle I got leaks.", "Kettle", "email")
    assert (message.author.email, message.author.name) == ("ann@example.com", "Ann Lee")
    assert message.sent_at is not None and message.sent_at.isoformat() == "2026-09-01T08:00:00+00:00"
    assert (message.source.kind, message.source.name, message.source.external_id) == ("webhook", "desk", "4711")
    assert dict(message.extra) == {"event": "ticket.created", "tags.0": "a", "tags.1": "b"}
    assert post(client, body, secret).json() == {"stored": 0, "duplicates": 1, "quarantined": 0}
    assert secret not in repr(store.database["sources"].find_one({}))


def test_what_is_not_signed_rightly_is_refused(client: TestClient, store: Store, settings: Settings) -> None:
    secret = add_hook(store, "desk", settings=settings)
    body = json.dumps({"text": "The kettle leaks."}).encode()
    now = str(int(time.time()))
    for changed in (
        {"webhook_id": "d2"},
        {"webhook_id": ""},
        {"webhook_timestamp": str(int(now) - 1)},
        {"webhook_timestamp": "now"},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "9" * 40},
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1," + base64.b64encode(b"x" * 32).decode()},
        {"webhook_signature": "v2," + sign(secret, "d1", int(now), body)[3:]},
    ):
        assert_problem(post(client, body, secret, **changed), "bad_signature")
    assert_problem(post(client, body, "whsec_" + base64.b64encode(b"y" * 32).decode()), "bad_signature")
    assert_problem(post(client, body, secret, name="other"), "not_found")
    assert store.messages.count() == 0
    old = int(now) - 301
    late = {"webhook_timestamp": str(old), "webhook_signature": sign(secret, "d1", old, body)}
    assert_problem(post(client, body, secret, **late), "bad_signature")
    several = f"v1,AAAA {sign(secret, 'd1', int(now), body)}"
    assert post(client, body, secret, webhook_timestamp=now, webhook_signature=several).status_code == 202


def test_other_ways_to_sign() -> None:
    body, secret = b'{"text": "x"}', "a secret of the sender"
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    for value in (f"sha256={digest.hex()}", digest.hex().upper(), base64.b64encode(digest).decode()):
        assert signed(body, {"x-hub-signature-256": value}, scheme="hmac", header="x-hub-signature-256", secret=secret)
    for value in ("", "sha256=", digest.hex()[:-1] + "0", "é"):
        assert not signed(body, {"x-sig": value}, scheme="hmac", header="x-sig", secret=secret)
    assert signed(body, {"x-token": secret}, scheme="token", header="x-token", secret=secret)
    assert not signed(body, {"x-token": secret + "x"}, scheme="token", header="x-token", secret=secret)
    assert not signed(body, {}, scheme="token", header="x-token", secret=secret)


def test_a_list_is_many_and_what_is_no_message_is_kept(client: TestClient, store: Store, settings: Settings) -> None:
    secret = add_hook(store, "desk", settings=settings)
    items = [{"text": "The kettle leaks."}, {"text": ""}, "no object", {"text": "Where is my order?"}]
    assert post(client, json.dumps(items).encode(), secret).json() == {"stored": 2, "duplicates": 0, "quarantined": 2}
    for odd in (b"", b"\xff", b"{", b"[" * 100_000, b"null", b"[]" * 2, json.dumps(["x"] * (MOST_ITEMS + 1)).encode()):
        assert post(client, odd, secret).json()["quarantined"] == 1
    assert post(client, b"[]", secret).json() == {"stored": 0, "duplicates": 0, "quarantined": 0}
    assert store.sources.get("desk").problem == ""
    assert len(store.quarantine.list(status=None, limit=100)) == 9


def test_the_quarantine_is_replayed(client: TestClient, store: Store, settings: Settings) -> None:
    secret = add_hook(store, "desk", settings=settings, mapping={"text": "no.such"})
    assert post(client, json.dumps(TICKET).encode(), secret).json()["quarantined"] == 1
    (item,) = store.quarantine.list(status=None, limit=9)
    assert replay_items(store, [item], settings=settings)[0].outcome == "failed"
    store.database["quarantine"].update_one({}, {"$set": {"mapping": list(MAPPING.items())}})
    (item,) = store.quarantine.list(status=None, limit=9)
    assert replay_items(store, [item], settings=settings)[0].outcome == "stored"


def test_paths_end_somewhere() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = {"a": deep}
    assert list(flat(deep)) == []
    assert len(list(flat({str(n): n for n in range(5 * MOST_FIELDS)}))) == MOST_FIELDS
    assert dict(flat({"a": {"b": [1, None, True, "é"]}})) == {"a.b.0": "1", "a.b.2": "true", "a.b.3": "é"}


def test_what_cannot_be_a_source(store: Store, settings: Settings) -> None:
    for wrong in (
        {"name": "a/b"},
        {"scheme": "none"},
        {"header": "x y"},
        {"header": ""},
        {"mapping": {"colour": "x"}},
        {"secret": "short"},
    ):
        with pytest.raises(UsageError):
            add_hook(store, **{"name": "desk", "settings": settings, **wrong})  # type: ignore[arg-type]
    add_hook(store, "desk", settings=settings)
    with pytest.raises(ConflictError):
        add_hook(store, "desk", settings=settings)
