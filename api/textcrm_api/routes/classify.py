"""Classify texts: what customers want, how they feel, how urgent it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textcrm.errors import ConflictError, UsageError
from textcrm.records import Channel
from textcrm_api import convert
from textcrm_api.answers import ClassifiedOut, ClassifyOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import ClassifyIn, OneTextIn, TextIn
from textcrm_api.service import Classified, Service, ServiceDep, channel_of_pipeline

if TYPE_CHECKING:
    from textcrm.engine import Engine

router = common.make("classify")


@router.post("/v1/classify", **needs("read"))
async def classify(body: ClassifyIn, service: ServiceDep) -> ClassifyOut:
    """Classify one text or up to 100. Nothing is stored; mail is not cleaned (see analyse)."""
    items: Sequence[TextIn] = [body] if isinstance(body, OneTextIn) else body.items
    fixed = channel_of_pipeline(service.engine, body.pipeline)
    channels: list[Channel] = [fixed or item.channel for item in items]
    tasks = {channel: chosen_tasks(service.engine, channel, body.models) for channel in dict.fromkeys(channels)}
    cap = service.settings.max_text_chars

    async def of_channel(channel: Channel, chosen: tuple[str, ...] | None) -> list[Classified | Exception]:
        texts = [item.text[:cap] for item, its in zip(items, channels, strict=True) if its == channel]
        return await service.models.classify(texts, channel=channel, tasks=chosen)

    asked = [of_channel(channel, chosen) for channel, chosen in tasks.items()]
    groups = await asyncio.gather(*asked) if len(asked) > 1 else [await asked[0]]  # one needs no task of its own
    results = {channel: iter(group) for channel, group in zip(tasks, groups, strict=True)}
    answers = [
        _answer(item, place, next(results[channel]), truncated=len(item.text) > cap)
        for place, (item, channel) in enumerate(zip(items, channels, strict=True))
    ]
    return ClassifyOut(items=answers)


def _answer(item: TextIn, place: int, result: Classified | Exception, *, truncated: bool) -> ClassifiedOut:
    item_id = item.id if item.id is not None else str(place)
    if isinstance(result, Exception):
        return ClassifiedOut(id=item_id, error=common.error_of(result), language=None, predictions=[], warnings=[])
    language, predictions = result
    return ClassifiedOut(
        id=item_id,
        error=None,
        language=convert.language(language),
        predictions=convert.predictions(predictions),
        warnings=["truncated"] if truncated else [],
    )


def chosen_tasks(engine: Engine, channel: Channel, models: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the tasks that ``task`` and ``task@version`` name; None for all.

    Raises
    ------
    UsageError
        The pipeline of the channel has no such task.
    ConflictError
        Another version is active.
    """
    if models is None:
        return None
    active = {classifier.task: classifier.version for classifier in engine.lines[channel].classifiers}
    chosen = []
    for name in models:
        task, _, version = name.partition("@")
        if task not in active:
            raise UsageError(f"The channel {channel} has no model for a task of that name", options=list(active))
        if version and not active[task].startswith(version):
            raise ConflictError(
                f"Another version of {task} is active: {active[task]}",
                hint="Activate the version that you want: textcrm models activate.",
            )
        chosen.append(task)
    return tuple(dict.fromkeys(chosen))


def labels_of(service: Service, task: str) -> list[str]:
    """Return the labels that any loaded model of *task* knows."""
    found: dict[str, None] = {}
    for line in service.engine.lines.values():
        for classifier in line.classifiers:
            if classifier.task == task:
                found.update(dict.fromkeys(classifier.labels))
    return list(found)
