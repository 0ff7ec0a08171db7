"""A small analyser at the seam of the engine, for tests of what surrounds it: what it makes can be recomputed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from textcrm.operations.links.claims import CANARY, FindCustomers
from textcrm.records import Customer, Insight, Language, Link, Message


def label_of(text: str) -> str:
    """Return what the analyser says of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


class SmallEngine:
    """Makes an insight a message in *seconds* each; does *trouble* with each message first."""

    def __init__(
        self,
        *,
        seconds: float = 0.0,
        trouble: Callable[[Message], None] = lambda _: None,
        version: str = "p1",
    ) -> None:
        self.seconds = seconds
        self.trouble = trouble
        self.version = version
        self.sizes: list[int] = []
        self.clock = None  # the service shows that of the real one
        self.lines: dict[str, object] = {}  # no models whose answers the service could look for

    def insights(
        self, messages: Sequence[Message], *, find: FindCustomers, now: datetime
    ) -> tuple[list[Insight], list[Customer]]:
        self.sizes.append(len(messages))
        made = []
        customers: dict[str, Customer] = {}
        find([f"email:{m.author.email}" for m in messages if m.author.email])
        for message in messages:
            self.trouble(message)
            if self.seconds:
                time.sleep(self.seconds)
            customer = f"c-{label_of(message.author.email or '')}"
            customers[customer] = Customer(id=customer, provisional=True)
            made.append(
                Insight(
                    message_id=message.id,
                    channel=message.channel,
                    made_at=now,
                    pipeline=self.version,
                    language=Language(code="en", confidence=1.0, supported=True),
                    kind="request",
                    clean=label_of(message.text),
                    entities=(),
                    predictions=(),
                    link=Link(customer_id=customer, outcome="provisional", confidence=1.0),
                )
            )
        return made, list(customers.values())


def is_canary(message: Message) -> bool:
    return message.text == CANARY
