"""Results pushed to a webhook: signed, at least once, in order for each customer, and to whoever follows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.e2e.standins import SmallEngine
from tests.factories import insight, message
from textcrm.errors import ConflictError, UsageError
from textcrm.operations.links.claims import settle, work_on
from textcrm.operations.work.push import add_webhook, push
from textcrm.operations.work.stream import Result, lag, results_since, rework
from textcrm.records import Author
from textcrm.settings import Settings
from textcrm.store import Store


class Receiver:
    """A web server that keeps what it was sent, and refuses what it is told to."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.tries: list[tuple[dict[str, str], bytes]] = []
        self.refuse: Callable[[dict[str, Any]], bool] = lambda _: False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.tries.append(({k.lower(): v for k, v in self.headers.items()}, body))
                value = json.loads(body)
                refused = receiver.refuse(value)
                if not refused:
                    receiver.taken.append(value)
                self.send_response(503 if refused else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/results"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """This machine may be reached."""
    return settings.model_copy(update={"private_hosts": "127.0.0.1"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def analyse(store: Store, *sinks: str) -> None:
    while (claim := store.messages.claim("t", limit=1, lease=timedelta(minutes=1))).messages:
        settle(store, claim, work_on(store, SmallEngine(), claim), sinks=sinks)


def pushing(store: Store, settings: Settings, done: Callable[[], bool]) -> None:
    stop = threading.Event()
    thread = threading.Thread(
        target=push, args=(store, "crm"), kwargs={"settings": settings, "owner": "t", "stop": stop}
    )
    thread.start()
    deadline = time.monotonic() + 30
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join(timeout=20)
    assert done() and not thread.is_alive()


def test_results_are_signed_and_come_once(store: Store, settings: Settings, receiver: Receiver) -> None:
    secret = add_webhook(store, "crm", receiver.url, settings=settings)
    store.messages.add([message(f"m{n}") for n in range(5)])
    analyse(store, *store.sinks.names())
    pushing(store, settings, lambda: store.outbox.count("crm") == 0)
    assert len(receiver.tries) == 5
    for headers, body in receiver.tries:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        assert json.loads(body)["delivery"] == headers["webhook-id"]
    document = store.database["sinks"].find_one({})
    assert document is not None and secret not in repr(document)


def test_what_pipelines_hide_in_answers_is_hidden_from_webhooks(
    store: Store, settings: Settings, receiver: Receiver
) -> None:
    add_webhook(store, "crm", receiver.url, settings=settings)
    iban = "DE89 3704 0044 0532 0130 00"
    sent = message(f"Please pay to {iban}.", channel="email", subject=f"Refund to {iban}")
    store.messages.add([sent])
    claim = store.messages.claim("t", limit=1, lease=timedelta(minutes=1))
    store.insights.complete(claim, [insight(sent)], sinks=["crm"])
    pushing(store, settings, lambda: len(receiver.taken) == 1)
    assert store.insights.get(sent.id).clean == sent.text, "the database keeps it: its rules are others"
    (said,) = receiver.taken
    assert said["insight"]["clean"] == "Please pay to ****3000."
    assert said["message"]["subject"] == "Refund to ****3000"
    assert "0044" not in json.dumps(said)


def test_a_refused_result_is_tried_again_and_holds_up_its_customer_alone(
    store: Store, settings: Settings, receiver: Receiver
) -> None:
    add_webhook(store, "crm", receiver.url, settings=settings)
    names = ["ann", "bob"]
    store.messages.add([message(f"m{n}", author=Author(email=f"{names[n % 2]}@example.com")) for n in range(8)])
    analyse(store, "crm")
    ann = {d["customer"] for d in store.database["outbox"].find({}).sort([("at", 1), ("_id", 1)]).limit(1)}.pop()
    refusals = iter([True, True])
    receiver.refuse = lambda value: value["customer"] == ann and next(refusals, False)
    pushing(store, settings, lambda: store.outbox.count("crm") == 0)
    assert len(receiver.taken) == 8 and len(receiver.tries) == 10
    ids = [headers["webhook-id"] for headers, _ in receiver.tries]
    assert len(set(ids)) == 8  # the same id at each try
    for customer in {value["customer"] for value in receiver.taken}:
        times = [value["at"] for value in receiver.taken if value["customer"] == customer]
        assert times == sorted(times)
    assert [value["customer"] for value in receiver.taken[:4]].count(ann) == 0


def test_who_cannot_be_a_sink(store: Store, settings: Settings) -> None:
    for url in ("http://example.com/x", "ftp://127.0.0.1/x", "x", "file:///etc/passwd"):
        with pytest.raises(UsageError, match="https"):
            add_webhook(store, "crm", url, settings=settings)
    add_webhook(store, "crm", "https://example.com/x", settings=settings)
    with pytest.raises(ConflictError):
        add_webhook(store, "crm", "https://example.com/y", settings=settings)


def test_a_sink_that_is_removed_leaves_nothing_waiting(store: Store, settings: Settings) -> None:
    add_webhook(store, "crm", "https://example.com/x", settings=settings)
    store.messages.add([message("m")])
    analyse(store, "crm")
    assert store.outbox.count("crm") == 1
    store.sinks.remove("crm")
    assert store.outbox.count("crm") == 0 and store.sinks.list() == []


def test_who_follows_gets_each_result_and_goes_on_where_it_stopped(store: Store) -> None:
    stream = results_since(store, wait_seconds=0.1)
    assert next(stream) is None
    store.messages.add([message(f"m{n}") for n in range(6)])
    analyse(store)
    got: list[Result] = []
    while len(got) < 2:
        result = next(stream)
        if result is not None and result.delivery is not None:
            got.append(result)
    stream.close()  # type: ignore[attr-defined]
    again = results_since(store, got[-1].token, wait_seconds=0.1)
    rest: list[Result] = []
    while len(rest) < 4:
        result = next(again)
        if result is not None and result.delivery is not None:
            rest.append(result)
    assert len({r.delivery.message_id for r in got + rest if r.delivery}) == 6


def test_a_place_that_the_server_forgot_is_a_gap_that_is_told(store: Store) -> None:
    long_ago = "82" + "00000001" + "00000001" + "2B0229296E04"  # the first second of 1970
    forgets = {"errorCode": 286, "failCommands": ["aggregate"], "appName": "textcrm"}  # as when the oplog rolled over
    store.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=forgets)
    stream = results_since(store, long_ago, wait_seconds=0.1)
    first = next(stream)
    assert first is not None and first.delivery is None
    assert next(stream) is None
    store.messages.add([message("m")])
    analyse(store)
    after = next(result for result in stream if result is not None)
    assert after.delivery is not None
    with pytest.raises(UsageError, match="cannot be read"):
        next(results_since(store, "no token"))


def test_lag_and_rework(store: Store) -> None:
    assert lag(store).ready and lag(store).waiting == 0
    store.messages.add([message(f"m{n}") for n in range(3)])
    found = lag(store)
    assert found.waiting == 3 and 0 <= found.seconds < 60 and found.window_seconds is not None
    analyse(store)
    assert rework(store, standing=["p1"]) == 0
    assert rework(store, standing=["p2"]) == 3
    behind = lag(store)
    assert (behind.waiting, behind.backfill, behind.seconds) == (0, 3, 0.0)
    assert store.insights.count() == 3  # they stand until the new ones do
