"""Similar messages over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm.operations.desk.desk import open_message, similar_in_meaning
from textcrm.operations.desk.similar import Similar, encoder_of, make_vectors
from textcrm.operations.texts.analysis import analyse_stored

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.store import Store


def test_similar_messages(app: FastAPI, client: TestClient, store: Store, engine: Engine) -> None:
    texts = ["Where is my parcel?", "My package has not arrived.", "How do I reset my password?"]
    stored = client.post("/v1/messages", json={"items": [{"text": text} for text in texts]}).json()
    ids = [item["id"] for item in stored["items"]]
    assert client.post("/v1/similar", json={"text": "parcel"}).json() == {"searched": 0, "items": []}
    assert_problem(client.get(f"/v1/messages/{ids[0]}/similar"), "not_found")
    analyse_stored(store, engine)
    encoder = encoder_of(engine)
    assert encoder is not None
    assert make_vectors(store, encoder, owner="w") == 3
    app.state.service.similar.follow()
    answer = client.get(f"/v1/messages/{ids[0]}/similar").json()
    assert answer["searched"] == 3 and answer["items"][0]["message_id"] == ids[1]
    assert ids[0] not in {item["message_id"] for item in answer["items"]}
    near: Similar = app.state.service.similar
    found = similar_in_meaning(store, open_message(store, ids[1]).row, near)
    assert [row.message.id for row, _ in found][:1] == [ids[0]]
    assert all(0.0 < cosine <= 1.0 for _, cosine in found[:1])
    item = client.post("/v1/similar", json={"text": "password forgotten", "limit": 1}).json()["items"][0]
    assert (item["message_id"], item["channel"]) == (ids[2], "chat")
    assert set(item["labels"]) == {"intent", "sentiment", "urgency"}
    assert_problem(client.post("/v1/similar", json={"text": ""}), "invalid_request")
    assert_problem(client.get("/v1/messages/none/similar"), "not_found")
