"""Kafka topics that are read all the time: stored first, then told to the broker."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict

from pymongo.errors import PyMongoError

from textcrm.errors import StoreError, TextcrmError, UsageError
from textcrm.operations.access.vault import Vault
from textcrm.operations.intake.ingest import IngestReport, take
from textcrm.records import Channel
from textcrm.settings import Settings
from textcrm.sources import Rejected
from textcrm.sources.kafka import DATA_TOPIC, Consumer, Item, KafkaBroker, Producer, read_item
from textcrm.store import Store
from textcrm.store.sources import SourceEntry

log = logging.getLogger(__name__)

AT_ONCE = 500
WAIT_SECONDS = 0.2
NOTE_SECONDS = 30.0
RETRY_SECONDS, LONGEST_RETRY = 1.0, 30.0


def add_kafka(
    store: Store,
    name: str,
    broker: KafkaBroker,
    *,
    settings: Settings,
    channel: Channel = "chat",
    topic: str = DATA_TOPIC,
    group: str = "textcrm",
    dead_topic: str | None = None,
    secret: str = "",
) -> None:
    """Keep a topic to read from.

    Parameters
    ----------
    dead_topic
        Where records go that cannot be read; the topic's name and ``_dead`` unless named.
    """
    config = {"broker": asdict(broker), "topic": topic, "group": group, "dead": dead_topic or f"{topic}_dead"}
    ciphertext = Vault(settings.home).encrypt(json.dumps({"secret": secret}))
    store.sources.add(name, kind="kafka", channel=channel, config=config, secret=ciphertext)


def follow_topic(
    store: Store, name: str, *, settings: Settings, stop: threading.Event, report: IngestReport | None = None
) -> None:
    """Read a topic until *stop*. Any number may: the group shares the partitions out."""
    pause = RETRY_SECONDS
    while not stop.is_set():
        try:
            _consume(store, store.sources.get(name), settings=settings, stop=stop, report=report)
        except (StoreError, PyMongoError, TextcrmError) as error:
            what = error.what if isinstance(error, TextcrmError) else type(error).__name__
            log.warning("source %s: %s; tried again in %.0f s", name, what, pause)
            _note(store, name, what)
            stop.wait(pause)
            pause = min(LONGEST_RETRY, 2 * pause)
        else:
            pause = RETRY_SECONDS


def _consume(
    store: Store, entry: SourceEntry, *, settings: Settings, stop: threading.Event, report: IngestReport | None
) -> None:
    if entry.kind != "kafka":
        raise UsageError(f"The source {entry.name} is no topic", hint=f"It is of the kind {entry.kind}.")
    secret: str = json.loads(Vault(settings.home).decrypt(entry.secret))["secret"]
    broker = KafkaBroker(**entry.config["broker"])
    producer = Producer(broker, secret)
    consumer = Consumer(broker, secret, topic=entry.config["topic"], group=entry.config["group"])
    said, due = "", 0.0
    try:
        while not stop.is_set():
            items = consumer.read(AT_ONCE, WAIT_SECONDS)
            if items:
                _store(store, entry, items, producer, report)
                consumer.commit(items)
            problem = f"the broker cannot be read ({consumer.problem})" if consumer.problem else ""
            if problem != said or (items and time.monotonic() > due):
                store.sources.note(entry.name, problem=problem)
                said, due = problem, time.monotonic() + NOTE_SECONDS
    finally:
        consumer.close()


def _note(store: Store, name: str, problem: str) -> None:
    try:
        store.sources.note(name, problem=problem)
    except (StoreError, PyMongoError):
        log.warning("source %s: the database does not take the note", name)


def _store(
    store: Store, entry: SourceEntry, items: list[Item], producer: Producer, report: IngestReport | None
) -> None:
    """Store records and hand on the dead ones; when this returns, both are acknowledged.

    A dead one that the broker refuses for good (too large, no such topic) is in the quarantine all the same.
    """
    channel: Channel = entry.channel  # type: ignore[assignment]  # written from a Channel
    now = store.now()
    read = [read_item(item, name=entry.name, channel=channel, received_at=now) for item in items]
    take(store, read, channel=channel, report=report)
    dead = [(item, one) for item, one in zip(items, read, strict=True) if isinstance(one, Rejected)]
    for item, one in dead:
        headers = {
            "reason": f"{one.reason}: {one.detail}",
            "topic": item.topic,
            "partition": str(item.partition),
            "offset": str(item.offset),
        }
        producer.send(entry.config["dead"], key=item.key, value=item.value, headers=headers)
    refused: list[str] = []
    if dead:
        producer.flush(refused=refused)
    if refused:
        log.error("source %s: %d dead letters are in quarantine alone (%s)", entry.name, len(refused), refused[0])
