"""From messages to what is known of them: the one place where all stages meet.

The stages know each other only by the record types; the engine hands the records on, and maps what was found in the
cleaned text back to the text as received.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from textcrm.catalog import Catalog
from textcrm.classify.predictor import Classifier, load
from textcrm.classify.tfidf import SharedTexts
from textcrm.clean import Cleaner
from textcrm.clean.sentences import sentences
from textcrm.embed.sentence import SentenceEncoder
from textcrm.entities import EntityRecogniser
from textcrm.entities.rules import Masking
from textcrm.errors import NotFoundError
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
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.specs import PipelineSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FindCustomers = Callable[[Sequence[str]], Sequence[Customer]]
Vectors = dict[str | None, "NDArray[Any] | None"]  # of each encoder that is asked, None where a model reads none
SOLE_INTENT = 0.9  # a message that is so sure of one intent is not searched for a second
MOST_SENTENCES = 16  # what comes after is not searched for another intent
ENGINE_VERSION = 3  # raised when the same pipeline and models would give other insights


@dataclass(frozen=True)
class Line:
    """What messages of one channel go through."""

    spec: PipelineSpec
    cleaner: Cleaner
    recogniser: EntityRecogniser
    classifiers: tuple[Classifier, ...]
    fingerprint: str


@dataclass(frozen=True)
class ModelText:
    """What the models read of a message: the subject, where there is one, then the author's own new text.

    ``body_at`` is where the cleaned text begins in ``text``.
    """

    text: str
    body_at: int


@dataclass(frozen=True)
class Analysis:
    """All that the stages before the link found out of one message."""

    clean: CleanText
    entities: tuple[EntitySpan, ...]
    predictions: tuple[Prediction, ...]
    intents: tuple[IntentSpan, ...]
    keys: tuple[IdentityKey, ...]


@dataclass
class StageClock:
    """Seconds spent in each stage, added up; ``messages`` went through."""

    seconds: dict[str, float] = field(default_factory=dict)
    messages: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to the stage *name*."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin


class Engine:
    """Analyses messages with the pipeline of their channel. Calls from several threads take turns."""

    def __init__(
        self,
        lines: dict[Channel, Line],
        encoders: dict[str, SentenceEncoder],
        *,
        region: str,
        home: Path | None = None,
    ) -> None:
        self.lines = lines
        pipelines = {channel: (line.spec, line.recogniser) for channel, line in lines.items()}
        self.masking = Masking(pipelines, region=region, home=home)
        self.clock = StageClock()
        self._encoders = encoders
        self._region = region
        self._turn = threading.Lock()  # spaCy's vocabulary is not made for several threads
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="embed")

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
        catalog, registry = Catalog(settings.home), Registry(settings.registry_dir)
        specs = {spec.channel: spec for spec in map(catalog.pipeline, catalog.pipelines()) if spec.channel in channels}
        missing = [channel for channel in channels if channel not in specs]
        if missing:
            raise NotFoundError(f"No pipeline takes the channel {missing[0]}", hint="Add pipelines/<name>.toml.")
        names = {name for spec in specs.values() for name in spec.models.values()}
        models = {name: load(registry.active(name), threads=settings.threads) for name in sorted(names)}
        encoders = {
            key: SentenceEncoder.open(registry.encoder(key), threads=settings.threads)
            for key in sorted({m.encoder_hash for m in models.values() if m.encoder_hash})
        }
        for model in models.values():
            if model.encoder_hash:
                model.attach(encoders[model.encoder_hash])
        # the work is many small products: more BLAS threads than asked for only wait for each other
        threadpool_limits(settings.threads)
        recognisers: dict[str, EntityRecogniser] = {}
        lines: dict[Channel, Line] = {}
        for channel, spec in specs.items():
            classifiers = tuple(models[name] for _, name in sorted(spec.models.items()))
            key = spec.entities.fingerprint()
            if key not in recognisers:
                recognisers[key] = EntityRecogniser.of(spec.entities, region=settings.region)
            cleaner = Cleaner(
                quotes=spec.clean.quotes,
                signatures=spec.clean.signatures,
                social=spec.clean.social,
                languages=spec.languages,
            )
            lines[channel] = Line(spec, cleaner, recognisers[key], classifiers, _fingerprint(spec, classifiers))
        return cls(lines, encoders, region=settings.region, home=settings.home)

    def warm(self) -> None:
        """Load what loads at its first use, so that the first message does not wait for it."""
        for line in self.lines.values():
            line.recogniser.warm()
        self.classify(["Where is my order? It has not come yet."])

    def analyse(self, messages: Sequence[Message]) -> list[Analysis]:
        """Clean, recognise and classify messages, of any channels, in order."""
        done: dict[int, Analysis] = {}
        with self._turn:
            for channel in dict.fromkeys(message.channel for message in messages):
                places = [i for i, message in enumerate(messages) if message.channel == channel]
                chosen = [messages[i] for i in places]
                done.update(zip(places, self._analyse(chosen, self.lines[channel]), strict=True))
            self.clock.messages += len(messages)
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
        with self._turn:
            languages = [line.cleaner.language(text) for text in texts]
            return list(zip(languages, self._classify(texts, languages, line, tasks), strict=True))

    def entities(self, texts: Sequence[str], *, channel: Channel = "chat") -> list[tuple[EntitySpan, ...]]:
        """Return the entities of plain texts, without cleaning mail; offsets are into the texts as given."""
        with self.turn(channel) as line, self.clock.stage("entities"):
            languages = [line.cleaner.language(text).code for text in texts]
            return line.recogniser.recognise(texts, languages=languages)

    @contextmanager
    def turn(self, channel: Channel) -> Iterator[Line]:
        """Give the parts of a channel to one caller at a time."""
        with self._turn:
            yield self.lines[channel]

    def explain(self, message: Message, *, task: str) -> Any:
        """Say why the model of *task* says what it says of *message*; offsets are into the text the models read."""
        line = self.lines[message.channel]
        classifier = self._classifier(line, task)
        with self._turn:
            text = model_text(message, line.cleaner.clean(message)).text
            return classifier.explain(text, self._embed([text], classifier.encoder_hash))

    def _classifier(self, line: Line, task: str) -> Classifier:
        found = next((c for c in line.classifiers if c.task == task), None)
        if found is None:
            raise NotFoundError(
                f"The pipeline {line.spec.name} has no model for {task[:48]!r}",
                options=[c.task for c in line.classifiers],
            )
        return found

    def _analyse(self, messages: Sequence[Message], line: Line) -> list[Analysis]:
        with self.clock.stage("clean"):
            cleans = [line.cleaner.clean(message) for message in messages]
        texts = [model_text(message, clean).text for message, clean in zip(messages, cleans, strict=True)]
        # ONNX Runtime works without Python's lock: the second core embeds while this one recognises
        vectors = self._beside.submit(self._vectors, texts, line.classifiers)
        with self.clock.stage("entities"):
            found = line.recogniser.recognise([c.text for c in cleans], languages=[c.language.code for c in cleans])
            entities = [tuple(_to_raw(e, c) for e in spans) for spans, c in zip(found, cleans, strict=True)]
        with self.clock.stage("wait for embed"):
            embedded = vectors.result()
        answers = self._predict(texts, [c.language for c in cleans], line.classifiers, embedded)
        predictions = [_for_content(found, clean) for found, clean in zip(answers, cleans, strict=True)]
        intents = self._sentence_intents(cleans, predictions, line)
        with self.clock.stage("link"):
            keys = [
                keys_of(message, clean, spans, region=self._region)
                for message, clean, spans in zip(messages, cleans, entities, strict=True)
            ]
        return [Analysis(*row) for row in zip(cleans, entities, predictions, intents, keys, strict=True)]

    def _classify(
        self, texts: Sequence[str], languages: Sequence[Language], line: Line, tasks: Sequence[str] | None
    ) -> list[tuple[Prediction, ...]]:
        chosen = line.classifiers if tasks is None else tuple(self._classifier(line, task) for task in tasks)
        return self._predict(texts, languages, chosen, self._vectors(texts, chosen))

    def _vectors(self, texts: Sequence[str], chosen: Sequence[Classifier]) -> Vectors:
        return {key: self._embed(texts, key) for key in dict.fromkeys(c.encoder_hash for c in chosen)}

    def _predict(
        self, texts: Sequence[str], languages: Sequence[Language], chosen: Sequence[Classifier], vectors: Vectors
    ) -> list[tuple[Prediction, ...]]:
        columns = []
        shared = SharedTexts(texts)
        for classifier in chosen:
            with self.clock.stage(f"classify {classifier.task}"):
                column = classifier.predict(shared, vectors[classifier.encoder_hash])
            columns.append([_for_language(p, lang) for p, lang in zip(column, languages, strict=True)])
        return [tuple(row) for row in zip(*columns, strict=True)] if columns else [() for _ in texts]

    def _embed(self, texts: Sequence[str], key: str | None) -> NDArray[Any] | None:
        if key is None:
            return None
        with self.clock.stage("embed"):
            return self._encoders[key].encode(texts)

    def _sentence_intents(
        self, cleans: Sequence[CleanText], predictions: Sequence[tuple[Prediction, ...]], line: Line
    ) -> list[tuple[IntentSpan, ...]]:
        """Find several intents in one message: those that single sentences are sure of.

        Only where the message as a whole leaves room for a second one: reading each sentence costs as much again.
        """
        classifier = next((c for c in line.classifiers if c.task == "intent"), None)
        spans = [
            sentences(clean.text)[:MOST_SENTENCES] if clean.language.supported and _leaves_room(found) else []
            for clean, found in zip(cleans, predictions, strict=True)
        ]
        if classifier is None:
            return [() for _ in cleans]
        several = [(i, s, e) for i, row in enumerate(spans) if len(row) > 1 for s, e in row]
        texts = [cleans[i].text[s:e] for i, s, e in several]
        found: list[list[IntentSpan]] = [[] for _ in cleans]
        if texts:
            vectors = self._embed(texts, classifier.encoder_hash)
            with self.clock.stage("classify sentences"):
                of_sentences = classifier.predict(texts, vectors)
            for (i, s, e), prediction in zip(several, of_sentences, strict=True):
                if not prediction.abstained:
                    start, end = cleans[i].offsets.to_raw(s, e)
                    span = IntentSpan(start=start, end=end, label=prediction.label, confidence=prediction.confidence)
                    found[i].append(span)
        return [tuple(row) for row in found]


def _leaves_room(predictions: tuple[Prediction, ...]) -> bool:
    intent = next((p for p in predictions if p.task == "intent"), None)
    return intent is not None and (intent.abstained or intent.confidence < SOLE_INTENT)


def model_text(message: Message, clean: CleanText) -> ModelText:
    """Return what the models read of a message."""
    subject = (message.subject or "").strip()
    if not subject or clean.text.startswith(subject):
        return ModelText(clean.text, 0)
    head = f"{subject}\n\n"
    return ModelText(head + clean.text, len(head))


def _for_language(prediction: Prediction, language: Language) -> Prediction:
    """Decline a text in a language that the models cannot read."""
    if language.supported or language.code == "und":
        return prediction
    return prediction.model_copy(update={"abstained": True, "reason": "unsupported_language"})


def _for_content(predictions: tuple[Prediction, ...], clean: CleanText) -> tuple[Prediction, ...]:
    """Decline a message in which the author wrote nothing of their own."""
    if "nothing_left" not in clean.flags:
        return predictions
    return tuple(p.model_copy(update={"abstained": True, "reason": "too_short"}) for p in predictions)


def _to_raw(entity: EntitySpan, clean: CleanText) -> EntitySpan:
    start, end = clean.offsets.to_raw(entity.start, entity.end)
    return entity.model_copy(update={"start": start, "end": end})


def _fingerprint(spec: PipelineSpec, classifiers: Sequence[Classifier]) -> str:
    """Return what names everything that makes an insight: engine, pipeline, models."""
    parts = [str(ENGINE_VERSION), spec.fingerprint(), *(f"{c.task}={c.version}" for c in classifiers)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
