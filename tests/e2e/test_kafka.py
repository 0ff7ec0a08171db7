"""Topics of a real broker: each message once in the store, results in order, dead letters told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import tansu
from tests.e2e.standins import SmallEngine
from tests.factories import NOON
from textcrm.operations.intake.kafka import add_kafka, follow_topic
from textcrm.operations.work import push
from textcrm.records import Message
from textcrm.settings import Settings
from textcrm.sources.kafka import Item, KafkaBroker, read_item
from textcrm.sources.rejected import Rejected
from textcrm.store import Store
from textcrm.stream.feeds import Feeds
from textcrm.stream.worker import Worker

LONG = os.environ.get("TEXTCRM_CHAOS") == "long"
MESSAGES, KILLS = (50_000, 30) if LONG else (1_000, 2)
SESSION_MS = 10_000 if LONG else 4_000  # how long the broker waits for a consumer that was killed
ROOT = Path(__file__).resolve().parents[2]
needs_broker = pytest.mark.skipif(tansu.why_not() is not None, reason=tansu.why_not() or "")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tansu.broker() as where:
        yield where


def topic_of(settings: Settings) -> str:
    return f"data_{settings.database}"


def create(address: str, *topics: str, partitions: int = 3) -> None:
    from confluent_kafka import admin

    client = admin.AdminClient({"bootstrap.servers": address})
    made = client.create_topics([admin.NewTopic(t, partitions, 1) for t in topics])  # type: ignore[attr-defined]
    for future in made.values():
        future.result(timeout=20)


def produce(address: str, topic: str, values: list[tuple[bytes, bytes]]) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address, "acks": "all", "linger.ms": 5})
    for key, value in values:
        while True:
            try:
                producer.produce(topic, value, key)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    assert producer.flush(60) == 0


def consume(address: str, topic: str, count: int, seconds: float = 30) -> list[Any]:
    """Read a topic without a group: joining one takes the broker long."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": address, "group.id": "none", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, 20).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    found: list[Any] = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        found += [one for one in consumer.consume(500, 0.5) if one.error() is None]
    consumer.close()
    return found


def sent(number: int, **fields: Any) -> tuple[bytes, bytes]:
    who = f"customer{number % 37}"
    value = {"id": f"t{number}", "text": f"Where is order {number}?", "author": {"email": f"{who}@example.com"}}
    return who.encode(), json.dumps({**value, **fields}).encode()


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "should be an object"),
        (b'{"text": ""}', "text: "),
        (b'{"text": 3}', "text: "),
        (b'{"subject": "x"}', "text: "),
        (b'{"text": "x", "channel": "fax"}', "channel: "),
        (b'{"text": "x", "sent_at": "soon"}', "sent_at: "),
        (b'{"text": "x", "author": {"mail": "a"}}', "author.mail: "),
    ],
)
def test_what_is_no_message(value: bytes, why: str) -> None:
    read = read_item(Item("t", 1, 4, None, value), name="k", channel="chat", received_at=NOON)
    assert isinstance(read, Rejected) and why in read.detail and read.raw == value
    assert read.source.place == 5


def test_the_fields_of_a_message() -> None:
    value = {"text": "Hello", "channel": "social", "sent_at": "2026-09-01T10:00:00", "plan": "pro", "seats": 3}
    read = read_item(Item("t", 1, 4, b"k", json.dumps(value).encode()), name="k", channel="chat", received_at=NOON)
    assert isinstance(read, Message) and read.channel == "social" and read.source.external_id == "t:1:4"
    assert read.sent_at is not None and read.sent_at.isoformat() == "2026-09-01T10:00:00+00:00"
    assert dict(read.extra) == {"plan": "pro", "seats": "3"}


CONSUMER = """
import sys
import threading
import textcrm.sources.kafka
from textcrm.operations.intake.kafka import follow_topic
from textcrm.settings import read_settings
from textcrm.store import open_store
settings = read_settings()
textcrm.sources.kafka.SESSION_MS = int(sys.argv[1])
with open_store(settings, prepare=False) as store:
    follow_topic(store, "in", settings=settings, stop=threading.Event())
"""


@needs_broker
def test_consumers_that_join_and_are_killed_store_each_message_once(
    address: str, store: Store, settings: Settings
) -> None:
    topic = topic_of(settings)
    create(address, topic)
    add_kafka(store, "in", KafkaBroker(address), settings=settings, topic=topic, group=topic)
    assert settings.mongodb_uri is not None
    environment = {
        **os.environ,
        "TEXTCRM_HOME": str(settings.home),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", CONSUMER, str(SESSION_MS)], env=environment, cwd=ROOT)

    half = MESSAGES // 2
    produce(address, topic, [sent(n) for n in range(half)])
    consumers = [start() for _ in range(3)]
    try:
        for number in range(KILLS):
            goal = min(MESSAGES, (number + 1) * half // KILLS)
            until(lambda goal=goal: store.messages.count() >= goal, 120)  # type: ignore[misc]
            doomed = consumers.pop(0)
            doomed.kill()
            doomed.wait()
            consumers.append(start())
            if number == 0:
                produce(address, topic, [sent(n) for n in range(half, MESSAGES)])
        until(lambda: store.messages.count() >= MESSAGES, 120)
        time.sleep(1)
    finally:
        for consumer in consumers:
            consumer.kill()
            consumer.wait()
    ids = [d["record"]["source"]["external_id"] for d in store.database["messages"].find({}, {"record.source": 1})]
    print(f"\nkafka: {MESSAGES} messages, {KILLS} consumers killed, {len(ids)} stored, {len(set(ids))} different")
    assert sorted(ids) == sorted(f"t{n}" for n in range(MESSAGES))


@needs_broker
def test_dead_letters_are_told_and_a_group_that_was_dropped_doubles_nothing(
    address: str, store: Store, settings: Settings
) -> None:
    topic = topic_of(settings)
    create(address, topic, f"{topic}_dead")
    produce(address, topic, [sent(1), (b"k", b"not json"), sent(2)])
    for group in ("first", "second"):
        name = f"in-{group}"
        add_kafka(store, name, KafkaBroker(address), settings=settings, topic=topic, group=f"{topic}-{group}")
        stop = threading.Event()
        thread = threading.Thread(target=follow_topic, args=(store, name), kwargs={"settings": settings, "stop": stop})
        thread.start()
        dead = consume(address, f"{topic}_dead", 1 if group == "first" else 2)
        stop.set()
        thread.join(timeout=30)
    assert store.messages.count() == 2
    headers = dict(dead[0].headers())
    assert dead[0].value() == b"not json" and dead[0].key() == b"k"
    assert headers["topic"] == topic.encode() and b"schema" in headers["reason"]
    (item, *_rest) = store.quarantine.list()
    assert store.raws.get(item.raw_sha256) == b"not json"


@needs_broker
def test_a_dead_letter_that_the_broker_refuses_holds_nothing_up(
    address: str, store: Store, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textcrm.sources.kafka.LARGEST_BYTES", 1_000)
    topic = topic_of(settings)
    create(address, topic, f"{topic}_dead")
    produce(address, topic, [(b"k", b"no message " * 200), sent(1)])
    add_kafka(store, "in", KafkaBroker(address), settings=settings, topic=topic, group=topic)
    with following(store, settings):
        until(lambda: store.messages.count() == 1)
        until(lambda: "1 dead letters are in quarantine alone (MSG_SIZE_TOO_LARGE)" in caplog.text)
    assert store.quarantine.count() == 1


@needs_broker
def test_a_broker_that_is_away_is_told(store: Store, settings: Settings) -> None:
    add_kafka(store, "in", KafkaBroker("127.0.0.1:9"), settings=settings, topic="t", group="t")
    with following(store, settings):
        until(lambda: "cannot be read" in store.sources.get("in").problem)


@contextmanager
def following(store: Store, settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=follow_topic, args=(store, "in"), kwargs={"settings": settings, "stop": stop})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive()


@needs_broker
def test_results_come_out_once_each_and_in_order_for_a_customer(address: str, store: Store, settings: Settings) -> None:
    topic = topic_of(settings)
    create(address, topic, f"{topic}_out")
    add_kafka(store, "in", KafkaBroker(address), settings=settings, topic=topic, group=topic)
    push.add_kafka(store, "out", KafkaBroker(address), settings=settings, topic=f"{topic}_out")
    worker = Worker(store, SmallEngine(), sweep_seconds=1)
    feeds = Feeds(store, settings, owner=worker.owner)
    thread = threading.Thread(target=worker.run)
    thread.start()
    feeds.start()
    try:
        until(lambda: worker._sinks == ["out"])
        produce(address, topic, [sent(n) for n in range(100)])
        results = consume(address, f"{topic}_out", 100)
        until(lambda: store.outbox.count("out") == 0)
    finally:
        feeds.close()
        worker.stop()
        thread.join(timeout=20)
    bodies = [json.loads(r.value()) for r in results]
    assert len(bodies) == 100 and len({b["delivery"] for b in bodies}) == 100
    assert {r.key().decode() for r in results} == {b["customer"] for b in bodies}
    order: dict[str, list[str]] = defaultdict(list)
    for body in bodies:
        order[body["customer"]].append(body["at"])
    assert all(times == sorted(times) for times in order.values())
