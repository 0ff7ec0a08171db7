"""Take messages in: read, store, and quarantine what cannot be taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textcrm.errors import NotFoundError
from textcrm.records import Channel, Message
from textcrm.settings import Settings
from textcrm.sources import Rejected, mapping_of, read
from textcrm.sources.mailbox import Caps, MailParser
from textcrm.store import Store

BATCH_ITEMS = 500
MOST_FILES = 20  # that an import names because something in them could not be taken
BATCH_BYTES = 30_000_000
Progress = Callable[[int], None]


@dataclass
class IngestReport:
    """What became of the items. ``items = stored + duplicates + quarantined``."""

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def items(self) -> int:
        """All items that were seen."""
        return self.stored + self.duplicates + self.quarantined


@dataclass(frozen=True)
class Rejection:
    """One item that went to the quarantine: its id there, why, and its place."""

    id: str
    reason: str
    detail: str
    file: str
    line: int | None


def ingest(
    store: Store,
    paths: Sequence[Path],
    *,
    channel: Channel,
    settings: Settings,
    mapping: dict[str, str] | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Read files and folders and store every message once.

    A batch is acknowledged by the database before the next one is read; run again after an interruption, and what is
    there already counts as a duplicate.

    Parameters
    ----------
    mapping
        Message field to column, for tables; None: guess.

    Raises
    ------
    NotFoundError
        A path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise NotFoundError(f"There is no file or folder {path}", hint="Check the path; quote names with spaces.")
    report = IngestReport()
    caps = Caps(message_bytes=settings.max_message_bytes)
    kept: list[bytes] = []
    with MailParser(caps=caps, keep=kept.append) as parser:
        items = (
            item
            for path in paths
            for item in read(path, channel=channel, mapping=mapping, received_at=store.now(), parser=parser)
        )
        for batch in _batches(items):
            store.raws.add(kept)  # before the messages: none may stand without its raw bytes
            kept.clear()
            take(store, batch, channel=channel, mapping=mapping, report=report)
            if progress is not None:
                progress(len(batch))
    _record(store, paths, channel, mapping, report)
    return report


def _record(
    store: Store, paths: Sequence[Path], channel: Channel, mapping: dict[str, str] | None, report: IngestReport
) -> None:
    """Keep what an import did, so that people see it later: counts, and in which files the problems were."""
    one_table = len(paths) == 1 and paths[0].is_file()
    columns = mapping_of(paths[0], mapping) if one_table else (mapping or {})
    problems = Counter(rejection.reason for rejection in report.rejections)
    files = Counter(rejection.file for rejection in report.rejections)
    facts = {
        "channel": channel,
        "rows": report.items,
        "stored": report.stored,
        "duplicates": report.duplicates,
        "quarantined": report.quarantined,
        "mapping": [{"field": field, "columns": [column]} for field, column in columns.items()],
        "problems": [{"of": reason, "is": n} for reason, n in problems.most_common()],
        "files": [{"of": file, "is": n} for file, n in files.most_common(MOST_FILES)],
    }
    more = f" (+{len(paths) - 1})" if len(paths) > 1 else ""
    store.imports.add(kind="messages", source=f"{paths[0].name if paths else ''}{more}", facts=facts)


def take(
    store: Store,
    batch: Sequence[Message | Rejected],
    *,
    channel: Channel,
    mapping: dict[str, str] | None = None,
    report: IngestReport | None = None,
) -> IngestReport:
    """Store one batch and add what became of it to *report*."""
    report = report if report is not None else IngestReport()
    added = store.messages.add([item for item in batch if isinstance(item, Message)])
    report.stored += len(added.stored)
    report.duplicates += len(added.duplicates)
    rejected = [item for item in batch if isinstance(item, Rejected)]
    rejected += [_too_large(message) for message in added.too_large]
    if rejected:
        names = store.raws.add([item.raw for item in rejected])
        ids = store.quarantine.add(
            [
                {
                    "reason": item.reason,
                    "detail": item.detail,
                    "source": item.source,
                    "channel": channel,
                    "raw_sha256": name,
                    "size": len(item.raw),
                    "mapping": list((mapping or {}).items()),
                }
                for item, name in zip(rejected, names, strict=True)
            ]
        )
        report.quarantined += len(ids)
        report.rejections += [
            Rejection(i, item.reason, item.detail, item.source.name, item.source.place)
            for i, item in zip(ids, rejected, strict=True)
        ]
    return report


def _batches(items: Iterable[Message | Rejected]) -> Iterator[list[Message | Rejected]]:
    batch: list[Message | Rejected] = []
    weight = 0
    for item in items:
        batch.append(item)
        weight += len(item.raw) if isinstance(item, Rejected) else len(item.text) + len(item.html or "")
        if len(batch) >= BATCH_ITEMS or weight > BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _too_large(message: Message) -> Rejected:
    """A message that no document can hold keeps its text in the quarantine."""
    return Rejected(
        raw=message.text.encode("utf-8", "surrogatepass"),
        reason="too_large",
        detail="The text is larger than one document of the database (16 MB) can hold.",
        source=message.source,
    )
