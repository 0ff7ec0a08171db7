"""Look at what could not be taken, and try it again."""

from __future__ import annotations

from dataclasses import dataclass

from textcrm.records import Channel, Message
from textcrm.settings import Settings
from textcrm.sources import Rejected
from textcrm.sources.mailbox import Caps, MailParser
from textcrm.sources.replay import replay
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
        return [_replay(store, item, parser) for item in items]


def _replay(store: Store, item: Quarantined, parser: MailParser) -> Replayed:
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
