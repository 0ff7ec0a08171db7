"""Texts and records with what is not for these eyes masked: the one way, for storage, answers and export alike."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from textcrm.clean.markup import html_lines
from textcrm.clean.offsets import Builder
from textcrm.entities.mask import Edit, Masker, Purpose
from textcrm.entities.recogniser import EntityRecogniser
from textcrm.entities.rules import Masking
from textcrm.records import Author, Channel, Customer, EntitySpan, Evidence, Insight, IntentSpan, Message, Part

# Each round masks at least one more entity, or ends; real texts are done after two.
MAX_ROUNDS = 12
MOST_LINES = 10_000
LEAST_CARD = 12  # digits; a text with fewer holds no card number, and is not read for one
_CARDS, _DIGIT = frozenset({"CARD"}), re.compile("[0-9]")
_FIELD = "[FIELD]"
_AUTHOR = {
    "name": "PERSON",
    "email": "EMAIL",
    "reply_to": "EMAIL",
    "phone": "PHONE",
    "handle": "HANDLE",
    "customer_number": "CUSTOMER_NUMBER",
}


def mask_text(
    text: str,
    entities: Sequence[EntitySpan],
    channel: Channel,
    purpose: Purpose,
    *,
    masking: Masking,
    language: str = "en",
    html: bool = False,
) -> tuple[str, tuple[EntitySpan, ...]]:
    """Mask a text by the rules of its channel.

    Parameters
    ----------
    entities
        What is known to stand in it, in offsets of *text*. The text is read besides, until nothing more is found:
        what was quoted or signed is masked too.
    masking
        The rules: ``Engine.masking``.
    html
        Whether *text* is the source of a page; what its reader sees is masked, wherever else it stands in the source.

    Returns
    -------
    tuple
        The masked text, and its entities: those kept, and the marks in place of the others.
    """
    rules = _Rules(masking.masker(channel, purpose), masking.reader(channel, purpose), language)
    done = _mask(text, entities, rules, html=html)
    return done.text, done.entities


def mask_stored(message: Message, insight: Insight, masking: Masking) -> tuple[Message, Insight]:
    """Return what the database keeps of a message and its insight; *message* itself where nothing is hidden.

    The bytes of a masked mail are not kept, unless the pipeline says so: they hold the same words.
    """
    masked, known = mask_records(message, insight, "storage", masking=masking)
    if masked == message or known is None:
        return message, known or insight
    if not masking.keeps_original(message.channel):
        masked = masked.model_copy(update={"raw_sha256": None})
    return masked, known


def mask_records(
    message: Message, insight: Insight | None, purpose: Purpose, *, masking: Masking, language: str = "en"
) -> tuple[Message, Insight | None]:
    """Mask a message and what is known of it; offsets of the insight follow the text.

    For ``storage`` the author and the evidence of the link stay: the message is answered and linked by them.

    Returns
    -------
    tuple
        Both as they came where nothing was hidden.
    """
    channel = message.channel
    masker = masking.masker(channel, purpose)
    if not masker.hidden:
        return message, insight
    rules = _Rules(masker, masking.reader(channel, purpose), insight.language.code if insight else language)
    known = insight.entities if insight else ()
    body = _mask(message.text, known, rules, html=message.content_type == "text/html")

    def plain(text: str | None) -> str | None:
        return _mask(text, (), rules).text if text else text

    updates: dict[str, object] = {
        "text": body.text,
        "subject": plain(message.subject),
        "html": _mask(message.html, (), rules, html=True).text if message.html else message.html,
        "headers": tuple((k, plain(v) or v if k == "subject" else v) for k, v in message.headers),
        "extra": tuple((k, plain(v) or v) for k, v in message.extra),
    }
    if purpose != "storage":
        updates["author"] = _author(message.author, masker)
        updates["attachments"] = tuple(f.model_copy(update={"name": plain(f.name)}) for f in message.attachments)
    masked = message.model_copy(update=updates)
    if insight is None:
        return masked, None
    return masked, _insight(insight, message.text, body, rules, purpose)


def mask_customer(customer: Customer, purpose: Purpose, *, masking: Masking) -> Customer:
    """Mask a customer record: what any channel hides is hidden.

    Of columns that textcrm does not know, the values are hidden whole wherever persons are. Id and segment stay.
    """
    maskers = masking.maskers(purpose)

    def plain(label: str, value: str) -> str:
        masker = next((m for m in maskers if m.action(label) != "keep"), None)
        return masker.replacement(label, value) if masker else value

    def maybe(label: str, value: str | None) -> str | None:
        return plain(label, value) if value else value

    hidden = any(masker.action("PERSON") != "keep" for masker in maskers)
    return customer.model_copy(
        update={
            "number": maybe("CUSTOMER_NUMBER", customer.number),
            "name": maybe("PERSON", customer.name),
            "emails": tuple(plain("EMAIL", value) for value in customer.emails),
            "phones": tuple(plain("PHONE", value) for value in customer.phones),
            "handles": tuple(plain("HANDLE", value) for value in customer.handles),
            "company": maybe("ORG", customer.company),
            "fields": tuple((name, _FIELD if hidden else value) for name, value in customer.fields),
        }
    )


class _Rules(NamedTuple):
    masker: Masker
    reader: EntityRecogniser
    language: str


class _Done(NamedTuple):
    text: str
    entities: tuple[EntitySpan, ...]
    rounds: tuple[tuple[Edit, ...], ...]

    def move(self, place: int, *, is_end: bool) -> int:
        """Return where an offset of the text before masking is now; inside of what was replaced, at its edge."""
        for edits in self.rounds:
            place = _moved(edits, place, is_end=is_end)
        return place


def _mask(text: str, entities: Sequence[EntitySpan], rules: _Rules, *, html: bool = False) -> _Done:
    """Mask until nothing more is found: a name that is gone changes how the rest is read."""
    masker = rules.masker
    if not masker.hidden or (masker.hidden == _CARDS and len(_DIGIT.findall(text)) < LEAST_CARD):
        return _Done(text, tuple(entities), ())
    rounds: list[tuple[Edit, ...]] = []
    known: tuple[EntitySpan, ...] = tuple(entities)
    marks: tuple[EntitySpan, ...] = ()
    for _ in range(MAX_ROUNDS):
        found = (*known, *_found(text, rules, html=html))
        text_after, spans, edits = masker.apply(text, found, already=marks)
        marks = tuple(m for m in spans if masker.action(m.label) != "keep")
        known = tuple(s for s in spans if masker.action(s.label) == "keep")
        if not edits:
            break
        rounds.append(edits)
        text = text_after
    return _Done(text, spans, tuple(rounds))


def _found(text: str, rules: _Rules, *, html: bool) -> tuple[EntitySpan, ...]:
    if not html:
        return rules.reader.recognise([text], languages=[rules.language])[0]
    builder = Builder()
    for line in html_lines(text, MOST_LINES):
        if builder.length:
            builder.add("\n", line.start, line.start)
        builder.copy(line.body, 0, len(line.body.text))
    page = builder.done()
    offsets = page.to_map()
    spans = []
    for span in rules.reader.recognise([page.text], languages=[rules.language])[0]:
        start, end = offsets.to_raw(span.start, span.end)
        spans.append(span.model_copy(update={"start": start, "end": end, "text": text[start:end]}))
    return tuple(spans)


def _moved(edits: Sequence[Edit], place: int, *, is_end: bool) -> int:
    index = bisect_right(edits, place, key=lambda edit: edit.start) - 1
    if index < 0:
        return place
    edit = edits[index]
    if place >= edit.end:
        return place - edit.end + edit.new_end
    if place == edit.start:
        return edit.new_start
    return edit.new_end if is_end else edit.new_start


def _insight(insight: Insight, text: str, body: _Done, rules: _Rules, purpose: Purpose) -> Insight:
    clean = _mask(insight.clean, _echoes(insight.clean, insight.entities, rules.masker), rules)
    updates: dict[str, object] = {"clean": clean.text}
    if body.rounds:
        updates["entities"] = tuple(_entity(span, text, body) for span in insight.entities)
        updates["parts"] = tuple(part.model_copy(update=_place(part, body)) for part in insight.parts)
        updates["intents"] = tuple(intent.model_copy(update=_place(intent, body)) for intent in insight.intents)
    if insight.link is not None and purpose != "storage":
        evidence = tuple(_evidence(row, rules.masker) for row in insight.link.evidence)
        updates["link"] = insight.link.model_copy(update={"evidence": evidence})
    return insight.model_copy(update=updates)


def _echoes(clean: str, entities: Sequence[EntitySpan], masker: Masker) -> list[EntitySpan]:
    """Return where the hidden entities of a message stand in its cleaned text, whose offsets are its own."""
    found = []
    for span in entities:
        at = clean.find(span.text) if span.text and masker.action(span.label) != "keep" else -1
        if at >= 0:  # the masker finds its other places
            found.append(span.model_copy(update={"start": at, "end": at + len(span.text)}))
    return found


def _place(row: Part | IntentSpan | EntitySpan, body: _Done) -> dict[str, int]:
    return {"start": body.move(row.start, is_end=False), "end": body.move(row.end, is_end=True)}


def _entity(span: EntitySpan, text: str, body: _Done) -> EntitySpan:
    place = _place(span, body)
    shown = body.text[place["start"] : place["end"]]
    if shown == text[span.start : span.end]:
        return span.model_copy(update=place)
    return span.model_copy(update={**place, "text": shown, "value": None})


def _author(author: Author, masker: Masker) -> Author:
    return author.model_copy(
        update={
            field: masker.replacement(label, value)
            for field, label in _AUTHOR.items()
            if (value := getattr(author, field)) and masker.action(label) != "keep"
        }
    )


def _evidence(row: Evidence, masker: Masker) -> Evidence:
    """Drop the values of a reason where what they are, or persons at all, are hidden."""
    if masker.action(_AUTHOR.get(row.field, "PERSON")) == "keep" and masker.action("PERSON") == "keep":
        return row
    return row.model_copy(update={"left": None, "right": None})
