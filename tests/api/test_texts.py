from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem

TASKS = {"sentiment", "intent", "urgency"}


def test_one_text_is_answered_as_a_batch_of_one(reader: TestClient) -> None:
    answer = reader.post("/v1/classify", json={"text": "Where is my parcel? I have waited for two weeks."})
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    assert item["id"] == "0"
    assert item["error"] is None
    assert item["language"]["code"] == "en"
    assert {p["task"] for p in item["predictions"]} == TASKS
    for prediction in item["predictions"]:
        assert 0 <= prediction["confidence"] <= 1
        assert prediction["top"][0] == {"label": prediction["label"], "confidence": prediction["confidence"]}
        assert prediction["abstained"] == (prediction["reason"] is not None)
        assert prediction["model"]


def test_a_batch_keeps_ids_and_order_over_channels(reader: TestClient) -> None:
    channels = ("email", "review", "social", "chat")
    items = [{"id": f"n{i}", "text": f"Message number {i}", "channel": channels[i % 4]} for i in range(100)]
    answer = reader.post("/v1/classify", json={"items": items})
    assert [item["id"] for item in answer.json()["items"]] == [item["id"] for item in items]


def test_models_can_be_chosen_and_pinned(reader: TestClient) -> None:
    pipelines = reader.get("/v1/pipelines").json()["items"]
    versions = next(p["models"] for p in pipelines if p["channel"] == "chat")
    pinned = f"intent@{versions['intent'][:12]}"
    answer = reader.post("/v1/classify", json={"text": "Please cancel my order", "models": [pinned, "urgency"]})
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    assert {p["task"] for p in item["predictions"]} == {"intent", "urgency"}


def test_the_same_text_comes_from_the_cache_with_the_same_answer(client: TestClient) -> None:
    body = {"text": "The kettle leaks"}
    first, second = (client.post("/v1/classify", json=body).json() for _ in range(2))
    assert first == second
    assert 'textcrm_cache_total{result="hit"} 1.0' in client.get("/metrics").text


HARD = {
    "empty": "",
    "blank": " \n\t ",
    "lone surrogate": "\ud800 where is it \udfff",
    "nul": "where\0is it",
    "astral": "😀" * 500,
    "no letters": "!!! 123 ???",
    "zero width": "\u200b\u2060\ufeff",
    "right to left": "\u202eabc\u202c مرحبا",
    "one long word": "a" * 150_000,
    "many lines": "> quoted\n" * 5_000,
    "brackets": "<" * 20_000 + "[" * 20_000,
    "combining": "e" + "\u0301" * 5_000,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD.keys())
@pytest.mark.parametrize("path", ["/v1/classify", "/v1/analyse", "/v1/entities", "/v1/mask"])
def test_hard_texts_are_answered_each_for_itself(reader: TestClient, path: str, text: str) -> None:
    import json

    body = json.dumps({"items": [{"id": "hard", "text": text}, {"id": "easy", "text": "Where is my order?"}]})
    answer = reader.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [item["id"] for item in items] == ["hard", "easy"]
    assert items[1]["error"] is None


def test_a_text_over_the_cap_is_cut_and_says_so(reader: TestClient) -> None:
    text = "Where is it? " * 9_000
    assert reader.post("/v1/classify", json={"text": text}).json()["items"][0]["warnings"] == ["truncated"]
    assert "truncated" in reader.post("/v1/analyse", json={"text": text}).json()["items"][0]["warnings"]


def test_entities_carry_offsets_in_the_stated_unit(reader: TestClient) -> None:
    text = "😀 Write to ann@example.com 🎉 or bob@example.org"
    points = reader.post("/v1/entities", json={"text": text}).json()
    units = reader.post("/v1/entities?offsets=utf16", json={"text": text}).json()
    assert (points["offsets"], units["offsets"]) == ("codepoints", "utf16")
    wide = text.encode("utf-16-le")
    found = [e for e in points["items"][0]["entities"] if e["label"] == "EMAIL"]
    assert [text[e["start"] : e["end"]] for e in found] == ["ann@example.com", "bob@example.org"]
    for e in units["items"][0]["entities"]:
        assert wide[2 * e["start"] : 2 * e["end"]].decode("utf-16-le") == e["text"]


def test_masking_leaves_no_address(reader: TestClient) -> None:
    text = "I am Ann Lee, ann.lee@example.com, +1 415 555 2671."
    (item,) = reader.post("/v1/mask", json={"text": text}).json()["items"]
    assert "ann.lee@example.com" not in item["text"]
    assert "555 2671" not in item["text"]
    for e in item["entities"]:
        assert item["text"][e["start"] : e["end"]] == e["text"]


def test_analyse_links_to_the_customer_and_stores_nothing(client: TestClient) -> None:
    client.put("/v1/customers/C-7", json={"name": "Ann Lee", "emails": ["Ann.Lee@Example.com"]})
    message = {
        "id": "m1",
        "channel": "email",
        "subject": "My order",
        "text": "Hello,\n\nwhere is order #12345?\n\nAnn\n\n> On Monday you wrote:\n> we have shipped it.\n",
        "author": {"name": "Ann Lee", "email": "ann.lee@example.com"},
    }
    (item,) = client.post("/v1/analyse", json={"items": [message]}).json()["items"]
    assert item["error"] is None
    assert item["link"]["customer_id"] == "C-7"
    assert item["link"]["outcome"] == "linked"
    assert "we have shipped" not in item["clean"]
    assert {p["kind"] for p in item["parts"]} >= {"own", "quoted"}
    assert item["warnings"] == ["quoted_text_removed"]
    assert client.get("/v1/messages").json()["items"] == []


def test_an_automatic_reply_is_a_warning(reader: TestClient) -> None:
    away = {
        "channel": "email",
        "subject": "Automatic reply: Out of office",
        "text": "I am out of office until Monday, with no access to my mail.",
    }
    (item,) = reader.post("/v1/analyse", json=away).json()["items"]
    assert item["kind"] in ("auto_reply", "out_of_office") and "automatic_reply" in item["warnings"]
    (item,) = reader.post("/v1/analyse", json={"text": "Where is my order?"}).json()["items"]
    assert item["warnings"] == []


def test_answers_are_gzipped_for_those_who_take_it(reader: TestClient) -> None:
    body = {"items": [{"text": f"Where is order {n}?"} for n in range(40)]}
    answer = reader.post("/v1/classify", json=body, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip" and len(answer.json()["items"]) == 40
    assert (
        "content-encoding"
        not in reader.post("/v1/classify", json=body, headers={"Accept-Encoding": "identity"}).headers
    )
    assert "content-encoding" not in reader.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers


def test_an_absent_pipeline_names_those_there_are(reader: TestClient) -> None:
    body = assert_problem(reader.post("/v1/classify", json={"text": "a", "pipeline": "fax"}), "usage")
    assert set(body["options"]) == {p["name"] for p in reader.get("/v1/pipelines").json()["items"]}
