from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm.operations.texts.analysis import analyse_stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Live
    from textcrm.engine import Engine
    from textcrm.store import Store

ORDER = {"id": "a1", "text": "Where is my order?", "channel": "chat", "author": {"email": "ann@example.com"}}


def test_a_message_is_stored_once_and_read_back(client: TestClient) -> None:
    first = client.post("/v1/messages", json=ORDER).json()
    assert (first["stored"], first["duplicates"]) == (1, 0)
    again = client.post("/v1/messages", json=ORDER).json()
    assert (again["stored"], again["duplicates"]) == (0, 1)
    assert again["items"][0]["id"] == first["items"][0]["id"]
    message = client.get(f"/v1/messages/{first['items'][0]['id']}").json()
    assert (message["text"], message["given_id"], message["author"]["email"]) == (
        ORDER["text"],
        "a1",
        "ann@example.com",
    )
    assert message["received_at"].endswith(("Z", "+00:00"))


def test_a_batch_says_what_became_of_each(client: TestClient) -> None:
    items = [{"text": "one"}, {"text": "two"}, {"text": "one"}]
    answer = client.post("/v1/messages", json={"items": items}).json()
    assert [item["outcome"] for item in answer["items"]] == ["stored", "stored", "duplicate"]


def test_a_hundred_parallel_equal_posts_make_one_message(web: httpx.Client, store: Store) -> None:
    def post(_: int) -> httpx.Response:
        return web.post("/v1/messages", json=ORDER)

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(post, range(100)))
    assert {a.status_code for a in answers} == {200}
    assert sum(a.json()["stored"] for a in answers) == 1
    assert store.messages.count() == 1


def test_a_hundred_parallel_posts_with_one_key_are_one_write_and_one_answer(web: httpx.Client, store: Store) -> None:
    def post(_: int) -> httpx.Response:
        return web.post("/v1/messages", json=ORDER, headers={"Idempotency-Key": "k-1"})

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(post, range(100)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert answers[0].json()["stored"] == 1
    assert sum("idempotency-replayed" not in a.headers for a in answers) == 1
    assert store.messages.count() == 1


def test_an_idempotency_key_belongs_to_one_request_of_one_caller(client: TestClient, key: Callable[..., str]) -> None:
    headers = {"Idempotency-Key": "k-2"}
    assert client.post("/v1/messages", json=ORDER, headers=headers).status_code == 200
    other = client.post("/v1/messages", json={**ORDER, "text": "Another"}, headers=headers)
    assert_problem(other, "idempotency_mismatch")
    stranger = {**headers, "Authorization": f"Bearer {key('write')}"}
    assert client.post("/v1/messages", json={"text": "Mine"}, headers=stranger).json()["stored"] == 1
    assert_problem(client.post("/v1/messages", json=ORDER, headers={"Idempotency-Key": "x" * 200}), "usage")


def test_a_refused_write_does_not_use_up_its_key(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k-3"}
    assert_problem(client.post("/v1/messages", json={"text": 1}, headers=headers), "invalid_request")
    assert client.post("/v1/messages", json={"text": "1"}, headers=headers).status_code == 200


def test_pages_are_whole_and_stable_while_messages_arrive(client: TestClient) -> None:
    def post(number: int) -> None:
        at = f"2026-09-01T10:{number // 60:02}:{number % 60:02}Z"
        client.post("/v1/messages", json={"id": str(number), "text": f"message {number}", "sent_at": at})

    for number in range(25):
        post(number)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 10} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/messages", params=params).json()
        seen += [item["given_id"] for item in page["items"]]
        post(100 + len(seen))
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [str(number) for number in reversed(range(25))]


def test_search_finds_words_phrases_and_channels(client: TestClient) -> None:
    items = [
        {"text": "The kettle leaks water", "channel": "review"},
        {"text": "Water is fine, kettle is great", "channel": "chat"},
        {"text": "Invoice please", "subject": "kettle"},
    ]
    client.post("/v1/messages", json={"items": items})

    def found(**params: str) -> set[str]:
        return {item["text"] for item in client.get("/v1/messages", params=params).json()["items"]}

    assert len(found(q="kettle")) == 3
    assert found(q='"leaks water"') == {items[0]["text"]}
    assert found(q="kettle -water") == {items[2]["text"]}
    assert found(q="kettle", channel="review") == {items[0]["text"]}
    for odd in ('"', "-", "$where", '{"$ne": null}', "\0", "(((("):
        assert client.get("/v1/messages", params={"q": odd}).status_code == 200


def _analysed(client: TestClient, store: Store, engine: Engine) -> str:
    client.put("/v1/customers/C-1", json={"name": "Ann", "emails": ["ann@example.com"]})
    message_id: str = client.post("/v1/messages", json=ORDER).json()["items"][0]["id"]
    assert analyse_stored(store, engine).done == 1
    return message_id


def test_from_message_to_insight_to_customer(client: TestClient, store: Store, engine: Engine) -> None:
    message_id = _analysed(client, store, engine)
    insight = client.get(f"/v1/insights/{message_id}").json()
    assert insight["link"]["customer_id"] == "C-1"
    page = client.get("/v1/insights", params={"customer": "C-1", "channel": "chat"}).json()
    assert [item["message_id"] for item in page["items"]] == [message_id]
    assert client.get("/v1/insights", params={"customer": "C-2"}).json()["items"] == []
    timeline = client.get("/v1/customers/C-1/messages").json()["items"]
    assert timeline[0]["message"]["text"] == ORDER["text"]
    assert timeline[0]["insight"]["message_id"] == message_id
    assert client.get("/v1/customers/C-1").json()["messages"] == timeline
    points = client.get("/v1/trends", params={"by": "day"}).json()["items"]
    assert sum(point["total"] for point in points) == 1
    assert client.get("/readyz").json()["waiting"] == 0


def test_a_correction_is_kept_listed_and_undone(client: TestClient, store: Store, engine: Engine) -> None:
    message_id = _analysed(client, store, engine)
    said = {p["task"]: p for p in client.get(f"/v1/insights/{message_id}").json()["predictions"]}
    body = {"message_id": message_id, "task": "sentiment", "label": "positive"}
    made = client.post("/v1/corrections", json=body).json()
    assert made["said"] == said["sentiment"]
    assert made["by"].startswith("key:")
    listed = client.get("/v1/corrections", params={"message_id": message_id}).json()["items"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert client.delete(f"/v1/corrections/{made['id']}").json()["undone"]
    assert client.get("/v1/corrections").json()["items"] == []
    assert_problem(client.post("/v1/corrections", json={**body, "label": "purple"}), "usage")
    assert_problem(client.post("/v1/corrections", json={**body, "task": "weather"}), "usage")
    assert_problem(client.post("/v1/corrections", json={**body, "message_id": "absent"}), "not_found")


def test_customers_are_put_whole_found_and_guarded(client: TestClient) -> None:
    ann = {"name": "Ann", "emails": ["Ann@Example.com"], "phones": ["(415) 555-2671"], "fields": {"plan": "gold"}}
    put = client.put("/v1/customers/C-1", json=ann)
    assert put.json()["emails"] == ["ann@example.com"]
    assert put.json()["phones"] == ["+14155552671"]
    got = client.get("/v1/customers/C-1")
    assert got.headers["etag"] == put.headers["etag"]
    assert [c["id"] for c in client.get("/v1/customers", params={"email": "ANN@example.com"}).json()["items"]] == [
        "C-1"
    ]
    assert [c["id"] for c in client.get("/v1/customers", params={"phone": "415 555 2671"}).json()["items"]] == ["C-1"]
    assert client.get("/v1/customers", params={"email": "nobody"}).json()["items"] == []
    changed = client.put("/v1/customers/C-1", json={"name": "Anna"}, headers={"If-Match": put.headers["etag"]})
    assert changed.json()["emails"] == []
    stale = client.put("/v1/customers/C-1", json={"name": "An"}, headers={"If-Match": put.headers["etag"]})
    assert_problem(stale, "precondition_failed")
    assert client.get("/v1/customers/C-1").json()["name"] == "Anna"
    assert_problem(client.put("/v1/customers/C-2", json={}, headers={"If-Match": "*"}), "precondition_failed")
    assert_problem(client.put("/v1/customers/C-1", json={"emails": ["no address"]}), "usage")


def test_of_parallel_guarded_changes_one_wins(web: httpx.Client) -> None:
    tag = web.put("/v1/customers/C-1", json={"name": "0"}).headers["etag"]

    def change(number: int) -> int:
        body = {"name": str(number)}
        return web.put("/v1/customers/C-1", json=body, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = sorted(pool.map(change, range(1, 33)))
    assert codes[0] == 200
    assert set(codes[1:]) <= {409, 412}


def test_customers_come_in_batches_and_pages(client: TestClient) -> None:
    items = [{"id": f"C-{n:03}", "name": f"Customer {n}"} for n in range(30)]
    assert client.put("/v1/customers", json={"items": items}).json() == {"created": 30, "changed": 0, "unchanged": 0}
    assert client.put("/v1/customers", json={"items": items}).json()["unchanged"] == 30
    first = client.get("/v1/customers", params={"limit": 20}).json()
    second = client.get("/v1/customers", params={"limit": 20, "cursor": first["next"]}).json()
    assert [c["id"] for c in first["items"] + second["items"]] == [item["id"] for item in items]
    assert second["next"] is None


def test_odd_texts_are_stored_and_read_back(live: Live) -> None:
    odd = '{"items": [{"text": "a\\ud800b"}, {"text": "nul \\u0000 here"}, {"text": "\\ud83d\\ude00"}, {"text": ""}]}'
    headers = {**live.headers, "Content-Type": "application/json"}
    answer = httpx.post(f"{live.url}/v1/messages", content=odd, headers=headers)
    assert answer.json()["stored"] == 4
    texts = {m["text"] for m in httpx.get(f"{live.url}/v1/messages", headers=headers).json()["items"]}
    assert texts == {"a\N{REPLACEMENT CHARACTER}b", "nul \N{REPLACEMENT CHARACTER} here", "😀", ""}
