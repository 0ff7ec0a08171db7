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
from textcrm.sources.structured import structured_rows
from textcrm.sources.tabular import Row
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


def replay_rows(raw: bytes, *, source: Source) -> list[Row | Rejected]:
    """Return the rows in *raw*, the bytes of one rejected item of a table of customers or events.

    The rows of binary tables and databases were kept as JSON, those of CSV with their header.
    """
    suffix = source.kind if source.kind in ("csv", "tsv") else "json" if raw.lstrip()[:1] in (b"{", b"[") else "csv"
    if raw.startswith(b"PK\x03\x04"):
        suffix = "xlsx"
    elif raw.startswith(b"PAR1"):
        suffix = "parquet"
    with tempfile.TemporaryDirectory(prefix="textcrm-replay-") as folder:
        path = Path(folder) / f"item.{suffix}"
        path.write_bytes(raw)
        rows = list(structured_rows(path))
    if len(rows) > 1:
        return rows
    return [Rejected(r.raw, r.reason, r.detail, source) if isinstance(r, Rejected) else r for r in rows]
