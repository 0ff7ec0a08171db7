"""Entities, and texts with personal data masked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Query

from textcrm.records import Channel
from textcrm_api import convert
from textcrm_api.answers import EntitiesItemOut, EntitiesOut, MaskedOut, MaskOut
from textcrm_api.eyes import eyes
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import Policy, TextIn, TextsOrOneIn
from textcrm_api.service import Service, ServiceDep

T = TypeVar("T")
router = common.make("entities")


@router.post("/v1/entities", **needs("read"))
async def find_entities(body: TextsOrOneIn, service: ServiceDep, offsets: common.Offsets = "codepoints") -> EntitiesOut:
    """Find names, addresses, numbers, dates and the like in one text or up to 100."""
    items: Sequence[TextIn] = [body] if isinstance(body, TextIn) else body.items
    answers = []
    for place, (item, text, found) in enumerate(await _each(service, items, service.models.entities)):
        item_id = item.id if item.id is not None else str(place)
        if isinstance(found, Exception):
            answers.append(EntitiesItemOut(id=item_id, error=common.error_of(found), entities=[]))
        else:
            seen = service.shown_entities(found, item.channel)
            spans = convert.entities(seen, convert.position(text, offsets))
            answers.append(EntitiesItemOut(id=item_id, error=None, entities=spans))
    return EntitiesOut(offsets=offsets, items=answers)


@router.post("/v1/mask", **needs("read"))
async def mask(
    body: TextsOrOneIn,
    service: ServiceDep,
    policy: Annotated[Policy, Query(description="Who the text is for; what is kept from them.")] = "export",
    offsets: common.Offsets = "codepoints",
) -> MaskOut:
    """Mask personal data in one text or up to 100."""
    if policy not in ("export", "logs"):
        eyes().must_see_text()
    items: Sequence[TextIn] = [body] if isinstance(body, TextIn) else body.items
    answers = []
    for place, (item, _, done) in enumerate(await _each(service, items, partial(service.models.masked, policy=policy))):
        item_id = item.id if item.id is not None else str(place)
        if isinstance(done, Exception):
            answers.append(MaskedOut(id=item_id, error=common.error_of(done), text=None, entities=[]))
        else:
            text, found = done
            spans = convert.entities(found, convert.position(text, offsets))
            answers.append(MaskedOut(id=item_id, error=None, text=text, entities=spans))
    return MaskOut(offsets=offsets, items=answers)


async def _each(
    service: Service, items: Sequence[TextIn], work: Callable[..., Awaitable[Sequence[T]]]
) -> list[tuple[TextIn, str, T]]:
    """Return each item with its text, cut at the cap, and what *work* made of it, channel by channel."""
    cap = service.settings.max_text_chars
    texts = [item.text[:cap] for item in items]
    results: dict[int, T] = {}

    async def of_channel(channel: Channel) -> None:
        places = [i for i, item in enumerate(items) if item.channel == channel]
        done = await work([texts[i] for i in places], channel=channel)
        results.update(zip(places, done, strict=True))

    await asyncio.gather(*(of_channel(channel) for channel in dict.fromkeys(item.channel for item in items)))
    return [(item, texts[i], results[i]) for i, item in enumerate(items)]
