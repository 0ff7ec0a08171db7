"""Results as they come; and what people decide about customers, over HTTP."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm.operations.texts.analysis import analyse_stored
from textcrm_api.routes.events import Followers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Live
    from textcrm.engine import Engine
    from textcrm.store import Store


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        if line.startswith(":"):
            event["comment"] = line
        elif line:
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value
        else:
            yield event
            event = {}


def test_results_come_as_they_are_stored_and_go_on_after_the_last(live: Live, store: Store, engine: Engine) -> None:
    texts = [f"Where is order number {n}?" for n in range(4)]
    with httpx.Client(base_url=live.url, headers=live.headers, timeout=30) as web:
        with web.stream("GET", "/v1/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in answer.headers
            found = events(answer.iter_lines())
            assert "comment" in next(found)
            stored = web.post("/v1/messages", json={"items": [{"text": t, "channel": "chat"} for t in texts]}).json()
            analyse_stored(store, engine)
            first = next(found)
        assert first["event"] == "result"
        assert set(first["data"]["labels"]) == {"intent", "sentiment", "urgency"}
        with web.stream("GET", "/v1/events", headers={"Last-Event-ID": first["id"]}) as answer:
            found = events(answer.iter_lines())
            next(found)
            rest = [next(found)["data"]["message_id"] for _ in range(3)]
        assert {first["data"]["message_id"], *rest} == {item["id"] for item in stored["items"]}
        begin = time.monotonic()
        assert web.get("/v1/events", params={"seconds": 1}).text.startswith(":")
        assert time.monotonic() - begin < 10
        assert_problem(web.get("/v1/events", headers={"Last-Event-ID": "x"}), "invalid_request")


def test_a_place_that_no_event_had_is_refused_or_told_as_a_gap(live: Live, store: Store, engine: Engine) -> None:
    with httpx.Client(base_url=live.url, headers=live.headers, timeout=30) as web:
        with web.stream("GET", "/v1/events") as answer:
            found = events(answer.iter_lines())
            next(found)
            web.post("/v1/messages", json={"text": "Where is my order?", "channel": "chat"})
            analyse_stored(store, engine)
            token = next(found)["id"]
        harmed = ("0", "00", "82", "F" * 4096, token[:20], token[:-1], token[:24] + "FF" + token[26:])
        for wrong in harmed:
            refused = web.get("/v1/events", params={"seconds": 1}, headers={"Last-Event-ID": wrong})
            assert_problem(refused, "usage")
        old = token[:2] + "60000000" + token[10:]  # of a time that the server does not know
        with web.stream("GET", "/v1/events", headers={"Last-Event-ID": old}) as answer:
            found = events(answer.iter_lines())
            assert "comment" in next(found)
            assert next(found)["event"] == "gap"


def test_there_is_an_end_to_followers(live: Live, app: FastAPI) -> None:
    followers: Followers = app.state.followers
    app.state.followers = Followers(1)
    ended = threading.Event()
    app.state.followers.ends = ended.is_set
    with httpx.Client(base_url=live.url, headers=live.headers, timeout=30) as web:
        with web.stream("GET", "/v1/events") as answer:
            found = answer.iter_lines()
            next(found)
            assert_problem(web.get("/v1/events", params={"seconds": 1}), "overloaded")
            ended.set()  # the server is to stop: the stream ends by itself
            assert all(not line or line.startswith(":") for line in found)
        ended.clear()
        assert web.get("/v1/events", params={"seconds": 1}).status_code == 200
    app.state.followers = followers


def test_customers_are_merged_split_and_set_right_again(client: TestClient, store: Store, engine: Engine) -> None:
    for name in ("A", "B"):
        client.put(f"/v1/customers/{name}", json={"emails": [f"{name.lower()}@example.com"]})
    texts = [
        ("a@example.com", "Where is my order?"),
        ("a@example.com", "The kettle leaks."),
        ("b@example.com", "Thanks"),
    ]
    items = [{"text": text, "author": {"email": mail}} for mail, text in texts]
    ids = [item["id"] for item in client.post("/v1/messages", json={"items": items}).json()["items"]]

    def of(customer: str) -> set[str]:
        analyse_stored(store, engine)
        timeline = client.get(f"/v1/customers/{customer}/timeline").json()
        assert timeline["messages"] == len(timeline["moments"])
        return {moment["message"]["message_id"] for moment in timeline["moments"]}

    assert (of("A"), of("B")) == ({ids[0], ids[1]}, {ids[2]})
    split = client.post("/v1/customers/A/split", json={"messages": [ids[1]], "to": "B"}).json()
    assert (split["kind"], split["other"]) == ("split", "B") and split["by"].startswith("key:")
    assert (of("A"), of("B")) == ({ids[0]}, {ids[1], ids[2]})
    headers = {"Idempotency-Key": "m"}
    merged = client.post("/v1/customers/A/merge", json={"into": "B"}, headers=headers).json()
    assert client.post("/v1/customers/A/merge", json={"into": "B"}, headers=headers).json() == merged
    assert (of("A"), of("B")) == (set(), set(ids))
    assert [d["id"] for d in client.get("/v1/decisions").json()["items"]] == [split["id"], merged["id"]]
    assert client.delete(f"/v1/decisions/{merged['id']}").json()["undone"]
    assert client.delete(f"/v1/decisions/{split['id']}").json()["undone"]
    assert (of("A"), of("B")) == ({ids[0], ids[1]}, {ids[2]})
    assert client.get("/v1/decisions").json()["items"] == []
    assert_problem(client.post("/v1/customers/A/merge", json={"into": "A"}), "usage")
    assert_problem(client.post("/v1/customers/A/merge", json={"into": "none"}), "not_found")
    assert_problem(client.post("/v1/customers/A/split", json={"messages": ["none"], "to": "B"}), "not_found")
    assert_problem(client.get("/v1/customers/none/timeline"), "not_found")


def test_a_customers_messages_come_in_pages(client: TestClient, store: Store, engine: Engine) -> None:
    client.put("/v1/customers/A", json={"emails": ["a@example.com"]})
    items = [{"text": f"Order {n}?", "author": {"email": "a@example.com"}} for n in range(5)]
    client.post("/v1/messages", json={"items": items})
    analyse_stored(store, engine)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(9):
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/customers/A/messages", params=params).json()
        seen += [item["message"]["id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5
