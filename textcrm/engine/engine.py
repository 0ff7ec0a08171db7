"""From messages to what is known of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from textcrm.classify.explain import explain
from textcrm.classify.shared import SharedTexts
from textcrm.embed.sentence import SentenceEncoder
from textcrm.engine.answers import Answers, for_content, model_text
from textcrm.engine.clock import StageClock
from textcrm.engine.line import Line, open_lines
from textcrm.entities.rules import Masking
from textcrm.link.message import IdentityKey, decide, identifiers, keys_of
from textcrm.records import (
    CHANNELS,
    Channel,
    CleanText,
    Customer,
    EntitySpan,
    Insight,
    IntentSpan,
    Language,
    Link,
    Message,
    Prediction,
)
from textcrm.settings import Settings

FindCustomers = Callable[[Sequence[str]], Sequence[Customer]]


@dataclass(frozen=True)
class Analysis:
    """All that the stages before the link found out of one message."""

    clean: CleanText
    entities: tuple[EntitySpan, ...]
    predictions: tuple[Prediction, ...]
    intents: tuple[IntentSpan, ...]
    keys: tuple[IdentityKey, ...]


class Engine:
    """Analyses messages with the pipeline of their channel.

    It may be called from several threads: they take turns at spaCy alone, whose vocabulary is not made for several.
    """

    def __init__(
        self,
        lines: dict[Channel, Line],
        encoders: dict[str, SentenceEncoder],
        *,
        region: str,
        ours: frozenset[str] = frozenset(),
        home: Path | None = None,
    ) -> None:
        self.lines = lines
        pipelines = {channel: (line.spec, line.recogniser) for channel, line in lines.items()}
        self.masking = Masking(pipelines, region=region, home=home)
        self.clock = StageClock()
        self._answers = Answers(encoders, self.clock)
        self._region = region
        self._ours = ours
        self._turn = threading.Lock()

    @classmethod
    def open(cls, settings: Settings, *, channels: Sequence[Channel] = CHANNELS) -> Engine:
        """Load the pipelines of *channels* and the active models that they name.

        Raises
        ------
        NotFoundError
            A pipeline or a model is missing; the message says how to make it.
        ArtifactError
            A model is damaged.
        """
        lines, encoders = open_lines(settings, channels)
        return cls(lines, encoders, region=settings.region, ours=settings.ours, home=settings.home)

    def warm(self) -> None:
        """Load what loads at its first use, so that the first message does not wait for it."""
        for line in self.lines.values():
            line.recogniser.warm()
        self.classify(["Where is my order? It has not come yet."])

    def analyse(self, messages: Sequence[Message]) -> list[Analysis]:
        """Clean, recognise and classify messages, of any channels, in order."""
        done: dict[int, Analysis] = {}
        for channel in dict.fromkeys(message.channel for message in messages):
            places = [i for i, message in enumerate(messages) if message.channel == channel]
            chosen = [messages[i] for i in places]
            done.update(zip(places, self._analyse(chosen, self.lines[channel]), strict=True))
        self.clock.count(len(messages))
        return [done[i] for i in range(len(messages))]

    def insights(
        self, messages: Sequence[Message], *, find: FindCustomers, now: datetime
    ) -> tuple[list[Insight], list[Customer]]:
        """Analyse messages and link them to customers.

        Parameters
        ----------
        find
            Returns the customers that carry any of the given exact identifiers.
        now
            The time written into the insights.

        Returns
        -------
        insights, provisional
            One insight a message, in order; the provisional customers that unlinked authors become.
        """
        analyses = self.analyse(messages)
        links, provisional = self.link(messages, analyses, find=find)
        made = []
        for message, analysis, link in zip(messages, analyses, links, strict=True):
            clean = analysis.clean
            made.append(
                Insight(
                    message_id=message.id,
                    channel=message.channel,
                    made_at=now,
                    pipeline=self.lines[message.channel].fingerprint,
                    language=clean.language,
                    kind=clean.kind,
                    clean=clean.text,
                    entities=analysis.entities,
                    predictions=analysis.predictions,
                    intents=analysis.intents,
                    parts=clean.parts,
                    link=link,
                    flags=tuple(dict.fromkeys((*message.warnings, *clean.flags))),
                )
            )
        return made, provisional

    def link(
        self, messages: Sequence[Message], analyses: Sequence[Analysis], *, find: FindCustomers
    ) -> tuple[list[Link], list[Customer]]:
        """Link messages to customers by their exact identifiers, with one look-up for all."""
        with self.clock.stage("link"):
            wanted = list(dict.fromkeys(k.key for analysis in analyses for k in analysis.keys))
            candidates = find(wanted) if wanted else ()
            carriers: dict[str, list[Customer]] = {}
            for customer in candidates:
                for key in identifiers(customer):
                    carriers.setdefault(key, []).append(customer)
            # each message sees those who carry its own identifiers: what else is in the batch makes no difference
            decided = [
                decide(m, a.keys, list({c.id: c for k in a.keys for c in carriers.get(k.key, ())}.values()))
                for m, a in zip(messages, analyses, strict=True)
            ]
        new = {customer.id: customer for _, customer in decided if customer is not None}
        return [link for link, _ in decided], list(new.values())

    def classify(
        self, texts: Sequence[str], *, channel: Channel = "chat", tasks: Sequence[str] | None = None
    ) -> list[tuple[Language, tuple[Prediction, ...]]]:
        """Detect the language of plain texts and classify them, without cleaning mail or storing anything."""
        line = self.lines[channel]
        models = line.classifiers if tasks is None else tuple(map(line.classifier, tasks))
        shared = SharedTexts(texts)
        vectors = self._answers.beside(shared, models)
        languages = [line.cleaner.language(text) for text in texts]
        self._answers.prepare(shared, models)
        return list(zip(languages, self._answers.predict(shared, languages, models, vectors.result()), strict=True))

    def entities(self, texts: Sequence[str], *, channel: Channel = "chat") -> list[tuple[EntitySpan, ...]]:
        """Return the entities of plain texts, without cleaning mail; offsets are into the texts as given."""
        with self.turn(channel) as line, self.clock.stage("entities"):
            languages = [line.cleaner.language(text).code for text in texts]
            return line.recogniser.recognise(texts, languages=languages)

    @contextmanager
    def turn(self, channel: Channel) -> Iterator[Line]:
        """Give the parts of a channel, spaCy among them, to one caller at a time."""
        with self._turn:
            yield self.lines[channel]

    def explain(self, message: Message, *, task: str) -> Any:
        """Say why the model of *task* says what it says of *message*; offsets are into the text the models read."""
        line = self.lines[message.channel]
        classifier = line.classifier(task)
        text = model_text(message, line.cleaner.clean(message)).text
        return explain(classifier, text, self._answers.embed([text], classifier.encoder_hash))

    def _analyse(self, messages: Sequence[Message], line: Line) -> list[Analysis]:
        with self.clock.stage("clean"):
            cleans = [line.cleaner.clean(message) for message in messages]
        texts = SharedTexts(model_text(message, clean).text for message, clean in zip(messages, cleans, strict=True))
        vectors = self._answers.beside(texts, line.classifiers)
        with self._turn, self.clock.stage("entities"):
            found = line.recogniser.recognise([c.text for c in cleans], languages=[c.language.code for c in cleans])
            entities = [tuple(_to_raw(e, c) for e in spans) for spans, c in zip(found, cleans, strict=True)]
        self._answers.prepare(texts, line.classifiers)
        with self.clock.stage("wait for embed"):
            embedded = vectors.result()
        answers = self._answers.predict(texts, [c.language for c in cleans], line.classifiers, embedded)
        predictions = [for_content(found, clean) for found, clean in zip(answers, cleans, strict=True)]
        intents = self._answers.by_sentence(cleans, predictions, line.classifiers)
        with self.clock.stage("link"):
            keys = [
                keys_of(message, clean, spans, region=self._region, ours=self._ours)
                for message, clean, spans in zip(messages, cleans, entities, strict=True)
            ]
        return [Analysis(*row) for row in zip(cleans, entities, predictions, intents, keys, strict=True)]


def _to_raw(entity: EntitySpan, clean: CleanText) -> EntitySpan:
    start, end = clean.offsets.to_raw(entity.start, entity.end)
    return entity.model_copy(update={"start": start, "end": end})
