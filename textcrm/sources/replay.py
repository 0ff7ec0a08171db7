"""Read again what was rejected, from its raw bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from textcrm.records import Channel, Message, Source
from textcrm.sources.discover import TABLES, read
from textcrm.sources.mailbox import MailItem, MailParser
from textcrm.sources.rejected import Rejected
from textcrm.sources.webhook import read_hook


def replay(
    raw: bytes,
    *,
    source: Source,
    channel: Channel,
    mapping: Mapping[str, str] | None,
    received_at: datetime,
    parser: MailParser,
) -> Iterator[Message | Rejected]:
    """Yield the messages in *raw*, the bytes of one rejected item, as from its *source*."""
    if source.kind == "webhook":
        yield from read_hook(raw, name=source.name, channel=channel, mapping=mapping or {}, received_at=received_at)
        return
    if source.kind not in TABLES:
        yield from parser.parse([MailItem(raw, source, received_at, channel)])
        return
    with tempfile.TemporaryDirectory(prefix="textcrm-replay-") as folder:
        path = Path(folder) / f"item.{source.kind}"
        path.write_bytes(raw)
        for item in read(path, channel=channel, mapping=mapping, received_at=received_at, parser=parser):
            place = source.model_copy(update={"external_id": item.source.external_id})
            yield (
                item.model_copy(update={"source": place})
                if isinstance(item, Message)
                else Rejected(item.raw, item.reason, item.detail, source)
            )
