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
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from pymongo.errors import PyMongoError

from textcrm.errors import KafkaError, StoreError, TextcrmError, UsageError
from textcrm.operations.vault import Vault
from textcrm.settings import Settings
from textcrm.sources.kafka import RESULT_TOPIC, KafkaBroker, Producer
from textcrm.store import Store
from textcrm.store.outbox import Delivery
from textcrm.store.sinks import Sink

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
IDLE_SECONDS = 0.5
RETRY_SECONDS, LONGEST_RETRY = 1.0, 60.0
TIMEOUT_SECONDS = 10.0
AT_ONCE = 200
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
Send = Callable[[Sequence[tuple[Delivery, bytes]]], list[str]]


def add_webhook(store: Store, name: str, url: str, *, settings: Settings, secret: str | None = None) -> str:
    """Send results to *url* from now on; return the secret that signs them.

    Raises
    ------
    UsageError
        The URL is neither https nor on this machine.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise UsageError("A webhook's URL begins with https://", hint="http:// is allowed to this machine alone.")
    key = secret or f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    store.sinks.add(name, kind="webhook", config={"url": url}, secret=Vault(settings.home).encrypt(key))
    return key


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


def result_of(store: Store, deliveries: Sequence[Delivery]) -> dict[str, dict[str, Any]]:
    """Return by delivery what is sent: ``delivery``, ``at``, ``customer``, ``message`` and ``insight``, as they stand.

    One whose message was deleted in the meantime is missing.
    """
    ids = [delivery.message_id for delivery in deliveries]
    messages = store.messages.get_many(ids)
    insights = store.insights.get_many(ids)
    results = {}
    for delivery in deliveries:
        message, insight = messages.get(delivery.message_id), insights.get(delivery.message_id)
        if message is not None and insight is not None:
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


def deliver(store: Store, sink: Sink, send: Send) -> tuple[int, int]:
    """Send what waits for a sink, oldest first; return how many it took, and how many are left to be tried again."""
    waiting = store.outbox.waiting(sink.name, limit=AT_ONCE)
    results = result_of(store, waiting)
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
    secret = Vault(settings.home).decrypt(sink.secret)
    if sink.kind == "kafka":
        producer = Producer(KafkaBroker(**sink.config["broker"]), secret)
        topic: str = sink.config["topic"]
        return lambda bodies: _to_kafka(producer, topic, bodies)
    url: str = sink.config["url"]
    return lambda bodies: _to_webhook(url, secret, bodies)


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


def _to_webhook(url: str, secret: str, bodies: Sequence[tuple[Delivery, bytes]]) -> list[str]:
    """Post one by one. After a failure nothing more goes to that customer this time, so that order holds."""
    took: list[str] = []
    behind: set[str | None] = set()
    failures = 0
    for delivery, body in bodies:
        if delivery.customer in behind or failures >= 3:
            continue
        if _post(url, secret, delivery.id, body):
            took.append(delivery.id)
            failures = 0
        else:
            behind.add(delivery.customer)
            failures += 1
    return took


def _post(url: str, secret: str, delivery_id: str, body: bytes) -> bool:
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "textcrm",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, delivery_id, timestamp, body),
    }
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - checked when added
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
            return 200 <= int(answer.status) < 300
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except (OSError, ValueError):
        return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is no answer: the signed result goes where the user said, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


def push(store: Store, name: str, *, settings: Settings, owner: str, stop: threading.Event) -> None:
    """Deliver to a sink until *stop*. Of several that want to, one does, so that order holds."""
    pause = RETRY_SECONDS
    send: Send | None = None
    while not stop.is_set():
        try:
            if not store.sinks.lease(name, owner, LEASE):
                stop.wait(5.0)
                continue
            sink = store.sinks.get(name)
            send = send or sender(sink, settings=settings)
            took, left = deliver(store, sink, send)
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
