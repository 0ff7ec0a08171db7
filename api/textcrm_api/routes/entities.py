"""Entities, and texts with personal data masked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from textcrm.records import Channel, EntitySpan
from textcrm_api import convert
from textcrm_api.answers import EntitiesItemOut, EntitiesOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import TextIn, TextsOrOneIn
from textcrm_api.service import Service, ServiceDep

router = common.make("entities")


@router.post("/v1/entities", **needs("read"))
async def find_entities(body: TextsOrOneIn, service: ServiceDep, offsets: common.Offsets = "codepoints") -> EntitiesOut:
    """Find names, addresses, numbers, dates and the like in one text or up to 100."""
    items: Sequence[TextIn] = [body] if isinstance(body, TextIn) else body.items
    answers = []
    for place, (item, text, found) in enumerate(await _found(service, items)):
        item_id = item.id if item.id is not None else str(place)
        if isinstance(found, Exception):
            answers.append(EntitiesItemOut(id=item_id, error=common.error_of(found), entities=[]))
        else:
            spans = convert.entities(found, convert.position(text, offsets))
            answers.append(EntitiesItemOut(id=item_id, error=None, entities=spans))
    return EntitiesOut(offsets=offsets, items=answers)


async def _found(
    service: Service, items: Sequence[TextIn]
) -> list[tuple[TextIn, str, tuple[EntitySpan, ...] | Exception]]:
    """Return each item with its text, cut at the cap, and the entities found in it."""
    cap = service.settings.max_text_chars
    texts = [item.text[:cap] for item in items]
    results: list[Any] = [None] * len(items)

    async def of_channel(channel: Channel) -> None:
        places = [i for i, item in enumerate(items) if item.channel == channel]
        found = await service.models.entities([texts[i] for i in places], channel=channel)
        for i, spans in zip(places, found, strict=True):
            results[i] = spans

    await asyncio.gather(*(of_channel(channel) for channel in dict.fromkeys(item.channel for item in items)))
    return list(zip(items, texts, results, strict=True))
