"""From records to answers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from textcrm.records import Customer, EntitySpan, Insight, IntentSpan, Language, Link, Message, Part, Prediction
from textcrm.store.corrections import Correction
from textcrm.store.keys import ApiKey
from textcrm_api import answers as out

Position = Callable[[int], int]


def position(text: str, unit: out.Unit) -> Position:
    """Return what turns an offset in code points of *text* into one in *unit*."""
    if unit == "codepoints" or text.isascii():
        return lambda place: place
    wide = [i for i, c in enumerate(text) if ord(c) > 0xFFFF]
    return lambda place: place + bisect_left(wide, place)


def language(value: Language) -> out.LanguageOut:
    """Return the answer for a language."""
    return out.LanguageOut(code=value.code, confidence=value.confidence, supported=value.supported)


def prediction(value: Prediction) -> out.PredictionOut:
    """Return the answer for a prediction."""
    return out.PredictionOut(
        task=value.task,
        label=value.label,
        confidence=value.confidence,
        top=[out.LabelOut(label=t.label, confidence=t.confidence) for t in value.top],
        abstained=value.abstained,
        reason=value.reason,
        model=value.model,
    )


def predictions(values: Sequence[Prediction]) -> list[out.PredictionOut]:
    """Return the answers for predictions."""
    return [prediction(value) for value in values]


def entities(values: Sequence[EntitySpan], at: Position) -> list[out.EntityOut]:
    """Return the answers for entities."""
    return [
        out.EntityOut(
            start=at(e.start),
            end=at(e.end),
            label=e.label,
            text=e.text,
            value=e.value,
            source=e.source,
            score=e.score,
        )
        for e in values
    ]


def intents(values: Sequence[IntentSpan], at: Position) -> list[out.IntentOut]:
    """Return the answers for intents of sentences."""
    return [out.IntentOut(start=at(i.start), end=at(i.end), label=i.label, confidence=i.confidence) for i in values]


def parts(values: Sequence[Part], at: Position) -> list[out.PartOut]:
    """Return the answers for the parts of a text."""
    return [out.PartOut(kind=p.kind, start=at(p.start), end=at(p.end), rule=p.rule) for p in values]


def link(value: Link | None) -> out.LinkOut | None:
    """Return the answer for a link."""
    if value is None:
        return None
    evidence = [
        out.EvidenceOut(field=e.field, level=e.level, weight=e.weight, left=e.left, right=e.right)
        for e in value.evidence
    ]
    return out.LinkOut(
        customer_id=value.customer_id,
        outcome=value.outcome,
        confidence=value.confidence,
        rule=value.rule,
        evidence=evidence,
        candidates=list(value.candidates),
    )


def warnings(value: Insight) -> list[str]:
    """Return what to know of an insight before it is trusted: its flags, text that was left out, automatic replies."""
    found = list(value.flags)
    if any(part.kind in ("quoted", "forwarded") for part in value.parts):
        found.append("quoted_text_removed")
    if value.kind in ("auto_reply", "out_of_office"):
        found.append("automatic_reply")
    return list(dict.fromkeys(found))


def insight(value: Insight, text: str, unit: out.Unit = "codepoints") -> out.InsightOut:
    """Return the answer for the insight of the message that says *text*."""
    at = position(text, unit)
    return out.InsightOut(
        message_id=value.message_id,
        offsets=unit,
        channel=value.channel,
        made_at=value.made_at,
        pipeline=value.pipeline,
        language=language(value.language),
        kind=value.kind,
        clean=value.clean,
        entities=entities(value.entities, at),
        predictions=predictions(value.predictions),
        intents=intents(value.intents, at),
        parts=parts(value.parts, at),
        link=link(value.link),
        warnings=warnings(value),
    )


def analysed(value: Insight, *, item_id: str, text: str, unit: out.Unit) -> out.AnalysedOut:
    """Return the answer for an insight of *text* that is not stored."""
    at = position(text, unit)
    return out.AnalysedOut(
        id=item_id,
        error=None,
        language=language(value.language),
        kind=value.kind,
        clean=value.clean,
        entities=entities(value.entities, at),
        predictions=predictions(value.predictions),
        intents=intents(value.intents, at),
        parts=parts(value.parts, at),
        link=link(value.link),
        pipeline=value.pipeline,
        warnings=warnings(value),
    )


def message(value: Message) -> out.MessageOut:
    """Return the answer for a message."""
    a = value.author
    return out.MessageOut(
        id=value.id,
        given_id=value.source.external_id,
        channel=value.channel,
        subject=value.subject,
        text=value.text,
        content_type=value.content_type,
        author=out.AuthorOut(
            name=a.name, email=a.email, phone=a.phone, handle=a.handle, customer_number=a.customer_number
        ),
        sent_at=value.sent_at,
        received_at=value.received_at,
        product=value.product,
        attachments=[
            out.AttachmentOut(name=f.name, content_type=f.content_type, size=f.size, sha256=f.sha256)
            for f in value.attachments
        ],
        warnings=list(value.warnings),
    )


def customer(value: Customer) -> out.CustomerOut:
    """Return the answer for a customer."""
    return out.CustomerOut(
        id=value.id,
        number=value.number,
        name=value.name,
        emails=list(value.emails),
        phones=list(value.phones),
        handles=list(value.handles),
        company=value.company,
        segment=value.segment,
        provisional=value.provisional,
        fields=dict(value.fields),
    )


def correction(value: Correction) -> out.CorrectionOut:
    """Return the answer for a correction."""
    return out.CorrectionOut(
        id=value.id,
        message_id=value.message_id,
        task=value.task,
        label=value.label,
        by=value.by,
        at=value.at,
        said=prediction(value.said) if value.said else None,
        undone=value.undone,
    )


def key(value: ApiKey) -> out.KeyOut:
    """Return the answer for a key, without its secret."""
    return out.KeyOut(
        id=value.id,
        name=value.name,
        scopes=list(value.scopes),
        created_at=value.created_at,
        expires_at=value.expires_at,
        revoked_at=value.revoked_at,
        per_second=value.per_second,
        per_day=value.per_day,
    )
