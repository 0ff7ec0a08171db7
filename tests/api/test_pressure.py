"""What the service says and does when it falls behind, or its disk fills up."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from tests.desk_data import application
from tests.factories import message
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.messages import BACKFILL
from textcrm_api.app import NEED_MODELS
from textcrm_api.batching import Batcher
from textcrm_api.dashboard import sign_in_link

SENT = {"text": "Where is my order?", "channel": "chat"}


def behind(store: Store, **ago: float) -> None:
    """Let the messages wait since some time ago."""
    since = store.now() - timedelta(**ago)
    store.database["messages"].update_many({}, {"$set": {"work.queued_at": since}})


def figures(client: TestClient) -> dict[str, float]:
    found = re.findall(r"^textcrm_(\w+) (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_the_metrics_tell_the_lag(client: TestClient, store: Store) -> None:
    assert figures(client)["lag_seconds"] == 0 and figures(client)["lag_messages"] == 0
    store.messages.add([message(f"m{n}") for n in range(3)])
    behind(store, minutes=7)
    store.messages.add([message(f"old {n}") for n in range(5)], priority=BACKFILL)
    store.workers.beat("here:1:2:x", state="working", why="", done=0, failed=0, rate=2.5, gaps=0)
    store.workers.land_canary("here:1:2:x", store.workers.send_canary("here:1:2:x"))
    found = figures(client)
    assert 420 <= found["lag_seconds"] < 480 and found["lag_oplog_share"] > 0
    assert (found["lag_messages"], found["backfill_messages"]) == (3, 5)
    assert (found["workers"], found["worker_messages_per_second"]) == (1, 2.5)
    assert 0 <= found["canary_seconds"] < 5


def test_the_page_tells_the_lag(settings: Settings, store: Store) -> None:
    with TestClient(application(settings, store)) as person:
        assert person.get(sign_in_link(store, "http://testserver", name="Robin")).status_code == 200
        assert "does not keep up" not in person.get("/operations").text
        store.messages.add([message(f"m{n}") for n in range(3)])
        behind(store, minutes=7)
        text = re.sub(r"\s+", " ", person.get("/operations").text)
    assert "3 · 420 s" in text or "3 · 421 s" in text
    assert "does not keep up" in text and "Share of the oplog" in text


def test_below_the_floor_of_free_space_the_sender_is_told_to_come_again(client: TestClient, store: Store) -> None:
    floor, space = store.space.floor, store.space.read()
    assert space is not None
    store.space.floor = 2 * space.total
    refused = client.post("/v1/messages", json=SENT)
    assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
    assert refused.json()["code"] == "unavailable" and "nearly full" in refused.json()["detail"]
    assert client.get("/v1/messages").status_code == 200  # what is there can be read
    store.space.floor = floor
    assert client.post("/v1/messages", json=SENT).json()["stored"] == 1


def test_while_the_models_have_too_much_to_do_all_else_goes_on(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batcher, "full", property(lambda _: 7))
    for path in NEED_MODELS:
        refused = client.post(path, json=SENT)
        assert_problem(refused, "overloaded")
        assert refused.headers["retry-after"] == "7"
    assert client.post("/v1/messages", json=SENT).status_code == 200
    assert client.get("/v1/models").status_code == client.get("/readyz").status_code == 200
