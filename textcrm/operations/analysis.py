"""Analyse what is stored: claim, analyse, link, store; each message once, whatever is interrupted."""

from __future__ import annotations

import logging
import os
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from textcrm.engine import Engine
from textcrm.errors import StoreError, TextcrmError
from textcrm.records import Author, Channel, Customer, Insight, Message, Source, message_key
from textcrm.settings import Settings
from textcrm.sources import Rejected, read
from textcrm.sources.mailbox import Caps, MailParser
from textcrm.store import Store
from textcrm.store.messages import BACKFILL, Claim

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 3
BATCH = 128


@dataclass
class AnalysisReport:
    """How many messages were analysed, and which could not be, each with its reason."""

    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def owner_name() -> str:
    """Return a name for this process in the leases it takes."""
    return f"{socket.gethostname()}:{os.getpid()}"


def analyse_stored(
    store: Store, engine: Engine, *, everything: bool = False, progress: Callable[[int], None] | None = None
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
    engine: Engine,
    *,
    report: AnalysisReport,
    limit: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Claim one batch, analyse it and store the insights; return how many messages were claimed.

    A message that fails is tried again alone, so that its neighbours do not wait; after `MAX_ATTEMPTS` it goes to the
    quarantine. A failure of the database uses up no attempt.
    """
    claim = store.messages.claim(owner_name(), limit=limit, lease=LEASE)
    if not claim.messages:
        return 0
    try:
        good, customers, bad = _analyse(store, engine, claim)
        done = store.insights.complete(claim, good, provisional=customers)
        _give_up_or_retry(store, claim, bad, report)
    except (StoreError, KeyboardInterrupt):
        store.messages.release(claim)
        raise
    report.done += len(done)
    if progress is not None:
        progress(len(claim.messages))
    return len(claim.messages)


def _analyse(
    store: Store, engine: Engine, claim: Claim
) -> tuple[list[Insight], list[Customer], list[tuple[Message, str, str]]]:
    """Return insights, provisional customers, and what failed with its reason and stack."""
    try:
        insights, customers = engine.insights(claim.messages, find=store.customers.find, now=store.now())
    except StoreError:
        raise
    except Exception:  # noqa: BLE001 - whatever one message provokes must not take its neighbours along
        log.warning("a batch of %d messages failed; its messages are tried one by one", len(claim.messages))
    else:
        return insights, customers, []
    good: list[Insight] = []
    new: dict[str, Customer] = {}
    bad: list[tuple[Message, str, str]] = []
    for message in claim.messages:
        try:
            insights, customers = engine.insights([message], find=store.customers.find, now=store.now())
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - the reason is kept with the message
            reason = str(error) if isinstance(error, TextcrmError) else type(error).__name__
            bad.append((message, reason, _stack(error)))
        else:
            good += insights
            new.update((customer.id, customer) for customer in customers)
    return good, list(new.values()), bad


def _give_up_or_retry(
    store: Store, claim: Claim, bad: Sequence[tuple[Message, str, str]], report: AnalysisReport
) -> None:
    attempts = {message.id: n for message, n in zip(claim.messages, claim.attempts, strict=True)}
    for message, reason, stack in bad:
        if attempts[message.id] < MAX_ATTEMPTS:
            store.messages.release(claim, ids=[message.id], count_attempt=True)
            continue
        raw = message.text.encode("utf-8", "surrogatepass")
        (name,) = store.raws.add([raw])
        store.quarantine.add(
            [
                {
                    "reason": "analysis_failed",
                    "detail": f"{reason}\n{stack}",
                    "source": message.source,
                    "channel": message.channel,
                    "raw_sha256": name,
                    "size": len(raw),
                    "message_id": message.id,
                }
            ]
        )
        store.messages.fail(claim, message.id, reason)
        report.failed.append((message.id, reason))


def _stack(error: BaseException) -> str:
    """Return where it failed, without the values: a message of an error may quote what a customer wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return "\n".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} in {frame.name}" for frame in frames)


def analyse_text(
    engine: Engine, store: Store | None, text: str, *, channel: Channel, author: Author | None = None
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
    insights, _ = engine.insights([message], find=store.customers.find if store else lambda _: (), now=now)
    return message, insights[0]


def analyse_file(
    engine: Engine, path: Path, *, channel: Channel, settings: Settings, batch: int = BATCH
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
