"""What the models say of the texts of one channel: embedded once, asked one after the other, and by sentence."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textcrm.classify.predictor import Classifier
from textcrm.classify.shared import SharedTexts
from textcrm.clean.sentences import sentences
from textcrm.embed.sentence import SentenceEncoder
from textcrm.engine.clock import StageClock
from textcrm.records import CleanText, IntentSpan, Language, Message, Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vectors = dict[str | None, "NDArray[Any] | None"]  # of each encoder that is asked, None where a model reads none
SOLE_INTENT = 0.9  # a message that is so sure of one intent is not searched for a second
MOST_SENTENCES = 16  # what comes after is not searched for another intent


@dataclass(frozen=True)
class ModelText:
    """What the models read of a message: the subject, where there is one, then the author's own new text.

    ``body_at`` is where the cleaned text begins in ``text``.
    """

    text: str
    body_at: int


class Answers:
    """The models' part of the engine."""

    def __init__(self, encoders: dict[str, SentenceEncoder], clock: StageClock) -> None:
        self._encoders = encoders
        self._clock = clock
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="embed")  # the service asks from two threads

    def beside(self, texts: Sequence[str], models: Sequence[Classifier]) -> Future[Vectors]:
        """Embed *texts* while the caller goes on: ONNX Runtime works on the other core, without Python's lock.

        It has begun when this returns: the caller, going on at once, would keep the lock until its own work is done.
        Where no model reads vectors there is nothing to begin.
        """
        made: Future[Vectors] = Future()
        if all(model.encoder_hash is None for model in models):
            made.set_result(self.vectors(texts, models))
            return made
        begun = threading.Event()

        def work() -> Vectors:
            begun.set()
            return self.vectors(texts, models)

        made = self._pool.submit(work)
        begun.wait()
        return made

    def vectors(self, texts: Sequence[str], models: Sequence[Classifier]) -> Vectors:
        """Return what the *models* read of *texts*, embedded once for each encoder."""
        return {key: self.embed(texts, key) for key in dict.fromkeys(m.encoder_hash for m in models)}

    def embed(self, texts: Sequence[str], key: str | None) -> NDArray[Any] | None:
        """Return the vectors of *texts* by the encoder *key*; None for no encoder."""
        if key is None:
            return None
        with self._clock.stage("embed"):
            return self._encoders[key].encode(texts)

    def prepare(self, texts: SharedTexts, models: Sequence[Classifier]) -> None:
        """Do what the *models* can without vectors."""
        with self._clock.stage("count n-grams"):
            for model in models:
                model.prepare(texts)

    def predict(
        self, texts: SharedTexts, languages: Sequence[Language], models: Sequence[Classifier], vectors: Vectors
    ) -> list[tuple[Prediction, ...]]:
        """Return what each model says of each text; one in a language that the models cannot read is declined."""
        columns = []
        for model in models:
            with self._clock.stage(f"classify {model.task}"):
                column = model.predict(texts, vectors[model.encoder_hash])
            columns.append([_for_language(p, lang) for p, lang in zip(column, languages, strict=True)])
        return [tuple(row) for row in zip(*columns, strict=True)] if columns else [() for _ in texts]

    def by_sentence(
        self, cleans: Sequence[CleanText], predictions: Sequence[tuple[Prediction, ...]], models: Sequence[Classifier]
    ) -> list[tuple[IntentSpan, ...]]:
        """Find several intents in one message: those that single sentences are sure of.

        Only where the message as a whole leaves room for a second one: reading each sentence costs as much again.
        """
        model = next((c for c in models if c.task == "intent"), None)
        spans = [
            sentences(clean.text)[:MOST_SENTENCES] if clean.language.supported and _leaves_room(found) else []
            for clean, found in zip(cleans, predictions, strict=True)
        ]
        if model is None:
            return [() for _ in cleans]
        several = [(i, s, e) for i, row in enumerate(spans) if len(row) > 1 for s, e in row]
        texts = [cleans[i].text[s:e] for i, s, e in several]
        found: list[list[IntentSpan]] = [[] for _ in cleans]
        if texts:
            vectors = self.embed(texts, model.encoder_hash)
            with self._clock.stage("classify sentences"):
                of_sentences = model.predict(texts, vectors)
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


def for_content(predictions: tuple[Prediction, ...], clean: CleanText) -> tuple[Prediction, ...]:
    """Decline a message in which the author wrote nothing of their own."""
    if "nothing_left" not in clean.flags:
        return predictions
    return tuple(p.model_copy(update={"abstained": True, "reason": "too_short"}) for p in predictions)
