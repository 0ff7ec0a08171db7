"""Jobs over HTTP, done by the worker that a service runs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm.operations.texts.analysis import analyse_stored
from textcrm.operations.work.jobs import run_jobs

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.store import Store


def test_a_job_is_started_watched_done_and_listed(client: TestClient, store: Store, engine: Engine) -> None:
    texts = ["Where is my order?", "The kettle leaks.", "Thank you!"]
    client.post("/v1/messages", json={"items": [{"text": text, "channel": "chat"} for text in texts]})
    assert analyse_stored(store, engine).done == 3
    headers = {"Idempotency-Key": "job-1"}
    begun = client.post("/v1/jobs", json={"channel": "chat"}, headers=headers)
    job: dict[str, Any] = begun.json()
    assert (begun.status_code, begun.headers["location"]) == (202, f"/v1/jobs/{job['id']}")
    again = client.post("/v1/jobs", json={"channel": "chat"}, headers=headers)
    assert (again.json(), again.status_code, again.headers["location"]) == (job, 202, begun.headers["location"])
    assert (job["state"], job["matched"], job["left"], job["filter"]["channel"]) == ("waiting", 3, 3, "chat")
    stop = threading.Event()
    thread = threading.Thread(target=run_jobs, args=(store,), kwargs={"owner": "w", "stop": stop})
    thread.start()
    deadline = time.monotonic() + 30
    while client.get(f"/v1/jobs/{job['id']}").json()["state"] != "done" and time.monotonic() < deadline:
        analyse_stored(store, engine)
        time.sleep(0.05)
    stop.set()
    thread.join()
    done = client.get(f"/v1/jobs/{job['id']}").json()
    assert (done["state"], done["done"], done["left"]) == ("done", 3, 0)
    assert client.get("/v1/jobs").json()["items"] == [done]
    assert_problem(client.delete(f"/v1/jobs/{job['id']}"), "conflict")
    assert client.post("/v1/jobs", json={"stale": True}).json()["matched"] == 0
    second = client.post("/v1/jobs", json={}).json()
    assert client.delete(f"/v1/jobs/{second['id']}").json()["state"] == "cancelled"
    assert_problem(client.get("/v1/jobs/none"), "not_found")
    assert_problem(client.post("/v1/jobs", json={"colour": "red"}), "invalid_request")
