"""Messages from a Kafka topic, and results to another.

A message is one JSON object; its key should name the customer, so that order holds within a customer::

    {"text": "Where is my order?",          required
     "channel": "chat",                      email, review, social or chat; that of the source where absent
     "id": "ticket-17",                      the sender's own id; without it, topic, partition and offset name it
     "subject": "...", "product": "...", "sent_at": "2026-09-01T10:00:00Z",
     "author": {"name", "email", "phone", "handle", "customer_number"}}

Further fields are kept as ``extra`` where they are plain values. What cannot be read goes to the dead-letter topic with
the headers ``reason``, ``topic``, ``partition`` and ``offset``, and to the quarantine. A result is the JSON object of
`textcrm.operations.work.push.result_of`, its key the customer's id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from textcrm.errors import DependencyError, KafkaError
from textcrm.records import Author, Channel, Message, Source, message_key
from textcrm.sources.rejected import Rejected

DATA_TOPIC, RESULT_TOPIC = "customer_data", "customer_result"
FLUSH_SECONDS = 30.0
SESSION_MS = 10_000  # after so long without a sign of life a consumer's partitions go to the others
LARGEST_BYTES = 20_000_000  # of a record that is sent; a broker may allow less
RECONNECT = {"reconnect.backoff.ms": 1_000, "reconnect.backoff.max.ms": 10_000}  # the library's own: 20 times a second
# Refused for good: sent again, the same record would be refused again.
REFUSED = frozenset(
    (
        "MSG_SIZE_TOO_LARGE",
        "UNKNOWN_TOPIC_OR_PART",
        "_UNKNOWN_TOPIC",
        "_UNKNOWN_PARTITION",
        "TOPIC_AUTHORIZATION_FAILED",
    )
)


@dataclass(frozen=True)
class KafkaBroker:
    """Where the brokers are: ``host:port``, commas between. With a user, SASL over TLS."""

    brokers: str
    user: str | None = None
    tls: bool = False
    ca_file: str | None = None

    def config(self, secret: str) -> dict[str, Any]:
        """Return what librdkafka takes."""
        config: dict[str, Any] = {
            "bootstrap.servers": self.brokers,
            "client.id": "textcrm",
            "log_level": 3,
            **RECONNECT,
        }
        secure = self.tls or self.user is not None
        if secure and self.ca_file:
            config["ssl.ca.location"] = self.ca_file
        if self.user is not None:
            config |= {"sasl.mechanism": "PLAIN", "sasl.username": self.user, "sasl.password": secret}
        if secure:
            config["security.protocol"] = "SASL_SSL" if self.user is not None else "SSL"
        return config


@dataclass(frozen=True)
class Item:
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes

    @property
    def place(self) -> str:
        """Where it stands; names it for good."""
        return f"{self.topic}:{self.partition}:{self.offset}"


class Consumer:
    """Reads a topic in a consumer group. Offsets are committed by `commit` alone.

    Attributes
    ----------
    problem
        What keeps it from reading, as the library last said; empty since something was read.
    """

    def __init__(self, broker: KafkaBroker, secret: str, *, topic: str, group: str) -> None:
        kafka = _library()
        self.problem = ""
        self._errors = kafka.KafkaException
        self._consumer = kafka.Consumer(
            {
                **broker.config(secret),
                "error_cb": self._told,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",  # a group that was dropped reads all again; what is stored stays once
                "session.timeout.ms": SESSION_MS,
                "allow.auto.create.topics": True,
            }
        )
        self._consumer.subscribe([topic])

    def read(self, limit: int, seconds: float) -> list[Item]:
        """Return up to *limit* records that come within *seconds*.

        Raises
        ------
        KafkaError
            The broker failed in a way that does not pass by itself.
        """
        items = []
        try:
            found = self._consumer.consume(limit, seconds)
        except self._errors as error:
            raise _failed(error) from error
        for one in found:
            problem = one.error()
            if problem is None:
                self.problem = ""
                items.append(Item(one.topic(), one.partition(), one.offset(), one.key(), one.value() or b""))
            elif problem.fatal():
                raise _failed(problem)
            else:
                self._told(problem)
        return items

    def _told(self, problem: Any) -> None:
        if problem.name() != "_PARTITION_EOF":
            self.problem = str(problem.name())

    def commit(self, items: Sequence[Item]) -> None:
        """Tell the broker that these were stored. Partitions that went to another consumer are left to it."""
        from confluent_kafka import TopicPartition

        last: dict[tuple[str, int], int] = {}
        for item in items:
            place = (item.topic, item.partition)
            last[place] = max(last.get(place, 0), item.offset + 1)
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in last.items()]
        with suppress(self._errors):  # not committed means read again, and stored once all the same
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


class Producer:
    """Writes to topics; `flush` says that all has arrived."""

    def __init__(self, broker: KafkaBroker, secret: str) -> None:
        kafka = _library()
        options = {"acks": "all", "linger.ms": 5, "message.max.bytes": LARGEST_BYTES}
        self._errors = kafka.KafkaException
        self._producer = kafka.Producer({**broker.config(secret), **options})
        self._failed: list[str] = []

    def send(self, topic: str, *, key: bytes | None, value: bytes, headers: dict[str, str] | None = None) -> None:
        """Send one record."""

        def told(error: Any, _record: Any) -> None:
            if error is not None:
                self._failed.append(str(error.name()))

        fields = [(name, text.encode()) for name, text in (headers or {}).items()]
        while True:
            try:
                self._producer.produce(topic, value, key, headers=fields, on_delivery=told)
            except BufferError:
                self._producer.poll(0.1)
            except self._errors as error:
                self._failed.append(str(error.args[0].name()))
                return
            else:
                return

    def flush(self, *, refused: list[str] | None = None) -> None:
        """Wait until everything that was sent has arrived.

        Parameters
        ----------
        refused
            Takes the reason for each record that was refused for good, which then is no error.

        Raises
        ------
        KafkaError
            Something has not; send it again.
        """
        left = self._producer.flush(FLUSH_SECONDS)
        failed, self._failed = self._failed, []
        if refused is not None:
            refused += [why for why in failed if why in REFUSED]
            failed = [why for why in failed if why not in REFUSED]
        if left or failed:
            self._producer.purge()
            raise KafkaError(
                f"{left + len(failed)} records did not reach the broker", hint="They are sent again by themselves."
            )


class _Sent(BaseModel):
    """A message as it is sent."""

    model_config = ConfigDict(extra="allow")

    text: str = Field(min_length=1)
    channel: Channel | None = None
    id: str | None = None
    subject: str | None = None
    product: str | None = None
    sent_at: datetime | None = None
    author: Author = Author()


def read_item(item: Item, *, name: str, channel: Channel, received_at: datetime) -> Message | Rejected:
    """Return the message that a record holds, or why it holds none."""
    source = Source(kind="kafka", name=f"{name}/{item.topic}/{item.partition}", place=item.offset + 1)
    try:
        sent = _Sent.model_validate_json(item.value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the record"
        return Rejected(raw=item.value, reason="schema", detail=f"{where}: {first['msg']}", source=source)
    own = sent.channel or channel
    external = sent.id or item.place
    who = sent.author.model_dump_json(exclude_none=True)
    extra = sent.model_extra or {}
    return Message(
        id=message_key(own, external_id=external, content="\n".join((sent.text, sent.subject or "", who))),
        channel=own,
        text=sent.text,
        subject=sent.subject,
        author=sent.author,
        sent_at=sent.sent_at if sent.sent_at is None or sent.sent_at.tzinfo else sent.sent_at.replace(tzinfo=UTC),
        received_at=received_at,
        source=source.model_copy(update={"external_id": external}),
        product=sent.product,
        extra=tuple((k, v if isinstance(v, str) else json.dumps(v)) for k, v in extra.items()),
    )


def _library() -> Any:
    try:
        import confluent_kafka
    except ModuleNotFoundError as error:
        raise DependencyError(
            "Kafka needs the package confluent-kafka", hint="Install it with: pip install 'textcrm[kafka]'."
        ) from error
    return confluent_kafka


def _failed(error: Any) -> KafkaError:
    return KafkaError(f"The broker failed ({type(error).__name__})", hint="It is tried again.")
