"""Corrects what spaCy's model is known to get wrong on customer text, span by span."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from textcrm.entities.found import Found
from textcrm.entities.lexicon import NOT_NAMES, is_common, names
from textcrm.entities.patterns.dates import is_vague
from textcrm.entities.patterns.person_names import FAMILY_ENDING

_NAMELIKE = frozenset(
    {"PERSON", "ORG", "GPE", "LOC", "FAC", "PRODUCT", "WORK_OF_ART", "NORP", "EVENT", "LAW", "LANGUAGE"}
)

_BUILT = re.compile(
    r"(?:Street|Road|Route|Avenue|Lane|Court|Square|Park|Estate|Bridge|Station|Terrace|Drive|Way|Hall)\Z"
)
_TOWN = re.compile(
    r"(?i)\w{3}(?:ville|stadt|berg|burgh?|dorf|hausen|heim|kirchen|ford|field|ton|ham|wick|bury|mouth|bridge|borough|shire|holm|vik|sund|ovo|evo|grad)\Z"
)


def tidy(text: str, spans: Iterable[Found]) -> Iterator[Found]:
    """Yield the spans that hold, cut to what they name: no field names, shouted words, bare numbers as dates."""
    for span in spans:
        start, end = _cut(text, span)
        if start >= end:
            continue
        body = text[start:end]
        if span.label in _NAMELIKE and not _is_name(span.label, body):
            continue
        label = _organisation(text, start, body) if span.label == "ORG" else _label(span.label, body)
        if label:
            yield span._replace(start=start, end=end, label=label)


def _cut(text: str, span: Found) -> tuple[int, int]:
    """Drop the punctuation at both ends; a name also ends at a line's end, and before a genitive's ``'s``."""
    start, end = span.start, span.end
    while start < end and not text[start].isalnum() and text[start] not in "$€£¥+@#(":
        start += 1
    end = start + len(text[start:end].rstrip(" \t\r\n,;:!?\"'"))
    if span.label in _NAMELIKE:
        end = start + len(text[start:end].split("\n", 1)[0].rstrip())
        if text[start:end].endswith(("'s", "’s")):
            end -= 2
    return start, end


def _is_name(label: str, body: str) -> bool:
    words = [word.strip(".,:;!?'\"").lower() for word in body.split()]
    if all(word in NOT_NAMES for word in words) or not any(c.isalpha() for c in body):
        return False
    if not all(map(is_common, words)):
        return True
    # Common words only: shouted, in small letters or alone they are no name.
    if body.islower() or body.isupper() or (len(words) == 1 and label != "PRODUCT"):
        return False
    return label != "PERSON" or "g" in names().get(words[0], "")


def _label(label: str, body: str) -> str | None:
    """Return the label that *body* deserves, or None where it is no entity."""
    if label == "MONEY" and not any(c.isalpha() or c in "$€£¥₹" for c in body):
        return "CARDINAL"
    if label == "DATE" and not any(c.isalpha() for c in body):
        return None
    if label in {"DATE", "TIME"} and is_vague(body):
        return "DURATION"
    return label


def _organisation(text: str, start: int, body: str) -> str | None:
    """Return what *body* is that the model takes for an organisation: its favourite for names it does not know."""
    if not any(map(str.isupper, body)):
        return None
    words = body.split()
    before = text[max(0, start - 8) : start].lower()
    if len(words) > 1:
        return "FAC" if _BUILT.search(words[-1]) else "ORG"
    flags = names().get(body.lower(), "")
    if (flags and "?" not in flags) or (FAMILY_ENDING.search(body) and len(body) > 5):
        return "PERSON"
    # Letters with marks stand in more names of towns than of firms, in English.
    if (before.endswith((" in ", " near ")) and body.istitle()) or _TOWN.search(body) or not body.isascii():
        return "GPE"
    # Short capitals are jargon (SLA, QA) unless something comes from them.
    if body.isupper() and len(body) < 6 and not before.endswith((" at ", " from ", " with ", " by ")):
        return None
    return "ORG"
