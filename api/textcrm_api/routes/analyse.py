"""Analyse messages without storing them: all that an insight holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool

from textcrm.operations.intake.accept import sent_message
from textcrm.records import Author, Insight, Message
from textcrm_api import convert
from textcrm_api.answers import AnalysedOut, AnalyseOut, Unit
from textcrm_api.eyes import eyes
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import MessageIn, MessagesOrOneIn
from textcrm_api.service import Service, ServiceDep

router = common.make("analyse")


@router.post("/v1/analyse", **needs("read"))
async def analyse(body: MessagesOrOneIn, service: ServiceDep, offsets: common.Offsets = "codepoints") -> AnalyseOut:
    """Clean, recognise, classify and link one message or up to 100. Nothing is stored."""
    items: Sequence[MessageIn] = [body] if isinstance(body, MessageIn) else body.items
    cap, now = service.settings.max_text_chars, datetime.now(UTC)
    messages = [message_of(item, received_at=now, cap=cap) for item in items]
    results = await service.models.insights(messages)
    if not eyes().sees_text:
        messages, results = await run_in_threadpool(_masked, service, messages, results)
    answers = []
    for place, (item, message, result) in enumerate(zip(items, messages, results, strict=True)):
        item_id = item.id if item.id is not None else str(place)
        answers.append(_answer(item_id, message, result, offsets))
    return AnalyseOut(offsets=offsets, items=answers)


def _masked(
    service: Service, messages: Sequence[Message], results: Sequence[Insight | Exception]
) -> tuple[list[Message], list[Insight | Exception]]:
    """Return messages and insights as one who sees no texts may see them."""
    pairs: list[tuple[Message, Insight | Exception]] = [
        service.shown_with(message, result, stored=False) if isinstance(result, Insight) else (message, result)
        for message, result in zip(messages, results, strict=True)
    ]
    return [message for message, _ in pairs], [result for _, result in pairs]


def message_of(item: MessageIn, *, received_at: datetime, cap: int | None = None) -> Message:
    """Return the message that *item* is; its text cut after *cap* code points."""
    truncated = cap is not None and len(item.text) > cap
    message = sent_message(
        text=item.text[:cap],
        channel=item.channel,
        received_at=received_at,
        given_id=item.id,
        content_type=item.content_type,
        subject=item.subject,
        author=Author(**item.author.model_dump()),
        sent_at=item.sent_at,
        product=item.product,
    )
    return message.model_copy(update={"warnings": ("truncated",)}) if truncated else message


def _answer(item_id: str, message: Message, result: Insight | Exception, unit: Unit) -> AnalysedOut:
    if isinstance(result, Insight):
        return convert.analysed(result, item_id=item_id, text=message.text, unit=unit)
    return AnalysedOut(
        id=item_id,
        error=common.error_of(result),
        language=None,
        kind=None,
        clean="",
        entities=[],
        predictions=[],
        intents=[],
        parts=[],
        link=None,
        pipeline="",
        warnings=[],
    )
