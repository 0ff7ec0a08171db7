"""What the tests of the pages look at: an engine without models, a service with its pages, messages of some weeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from fastapi import FastAPI

from tests.factories import NOON, insight, message
from textcrm.catalog import Catalog
from textcrm.clean import Cleaner
from textcrm.engine import Engine, Line
from textcrm.entities import EntityRecogniser
from textcrm.records import (
    AbstainReason,
    Author,
    Channel,
    Customer,
    EntitySpan,
    Evidence,
    Insight,
    LabelScore,
    Link,
    Message,
    Prediction,
)
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm_api import create_app
from textcrm_api.dashboard import pages

ANN = Customer(id="C-1", number="C-1", name="Ann Example", emails=("ann@example.com",), segment="business")


@cache
def engine_without_models() -> Engine:
    """Return an engine that cleans and links, with no models: pages must say so, and work."""
    recogniser = EntityRecogniser(spacy=False, patterns=["email"], region="US")
    catalog = Catalog(Path())
    lines: dict[Channel, Line] = {}
    for spec in map(catalog.pipeline, catalog.pipelines()):
        cleaner = Cleaner(social=spec.clean.social, languages=spec.languages)
        lines[spec.channel] = Line(spec, cleaner, recogniser, (), "without-models")
    return Engine(lines, {}, region="US")


def application(settings: Settings, store: Store) -> FastAPI:
    """Return the application that ships, with its pages."""
    engine = engine_without_models()
    return create_app(settings, store=store, engine=engine, pages=pages(store, engine, settings))


def answer(task: str, label: str, second: str, *, confidence: float = 0.8, abstained: bool = False) -> Prediction:
    """Return a prediction with a second-best label."""
    top = (
        LabelScore(label=label, confidence=confidence),
        LabelScore(label=second, confidence=round(1 - confidence, 4)),
    )
    reason: AbstainReason | None = "ambiguous" if abstained else None
    return Prediction(task=task, label=label, confidence=confidence, top=top, abstained=abstained, reason=reason)


def known(
    of: Message,
    *,
    urgency: str = "normal",
    sentiment: str = "neutral",
    intent: str = "question",
    sure: bool = True,
    customer: str | None = None,
    entities: Sequence[EntitySpan] = (),
) -> Insight:
    """Return an insight of a message as the desk reads it."""
    predictions = (
        answer("intent", intent, "praise", abstained=not sure),
        answer("sentiment", sentiment, "positive" if sentiment != "positive" else "neutral"),
        answer("urgency", urgency, "high" if urgency != "high" else "normal"),
    )
    link = Link(customer_id=customer, outcome="linked" if customer else "none", confidence=1.0 if customer else 0.0)
    made = insight(of, predictions=predictions, link=link)
    parts = engine_without_models().lines[of.channel].cleaner.clean(of)
    return made.model_copy(update={"clean": parts.text, "parts": parts.parts, "entities": tuple(entities)})


def keep(store: Store, pairs: Sequence[tuple[Message, Insight]]) -> None:
    """Store messages with their insights, as the worker does."""
    store.messages.add([m for m, _ in pairs])
    claim = store.messages.claim("test", limit=len(pairs) + 10, lease=timedelta(minutes=5))
    store.insights.complete(claim, [i for _, i in pairs])


def doubtful(store: Store) -> list[Message]:
    """Store two customers of one address, and messages of which either may be the author; return the messages."""
    twin = Customer(id="C-2", number="C-2", name="A. Example", emails=("ann@example.com",), company="Example Ltd")
    store.customers.upsert([ANN, twin])
    found = (
        Evidence(field="email", level="exact (from)", weight=10.0, left="ann@example.com", right="ann@example.com"),
        Evidence(field="name", level="differs", weight=-4.0, left="robin example", right="ann example"),
    )
    link = Link(
        customer_id=None,
        outcome="review",
        confidence=0.5,
        rule="shared_identifier",
        evidence=found,
        candidates=("C-1", "C-2"),
    )
    author = Author(name="Robin Example", email="ann@example.com")
    sent = [message(f"Where is parcel {n}?", channel="chat", sent_at=at(n), author=author) for n in range(2)]
    keep(store, [(one, known(one).model_copy(update={"link": link})) for one in sent])
    return sent


def at(days: float) -> datetime:
    """Return a time some days before noon of the tests."""
    return NOON - timedelta(days=days)


def fill(store: Store) -> list[Message]:
    """Store a customer and messages of eight weeks, the mood falling in the last four; return the messages."""
    store.customers.upsert([ANN])
    pairs: list[tuple[Message, Insight]] = []
    for day in range(56):
        channel: Channel = "email" if day % 2 else "chat"
        for number in range(2):
            bad = day < 28 and number == 0
            sent = message(
                f"Message {day}-{number}: the kettle {'cracked again' if bad else 'works well'}.",
                channel=channel,
                subject=f"Kettle {day}-{number}" if channel == "email" else None,
                sent_at=at(day),
                author=Author(name="Ann Example", email="ann@example.com"),
            )
            pairs.append(
                (
                    sent,
                    known(
                        sent,
                        urgency="critical" if day == 3 and number == 0 else "normal",
                        sentiment="negative" if bad else "positive",
                        intent="complaint" if bad else "praise_note",
                        sure=day % 7 != 0,
                        customer=ANN.id if day < 6 else None,
                    ),
                )
            )
    keep(store, pairs)
    return [m for m, _ in pairs]
