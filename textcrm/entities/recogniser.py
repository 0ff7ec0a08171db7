"""Finds the entities of texts: spaCy's, the patterns', the user's terms, merged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from textcrm.entities.casing import restore
from textcrm.entities.found import Found, Options
from textcrm.entities.merge import join_names, merge
from textcrm.entities.patterns import PATTERNS, person_names
from textcrm.entities.products import TermFinder
from textcrm.entities.spacy_ner import SpacyNer
from textcrm.entities.tidy import tidy
from textcrm.errors import UsageError
from textcrm.records import EntitySpan
from textcrm.specs import EntitiesSpec

_SURROGATE = re.compile("[\ud800-\udfff]")


class EntityRecogniser:
    """Recognises entities; :mod:`textcrm.entities` lists the labels.

    Parameters
    ----------
    spacy
        Whether spaCy's model reads the English texts. It loads at the first use, or at :meth:`warm`.
    patterns
        Names of the pattern recognisers to use; empty means all.
    region
        ISO 3166 code of the country whose phone and date habits apply where a text does not say.
    products
        Names of products, found whatever their case and reported as ``PRODUCT``.
    allow
        Terms that are never reported (the firm's own name, its hotline).
    deny
        Terms that are always reported, as ``TERM``.
    formats
        Shapes of the firm's own numbers by label, e.g. ``{"ORDER": "ORD-######"}``: ``#`` is a digit, ``@`` a letter,
        ``*`` either, all else stands for itself.

    Raises
    ------
    UsageError
        A pattern name is unknown.
    """

    def __init__(
        self,
        *,
        spacy: bool = True,
        patterns: Sequence[str] = (),
        region: str = "US",
        products: Sequence[str] = (),
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        formats: Mapping[str, str] | None = None,
    ) -> None:
        unknown = sorted(set(patterns) - PATTERNS.keys())
        if unknown:
            raise UsageError(f"No pattern recogniser is called {unknown[0]}", options=sorted(PATTERNS))
        self._patterns = [PATTERNS[name] for name in (sorted(set(patterns)) or PATTERNS)]
        self._options = Options(region=region, formats=dict(formats or {}))
        self._terms = (
            TermFinder(products, label="PRODUCT", source="products", score=0.93),
            TermFinder(deny, label="TERM", source="deny", score=1.0),
        )
        self._allow = frozenset(" ".join(term.split()).casefold() for term in allow)
        self._ner = SpacyNer() if spacy else None

    @classmethod
    def of(cls, spec: EntitiesSpec, *, region: str) -> EntityRecogniser:
        """Return the recogniser that a pipeline asks for."""
        return cls(
            spacy=spec.spacy,
            patterns=spec.patterns,
            region=region,
            products=spec.products,
            allow=spec.allow,
            deny=spec.deny,
            formats=spec.formats,
        )

    def warm(self) -> None:
        """Load the model now instead of at the first text."""
        if self._ner:
            self._ner.warm()
        self.recognise(["Call +1 201 555 0123."])

    def recognise(
        self, texts: Sequence[str], *, languages: Sequence[str] | None = None
    ) -> list[tuple[EntitySpan, ...]]:
        """Return the entities of each text.

        Parameters
        ----------
        texts
            The texts. A lone surrogate is read as U+FFFD, so that offsets hold.
        languages
            ISO 639-1 code of each text; spaCy reads only ``en``. Without it, it reads all.

        Returns
        -------
        list of tuple of EntitySpan
            One tuple a text, ascending, without overlaps; offsets are code points into that text.

        Raises
        ------
        UsageError
            *languages* has another length than *texts*.
        """
        if languages is not None and len(languages) != len(texts):
            raise UsageError("There are not as many languages as texts", hint="Give one code for each text.")
        clean = [_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text) for text in texts]
        cased = [restore(text) for text in clean]
        found = [self._find(text) for text in cased]
        if self._ner:
            read = [i for i, text in enumerate(cased) if text.strip() and (languages is None or languages[i] == "en")]
            for index, spans in zip(read, self._ner.find([cased[i] for i in read]), strict=True):
                found[index].extend(tidy(cased[index], spans))
        return [
            self._spans(text, _merge(reading, candidates))
            for text, reading, candidates in zip(clean, cased, found, strict=True)
        ]

    def _find(self, text: str) -> list[Found]:
        candidates: list[Found] = []
        for finder in self._terms:
            candidates.extend(finder.find(text))
        for pattern in self._patterns:
            candidates.extend(pattern(text, self._options))
        return candidates

    def _spans(self, text: str, found: Iterable[Found]) -> tuple[EntitySpan, ...]:
        return tuple(
            EntitySpan(
                start=f.start,
                end=f.end,
                label=f.label,
                text=text[f.start : f.end],
                source=f.source,
                score=round(f.score, 3),
                value=f.value,
            )
            for f in found
            if " ".join(text[f.start : f.end].split()).casefold() not in self._allow
        )


def _merge(text: str, candidates: list[Found]) -> list[Found]:
    """Merge the candidates; names of persons found that way are then looked for again, part by part."""
    merged = join_names(text, merge(candidates))
    persons = [text[found.start : found.end] for found in merged if found.label == "PERSON"]
    taken = [(found.start, found.end) for found in merged if found.label == "PERSON"]
    again = [
        echo
        for echo in person_names.echoes(text, persons)
        if not any(start < echo.end and echo.start < end for start, end in taken)
    ]
    return join_names(text, merge([*merged, *again])) if again else merged
