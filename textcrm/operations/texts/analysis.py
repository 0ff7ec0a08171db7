"""Analyse what is stored, one text, or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from pymongo.errors import PyMongoError

from textcrm.errors import EngineDownError, StoreError
from textcrm.operations.links.claims import Analyser, owner_name, settle, work_on
from textcrm.operations.links.lookup import customer_finder
from textcrm.records import Author, Channel, Insight, Message, Source, message_key
from textcrm.settings import Settings
from textcrm.sources import Rejected, read
from textcrm.sources.mailbox import Caps, MailParser
from textcrm.store import Store
from textcrm.store.messages import BACKFILL

LEASE = timedelta(seconds=120)
BATCH = 128


@dataclass
class AnalysisReport:
    """How many messages were analysed, and which could not be, each with its reason."""

    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def analyse_stored(
    store: Store, engine: Analyser, *, everything: bool = False, progress: Callable[[int], None] | None = None
) -> AnalysisReport:
    """Analyse every stored message that waits; with *everything*, also those that were done before."""
    if everything:
        store.messages.requeue(priority=BACKFILL)
    report = AnalysisReport()
    while work_once(store, engine, report=report, progress=progress):
        pass
    return report


def work_once(
    store: Store,
    engine: Analyser,
    *,
    report: AnalysisReport,
    limit: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Claim one batch, analyse it and store the insights; return how many messages were claimed.

    A failure of the database, or of the engine as a whole, uses up no attempt.
    """
    claim = store.messages.claim(owner_name(), limit=limit, lease=LEASE)
    if not claim.messages:
        return 0
    try:
        worked = work_on(store, engine, claim)
        outcome = settle(store, claim, worked)
    except (StoreError, PyMongoError, EngineDownError, KeyboardInterrupt):
        with suppress(StoreError, PyMongoError):  # where the database is gone, the lease runs out by itself
            store.messages.release(claim)
        raise
    report.done += len(outcome.done)
    report.failed += outcome.failed
    if progress is not None:
        progress(len(claim.messages))
    return len(claim.messages)


def analyse_text(
    engine: Analyser, store: Store | None, text: str, *, channel: Channel, author: Author | None = None
) -> tuple[Message, Insight]:
    """Analyse one text without storing it; linked to a customer where a store is given."""
    now = store.now() if store else datetime.now(UTC)
    message = Message(
        id=message_key(channel, external_id=None, content=text),
        channel=channel,
        text=text,
        author=author or Author(),
        received_at=now,
        source=Source(kind="text"),
    )
    insights, _ = engine.insights([message], find=customer_finder(store) if store else lambda _: (), now=now)
    return message, insights[0]


def analyse_file(
    engine: Analyser, path: Path, *, channel: Channel, settings: Settings, batch: int = BATCH
) -> Iterator[Insight | Rejected]:
    """Analyse the messages of a file or folder without storing them; what cannot be read comes out as rejected."""
    now = datetime.now(UTC)
    with MailParser(caps=Caps(message_bytes=settings.max_message_bytes)) as parser:
        items = read(path, channel=channel, mapping=None, received_at=now, parser=parser)
        while chunk := list(islice(items, batch)):
            messages = [item for item in chunk if isinstance(item, Message)]
            insights, _ = engine.insights(messages, find=lambda _: (), now=now)
            done = iter(insights)
            for item in chunk:
                yield next(done) if isinstance(item, Message) else item
