"""Look at what could not be taken, and try it again."""

from __future__ import annotations

from dataclasses import dataclass

from textcrm.operations.customers import events as customer_events
from textcrm.operations.customers import tables as customers
from textcrm.operations.customers.rows import RowOptions, RowReader
from textcrm.records import Channel, Message
from textcrm.settings import Settings
from textcrm.sources import Rejected
from textcrm.sources.mailbox import Caps, MailParser
from textcrm.sources.replay import replay, replay_rows
from textcrm.sources.structured import Mapped, complete_fields
from textcrm.store import Store
from textcrm.store.quarantine import Quarantined


@dataclass(frozen=True)
class Replayed:
    """What became of one item: ``stored``, ``duplicate``, ``requeued`` (its analysis is tried again) or ``failed``."""

    id: str
    outcome: str
    detail: str = ""


def replay_items(store: Store, items: list[Quarantined], *, settings: Settings) -> list[Replayed]:
    """Try items again with the settings and the program of today."""
    caps = Caps(message_bytes=settings.max_message_bytes)
    with MailParser(caps=caps) as parser:
        return [_replay(store, item, parser, settings) for item in items]


def _replay(store: Store, item: Quarantined, parser: MailParser, settings: Settings) -> Replayed:
    if item.channel == customers.CHANNEL:
        return _customer(store, item, settings)
    if item.channel == customer_events.CHANNEL:
        return _event(store, item)
    if item.message_id is not None:
        store.messages.requeue({"_id": {"$eq": item.message_id}})
        store.quarantine.mark(item.id, "replayed")
        return Replayed(item.id, "requeued", "Run textcrm analyse.")
    raw = store.raws.get(item.raw_sha256)
    channel: Channel = item.channel  # type: ignore[assignment]  # written from a Channel
    found = list(
        replay(
            raw,
            source=item.source,
            channel=channel,
            mapping=dict(item.mapping) or None,
            received_at=store.now(),
            parser=parser,
        )
    )
    messages = [one for one in found if isinstance(one, Message)]
    failed = [one for one in found if isinstance(one, Rejected)]
    if failed or not messages:
        return Replayed(item.id, "failed", failed[0].detail if failed else "Nothing was found in it.")
    added = store.messages.add(messages)
    if added.too_large:
        return Replayed(item.id, "failed", "It is still too large for the database.")
    store.quarantine.mark(item.id, "replayed")
    return Replayed(item.id, "stored" if added.stored else "duplicate")


def _customer(store: Store, item: Quarantined, settings: Settings) -> Replayed:
    """Import the row of a customer, read as it was at its import."""
    rows = replay_rows(store.raws.get(item.raw_sha256), source=item.source)
    names = list(dict.fromkeys(name for row in rows if not isinstance(row, Rejected) for name in row[1]))
    kept: Mapped = {}
    for field, column in item.mapping:
        if column in names:
            kept[field] = (*kept.get(field, ()), column)
    options = dict(item.options)
    how = RowOptions(
        options.get("region", settings.region),
        "provider_rules" in options,
        frozenset(options.get("day_first", "").split("\n")),
    )
    reader = RowReader(kept or complete_fields(names), how)
    if item.reason == "same_id":
        ids = [reader.id_of(row[1]) or "" for row in rows if not isinstance(row, Rejected)]
        if store.customers.get_many(ids):
            detail = "A later row with the same id was taken; import this one in a file of its own to take it instead."
            return Replayed(item.id, "failed", detail)
    report = customers.import_rows(store, rows, reader, item.source)
    if report.rejections or not rows:
        detail = report.rejections[0].detail if report.rejections else "Nothing was found in it."
        return Replayed(item.id, "failed", detail)
    store.quarantine.mark(item.id, "replayed")
    return Replayed(item.id, "stored" if report.created or report.changed else "duplicate")


def _event(store: Store, item: Quarantined) -> Replayed:
    """Import the row of an order or another event, read as it was at its import."""
    columns: Mapped = {field: (column,) for field, column in item.mapping}
    day_first = "day_first" in dict(item.options)
    intake = customer_events.EventIntake(store, columns, item.source, day_first=day_first)
    intake.take(replay_rows(store.raws.get(item.raw_sha256), source=item.source))
    report = intake.report
    if report.rejections:
        return Replayed(item.id, "failed", report.rejections[0].detail)
    store.quarantine.mark(item.id, "replayed")
    return Replayed(item.id, "stored" if report.created or report.changed else "duplicate")
