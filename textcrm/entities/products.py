"""Finds terms of a list (product names, terms always or never reported) in time linear in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from textcrm.entities.found import Found

_WORD = re.compile(r"\w+|[^\w\s]")


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


class TermFinder:
    """Finds whole terms, in any case and with any white space between their words; the longest term wins.

    Parameters
    ----------
    terms
        The terms; empty ones are ignored.
    label, source, score
        What a span that is found carries. Its value is the term as it stands in the list.
    """

    def __init__(self, terms: Iterable[str], *, label: str, source: str, score: float) -> None:
        self._label, self._source, self._score = label, source, score
        self._first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for term in terms:
            parts = tuple(_words(term))
            if parts:
                self._first.setdefault(parts[0], []).append((parts, term))
        for group in self._first.values():
            group.sort(key=lambda entry: (-len(entry[0]), entry[1]))

    def find(self, text: str) -> Iterator[Found]:
        """Yield the terms in *text*, ascending, without overlaps."""
        if not self._first:
            return
        matches = list(_WORD.finditer(text))
        folded = [match.group().casefold() for match in matches]
        index = 0
        while index < len(folded):
            for parts, term in self._first.get(folded[index], ()):
                if tuple(folded[index : index + len(parts)]) == parts:
                    start, end = matches[index].start(), matches[index + len(parts) - 1].end()
                    yield Found(start, end, self._label, self._score, self._source, term)
                    index += len(parts) - 1
                    break
            index += 1
