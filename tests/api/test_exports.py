"""Exports: complete, filtered, masked, in three formats, safe in spreadsheets, in a bounded memory."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from tests.e2e.standins import SmallEngine
from tests.factories import NOON, message
from textcrm.operations.texts.analysis import analyse_stored
from textcrm.operations.trends.exports import message_columns, message_pages, written
from textcrm.store.exports import messages_with_insights

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.store import Store

TEXTS: list[dict[str, Any]] = [
    {"id": "a", "text": "=HYPERLINK(1) Where is my order? Write to bob@example.com", "author": {"email": "a@x.org"}},
    {"id": "b", "text": 'The kettle leaks, I am angry.\nSecond line; with "quotes", 😀', "channel": "email"},
    {"id": "c", "text": "Thank you, all is well.", "sent_at": "2026-08-01T10:00:00Z"},
]


@pytest.fixture
def filled(client: TestClient, store: Store, engine: Engine) -> TestClient:
    client.put("/v1/customers/K-1", json={"name": "@Ann", "emails": ["a@x.org"]})
    assert client.post("/v1/messages", json={"items": TEXTS}).json()["stored"] == 3
    assert analyse_stored(store, engine).done == 3
    client.post("/v1/messages", json={"id": "d", "text": "Not analysed yet."})
    return client


def rows_of(form: str, content: bytes) -> list[dict[str, Any]]:
    if form == "csv":
        return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    if form == "jsonl":
        return [json.loads(line) for line in content.decode().splitlines()]
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(content)).to_pylist()
    return rows


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_messages_come_with_labels_and_customer(filled: TestClient, form: str) -> None:
    answer = filled.get(f"/v1/exports/messages.{form}", params={"mask": False})
    assert answer.headers["content-disposition"] == f'attachment; filename="messages.{form}"'
    rows = {row["given_id"]: row for row in rows_of(form, answer.content)}
    assert set(rows) == {"a", "b", "c", "d"}
    assert rows["a"]["customer"] == "K-1"
    assert rows["b"]["text"] == TEXTS[1]["text"]
    assert rows["b"]["sentiment_from"] in ("model", "abstained")
    assert float(rows["b"]["sentiment_confidence"]) > 0
    assert (rows["d"]["kind"] or None, rows["d"]["intent"] or None) == (None, None)
    if form == "csv":
        assert rows["a"]["text"].startswith("'=HYPERLINK") and rows["a"]["customer_name"] == "'@Ann"
    else:
        assert rows["a"]["text"] == TEXTS[0]["text"] and rows["a"]["customer_name"] == "@Ann"


def test_personal_data_stay_here_unless_asked_for(filled: TestClient) -> None:
    rows = {r["given_id"]: r for r in rows_of("jsonl", filled.get("/v1/exports/messages.jsonl").content)}
    assert "bob@example.com" not in rows["a"]["text"] and "order" in rows["a"]["text"]
    assert "a@x.org" not in json.dumps(rows["a"]) and "@Ann" not in json.dumps(rows["a"])


def test_filters_are_those_of_the_queue(filled: TestClient) -> None:
    def ids(**params: str) -> set[str]:
        content = filled.get("/v1/exports/messages.jsonl", params={"mask": "false", **params}).content
        return {row["given_id"] for row in rows_of("jsonl", content)}

    assert ids(channel="email") == {"b"}
    assert ids(customer="K-1") == {"a"}
    assert ids(until="2026-08-02T00:00:00Z") == {"c"}
    assert ids(kind="request") == {"a", "b", "c"}
    assert ids(product="none") == set()
    assert_problem(filled.get("/v1/exports/messages.xml"), "invalid_request")
    assert_problem(filled.get("/v1/exports/messages.csv", params={"colour": "red"}), "invalid_request")


def test_a_correction_is_what_stands(filled: TestClient) -> None:
    some = next(r for r in rows_of("jsonl", filled.get("/v1/exports/messages.jsonl").content) if r["given_id"] == "c")
    label = next(x for x in ("negative", "neutral", "positive") if x != some["sentiment"])
    filled.post("/v1/corrections", json={"message_id": some["id"], "task": "sentiment", "label": label})
    rows = rows_of("csv", filled.get("/v1/exports/messages.csv").content)
    row = next(r for r in rows if r["given_id"] == "c")
    assert (row["sentiment"], row["sentiment_from"]) == (label, "person")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_customers_come_with_what_is_known_of_them(filled: TestClient, form: str) -> None:
    rows = {row["id"]: row for row in rows_of(form, filled.get(f"/v1/exports/customers.{form}").content)}
    row = rows["K-1"]
    assert (int(row["messages"]), row["emails"]) == (1, "a@x.org")
    assert row["name"] == ("'@Ann" if form == "csv" else "@Ann")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_nothing_is_a_file_too(client: TestClient, form: str) -> None:
    answer = client.get(f"/v1/exports/messages.{form}")
    assert answer.status_code == 200 and rows_of(form, answer.content) == []


def test_pages_are_whole_while_messages_arrive(store: Store) -> None:
    store.messages.add([message(f"m{n}", sent_at=NOON + timedelta(minutes=n // 2)) for n in range(25)])
    analyse_stored(store, SmallEngine())
    seen = []
    for page in messages_with_insights(store.database, at_once=4):
        seen += [one.message.text for one in page]
        store.messages.add([message(f"new {len(seen)}", sent_at=datetime(2026, 12, 1, tzinfo=UTC))])
    assert sorted(seen) == sorted(f"m{n}" for n in range(25))
    pages = message_pages(store, tasks=["intent"])
    parts = written(pages, message_columns(["intent"]), "csv")
    assert next(parts).startswith(b"id,given_id,channel,")
