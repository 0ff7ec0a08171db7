"""What the routes share, put together once by ``create_app``."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from textcrm.entities.mask import Purpose
from textcrm.errors import StoreError, UsageError
from textcrm.operations.desk.similar import Similar
from textcrm.operations.links.lookup import customer_finder
from textcrm.operations.texts.entities import mask_texts
from textcrm.operations.texts.masking import mask_customer, mask_records
from textcrm.records import CHANNELS, Channel, Customer, EntitySpan, Insight, Language, Message, Prediction
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.audit import AuditLog
from textcrm.store.keys import ApiKey
from textcrm_api.batching import Batcher
from textcrm_api.eyes import Eyes, eyes
from textcrm_api.gate import Gate
from textcrm_api.idempotency import Idempotency
from textcrm_api.metrics import Metrics

if TYPE_CHECKING:
    from textcrm.engine import Engine

Classified = tuple[Language, tuple[Prediction, ...]]
MAX_CACHED = 4_000  # answers, about 10 KB each
MOST_FOR_LANGUAGE = 2_000


@dataclass(frozen=True)
class Service:
    """The parts of one application."""

    settings: Settings
    store: Store
    engine: Engine
    models: Models
    metrics: Metrics
    gate: Gate
    idempotency: Idempotency
    audit: AuditLog
    similar: Similar

    def shown(self, message: Message) -> Message:
        """Return a stored message as the caller may see it."""
        looked = eyes()
        looked.see(message.id)
        with self._turn(message.channel, looked):
            language = self.engine.lines[message.channel].cleaner.language(message.text[:MOST_FOR_LANGUAGE]).code
            masking = self.engine.masking
            return mask_records(message, None, looked.purpose, masking=masking, language=language)[0]

    def shown_with(self, message: Message, insight: Insight, *, stored: bool = True) -> tuple[Message, Insight]:
        """Return a message and what is known of it as the caller may see them, offsets into the text shown."""
        looked = eyes()
        if stored:
            looked.see(message.id)
        with self._turn(message.channel, looked):
            masked, known = mask_records(message, insight, looked.purpose, masking=self.engine.masking)
        return masked, known or insight

    def shown_entities(self, found: Sequence[EntitySpan], channel: Channel) -> Sequence[EntitySpan]:
        """Return entities of the caller's own text; for one who sees no texts, without what they say."""
        looked = eyes()
        if looked.sees_text:
            return found
        masker = self.engine.masking.masker(channel, looked.purpose)
        return [
            span
            if masker.action(span.label) == "keep"
            else span.model_copy(update={"text": masker.replacement(span.label, span.text), "value": None})
            for span in found
        ]

    def shown_customer(self, customer: Customer) -> Customer:
        """Return a customer as the caller may see it: masked for one who sees no texts."""
        looked = eyes()
        return customer if looked.sees_text else mask_customer(customer, looked.purpose, masking=self.engine.masking)

    def _turn(self, channel: Channel, looked: Eyes) -> AbstractContextManager[object]:
        """Return the turn at the recogniser, which masking for those who see no texts needs."""
        return nullcontext() if looked.sees_text else self.engine.turn(channel)


class Models:
    """The engine, off the event loop, in batches, with a cache of answers."""

    def __init__(self, engine: Engine, store: Store, *, batcher: Batcher, metrics: Metrics) -> None:
        self.batcher = batcher
        self._engine = engine
        self._store = store
        self._metrics = metrics
        self._answers: OrderedDict[tuple[object, ...], Classified] = OrderedDict()

    async def classify(
        self, texts: Sequence[str], *, channel: Channel, tasks: tuple[str, ...] | None
    ) -> list[Classified | Exception]:
        """Return language and predictions of each text, or the error that befell it."""
        line = self._engine.lines[channel]
        names = [
            (line.fingerprint, tasks, hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()) for text in texts
        ]
        answers: list[Classified | Exception | None] = [self._held(name) for name in names]
        missing = [i for i, answer in enumerate(answers) if answer is None]
        made = await self.batcher.run(
            ("classify", channel, tasks),
            lambda some: self._engine.classify(some, channel=channel, tasks=tasks),
            [texts[i] for i in missing],
            chars=[len(texts[i]) for i in missing],
        )
        for i, answer in zip(missing, made, strict=True):
            answers[i] = answer
            if not isinstance(answer, Exception):
                self._answers[names[i]] = answer
                self._metrics.predictions(answer[1])
        while len(self._answers) > MAX_CACHED:
            self._answers.popitem(last=False)
        return [answer for answer in answers if answer is not None]

    def _held(self, name: tuple[object, ...]) -> Classified | None:
        found = self._answers.get(name)
        self._metrics.cache(hit=found is not None)
        if found is not None:
            self._answers.move_to_end(name)
        return found

    async def insights(self, messages: Sequence[Message]) -> list[Insight | Exception]:
        """Return the insight of each message, linked but not stored, or the error that befell it."""

        def work(some: Sequence[Message]) -> Sequence[Insight]:
            return self._engine.insights(some, find=customer_finder(self._store), now=datetime.now(UTC))[0]

        made = await self.batcher.run("insights", work, messages, chars=[len(m.text) for m in messages])
        for insight in made:
            if isinstance(insight, StoreError):  # the links could not be looked up: nothing is known of any
                raise insight
            if isinstance(insight, Insight):
                self._metrics.predictions(insight.predictions)
        return made

    async def entities(self, texts: Sequence[str], *, channel: Channel) -> list[tuple[EntitySpan, ...] | Exception]:
        """Return the entities of each text, or the error that befell it."""
        return await self.batcher.run(
            ("entities", channel),
            lambda some: self._engine.entities(some, channel=channel),
            texts,
            chars=[len(text) for text in texts],
        )

    async def masked(
        self, texts: Sequence[str], *, channel: Channel, policy: Purpose
    ) -> list[tuple[str, tuple[EntitySpan, ...]] | Exception]:
        """Return each text masked, with the entities and marks in it, or the error that befell it."""
        masker = self._engine.masking.masker(channel, policy)

        def work(some: Sequence[str]) -> Sequence[tuple[str, tuple[EntitySpan, ...]]]:
            with self._engine.turn(channel) as line:
                languages = [line.cleaner.language(text).code for text in some]
                return mask_texts(some, line.recogniser, masker, languages=languages)

        return await self.batcher.run(("mask", channel, policy), work, texts, chars=[len(text) for text in texts])


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _caller(request: Request) -> ApiKey:
    caller: ApiKey = request.state.caller
    return caller


ServiceDep = Annotated[Service, Depends(_service)]
CallerDep = Annotated[ApiKey, Depends(_caller)]


def channel_of_pipeline(engine: Engine, name: str | None) -> Channel | None:
    """Return the channel that the pipeline *name* serves; None for None.

    Raises
    ------
    UsageError
        There is no such pipeline.
    """
    if name is None:
        return None
    found = next((c for c in CHANNELS if c in engine.lines and engine.lines[c].spec.name == name), None)
    if found is None:
        raise UsageError("There is no such pipeline", options=[line.spec.name for line in engine.lines.values()])
    return found
