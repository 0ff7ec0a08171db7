"""Results to other systems: signed webhooks and Kafka, at least once, in order for each customer.

A webhook is a POST of the JSON of `result_of` with the headers of Standard Webhooks: ``webhook-id`` (the same at each
try), ``webhook-timestamp`` and ``webhook-signature``: ``v1,`` and the base64 of HMAC-SHA-256 over
``id.timestamp.body`` with the secret. Any answer from 200 to 299 takes it.

References
----------
https://github.com/standard-webhooks/standard-webhooks (specification 1.0).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from pymongo.errors import PyMongoError

from textcrm.entities.rules import Masking
from textcrm.errors import KafkaError, NotFoundError, StoreError, TextcrmError, UnavailableError, UsageError
from textcrm.operations.access.vault import Vault
from textcrm.operations.texts.masking import mask_records
from textcrm.operations.work.reach import Reach, Resolve, post
from textcrm.settings import Settings
from textcrm.sources.kafka import RESULT_TOPIC, KafkaBroker, Producer
from textcrm.store import Store
from textcrm.store.outbox import Delivery
from textcrm.store.sinks import Sink

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
IDLE_SECONDS = 0.5
RETRY_SECONDS, LONGEST_RETRY = 1.0, 60.0
AT_ONCE = 200
TURN_SECONDS = 30.0  # of one round of posts: shorter than the lease, with room for a last one that hangs
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
Send = Callable[[Sequence[tuple[Delivery, bytes]]], list[str]]


@dataclass(frozen=True)
class Attempt:
    """One try to deliver: whether it was taken, the status that came, or what went wrong before one did."""

    taken: bool
    status: int | None
    problem: str


def add_webhook(store: Store, name: str, url: str, *, settings: Settings, secret: str | None = None) -> str:
    """Send results to *url* from now on; return the secret that signs them.

    Raises
    ------
    UsageError
        The name or the URL cannot be, or the URL points to an address that is not public.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("A sink is named by letters, digits, and . _ -", hint="64 at most, a letter or digit first.")
    Reach.of(settings.private_hosts).target(url)
    key = secret or f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    store.sinks.add(name, kind="webhook", config={"url": url}, secret=Vault(settings.home).encrypt(key))
    return key


def webhook(store: Store, name: str) -> Sink:
    """Return one webhook.

    Raises
    ------
    NotFoundError
        There is none of this name.
    """
    sink = store.sinks.get(name)
    if sink.kind != "webhook":
        raise NotFoundError(f"There is no webhook {name[:64]!r}", hint="A sink of this name is of another kind.")
    return sink


def try_webhook(store: Store, name: str, *, settings: Settings, resolve: Resolve | None = None) -> Attempt:
    """Post a result without content, signed as all are, to see whether the receiver takes it.

    Raises
    ------
    NotFoundError
        There is no webhook of this name.
    """
    sink, reach = webhook(store, name), Reach.of(settings.private_hosts)
    delivery = f"test.{secrets.token_hex(12)}"
    at = store.now().isoformat()
    body = json.dumps({"delivery": delivery, "at": at, "customer": None, "message": None, "insight": None}).encode()
    return _send(sink.config["url"], _secret(sink, settings), delivery, body, reach=reach, resolve=resolve)


def post_signed(store: Store, name: str, delivery: str, body: bytes, *, settings: Settings) -> Attempt:
    """Post something other than a result to a webhook, once, signed as all are.

    Raises
    ------
    NotFoundError
        There is no webhook of this name.
    """
    sink = webhook(store, name)
    return _send(sink.config["url"], _secret(sink, settings), delivery, body, reach=Reach.of(settings.private_hosts))


def add_kafka(
    store: Store,
    name: str,
    broker: KafkaBroker,
    *,
    settings: Settings,
    topic: str = RESULT_TOPIC,
    secret: str = "",
) -> None:
    """Send results to a topic from now on."""
    config = {"broker": asdict(broker), "topic": topic}
    store.sinks.add(name, kind="kafka", config=config, secret=Vault(settings.home).encrypt(secret))


def result_of(store: Store, deliveries: Sequence[Delivery], *, masking: Masking) -> dict[str, dict[str, Any]]:
    """Return by delivery what is sent: ``delivery``, ``at``, ``customer``, ``message`` and ``insight``, as they stand.

    One whose message was deleted in the meantime is missing. What the pipeline hides in answers is masked.
    """
    ids = [delivery.message_id for delivery in deliveries]
    messages = store.messages.get_many(ids)
    insights = store.insights.get_many(ids)
    results = {}
    for delivery in deliveries:
        message, insight = messages.get(delivery.message_id), insights.get(delivery.message_id)
        if message is not None and insight is not None:
            message, masked = mask_records(message, insight, "answers", masking=masking)
            insight = masked or insight
            results[delivery.id] = {
                "delivery": delivery.id,
                "at": delivery.at.isoformat(),
                "customer": delivery.customer,
                "message": message.model_dump(mode="json", include={"id", "channel", "subject", "author", "sent_at"}),
                "insight": insight.model_dump(mode="json", exclude={"parts"}),
            }
    return results


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a webhook."""
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, f"{delivery_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def deliver(store: Store, sink: Sink, send: Send, *, masking: Masking) -> tuple[int, int]:
    """Send what waits for a sink, oldest first; return how many it took, and how many are left to be tried again."""
    waiting = store.outbox.waiting(sink.name, limit=AT_ONCE)
    results = result_of(store, waiting, masking=masking)
    bodies = [
        (d, json.dumps(results[d.id], ensure_ascii=False, separators=(",", ":")).encode())
        for d in waiting
        if d.id in results
    ]
    took = send(bodies)
    gone = [d.id for d in waiting if d.id not in results]
    if took or gone:
        store.outbox.delivered(sink.name, [*took, *gone])
    return len(took), len(bodies) - len(took)


def sender(sink: Sink, *, settings: Settings) -> Send:
    """Return what sends to *sink*. It returns the ids that were taken."""
    secret = _secret(sink, settings)
    if sink.kind == "kafka":
        producer = Producer(KafkaBroker(**sink.config["broker"]), secret)
        topic: str = sink.config["topic"]
        return lambda bodies: _to_kafka(producer, topic, bodies)
    url: str = sink.config["url"]
    reach = Reach.of(settings.private_hosts)
    return lambda bodies: _to_webhook(url, secret, bodies, reach)


def _secret(sink: Sink, settings: Settings) -> str:
    return Vault(settings.home).decrypt(sink.secret)


def _to_kafka(producer: Producer, topic: str, bodies: Sequence[tuple[Delivery, bytes]]) -> list[str]:
    for delivery, body in bodies:
        key = (delivery.customer or delivery.message_id).encode()
        producer.send(topic, key=key, value=body, headers={"delivery": delivery.id})
    try:
        producer.flush()
    except KafkaError as error:
        log.warning("%s", error.what)
        return []
    return [delivery.id for delivery, _ in bodies]


def _to_webhook(url: str, secret: str, bodies: Sequence[tuple[Delivery, bytes]], reach: Reach) -> list[str]:
    """Post one by one. After a failure nothing more goes to that customer this time, so that order holds."""
    took: list[str] = []
    behind: set[str | None] = set()
    failures = 0
    until = time.monotonic() + TURN_SECONDS
    for delivery, body in bodies:
        if failures >= 3 or time.monotonic() > until:
            break
        if delivery.customer in behind:
            continue
        if _send(url, secret, delivery.id, body, reach=reach).taken:
            took.append(delivery.id)
            failures = 0
        else:
            behind.add(delivery.customer)
            failures += 1
    return took


def _send(
    url: str, secret: str, delivery_id: str, body: bytes, *, reach: Reach, resolve: Resolve | None = None
) -> Attempt:
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "textcrm",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, delivery_id, timestamp, body),
    }
    try:
        status = post(url, body, headers=headers, reach=reach, resolve=resolve)
    except (UnavailableError, UsageError) as error:
        return Attempt(False, None, error.what)
    taken = 200 <= status < 300
    return Attempt(taken, status, "" if taken else f"The receiver answered {status}")


def push(store: Store, name: str, *, settings: Settings, owner: str, stop: threading.Event) -> None:
    """Deliver to a sink until *stop*. Of several that want to, one does, so that order holds."""
    pause = RETRY_SECONDS
    send: Send | None = None
    masking = Masking.open(settings.home, region=settings.region)
    while not stop.is_set():
        try:
            if not store.sinks.lease(name, owner, LEASE):
                stop.wait(5.0)
                continue
            sink = store.sinks.get(name)
            send = send or sender(sink, settings=settings)
            took, left = deliver(store, sink, send, masking=masking)
            store.sinks.note(name, f"{left} results were not taken at the last try" if left else "")
        except (StoreError, PyMongoError, TextcrmError) as error:
            log.warning("sink %s: %s", name, error.what if isinstance(error, TextcrmError) else type(error).__name__)
            took, left = 0, 1
        if left and not took:
            stop.wait(pause)
            pause = min(LONGEST_RETRY, 2 * pause)
        else:
            pause = RETRY_SECONDS
            if not took:
                stop.wait(IDLE_SECONDS)
    try:
        store.sinks.give_up(name, owner)
    except (StoreError, PyMongoError):
        log.warning("sink %s: its lease runs out by itself", name)
