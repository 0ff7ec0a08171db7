"""One claim of the queue, worked on and settled: each message once, whatever is interrupted.

What fails is told apart by what else fails. A message that fails while others pass is the message's fault: it is tried
again alone, and after `MAX_ATTEMPTS` goes to the quarantine. When a text that is known to be good fails too, the engine
is down: no message is blamed, and no attempt used up. The same goes for every failure of the database.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from pymongo.errors import PyMongoError

from textcrm.entities.rules import Masking
from textcrm.errors import EngineDownError, StoreError, TextcrmError
from textcrm.operations.links.decisions import as_decided
from textcrm.operations.links.lookup import customer_finder
from textcrm.operations.texts.masking import mask_stored
from textcrm.records import Channel, Customer, Insight, Message, Source
from textcrm.store import Store
from textcrm.store.messages import Claim

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
CANARY = "Where is my order? It has not arrived yet."
FindCustomers = Callable[[Sequence[str]], Sequence[Customer]]


class Analyser(Protocol):
    """What makes insights of messages: `textcrm.engine.Engine`."""

    def insights(
        self, messages: Sequence[Message], *, find: FindCustomers, now: datetime
    ) -> tuple[list[Insight], list[Customer]]:
        """Return one insight a message, in order, and the provisional customers."""


@dataclass(frozen=True)
class Failure:
    """A message that could not be analysed: the reason, and where in the code, without any values."""

    message: Message
    reason: str
    stack: str


@runtime_checkable
class Masks(Protocol):
    """An analyser that knows what the database may keep."""

    masking: Masking


@dataclass
class Worked:
    """What came of a claim. ``masked`` are the messages whose text is not to be kept as it came."""

    insights: list[Insight] = field(default_factory=list)
    masked: list[Message] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass
class Outcome:
    """What was written of it: ids that are done, ids given back for another try, ids in quarantine with the reason."""

    done: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def owner_name() -> str:
    """Return a new name for a worker of this process: machine, process space, process, and a random part."""
    return f"{_here()}{os.getpid()}:{secrets.token_hex(4)}"


def _here() -> str:
    try:
        space = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:  # no Linux: one process space a machine
        space = "0"
    return f"{socket.gethostname()}:{space}:"


def take_over_dead(store: Store) -> int:
    """End the leases of this machine's workers that were killed, so that nobody waits for them; return how many."""
    dead = [owner for owner in store.messages.owners() if is_dead(owner)]
    taken = store.messages.take_over(dead) if dead else 0
    for owner in [state.owner for state in store.workers.list() if is_dead(state.owner)]:
        store.workers.remove(owner)
    return taken


def is_dead(owner: str) -> bool:
    """Tell whether *owner* is a worker of this machine whose process has ended. Of others nothing is known: False."""
    here = _here()
    process = owner.removeprefix(here).partition(":")[0]
    if not owner.startswith(here) or not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return Path("/proc/self/stat").exists()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"


def work_on(store: Store, engine: Analyser, claim: Claim) -> Worked:
    """Analyse the messages of a claim.

    Raises
    ------
    EngineDownError
        Everything fails, a good text too.
    StoreError, PyMongoError
        The database failed.
    """
    worked = Worked()
    messages = []
    for message, attempt in zip(claim.messages, claim.attempts, strict=True):
        if attempt > MAX_ATTEMPTS:  # its worker ended each time, so that nobody could say why
            reason = f"The worker ended {MAX_ATTEMPTS} times while it analysed this message."
            worked.failures.append(Failure(message, reason, ""))
        else:
            messages.append(message)
    if not messages:
        return worked
    try:
        _analyse(store, engine, messages, worked)
    except (StoreError, PyMongoError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever one message provokes must not take its neighbours along
        log.warning("%d messages failed together (%s); each is tried alone", len(messages), type(error).__name__)
        _one_by_one(store, engine, messages, worked)
    return worked


def _analyse(store: Store, engine: Analyser, messages: Sequence[Message], worked: Worked) -> None:
    insights, customers = engine.insights(messages, find=customer_finder(store), now=store.now())
    if isinstance(engine, Masks):
        pairs = [mask_stored(m, i, engine.masking) for m, i in zip(messages, insights, strict=True)]
        insights = [insight for _, insight in pairs]
        worked.masked += [after for before, (after, _) in zip(messages, pairs, strict=True) if after is not before]
    worked.insights += as_decided(store, insights)
    known = {customer.id for customer in worked.customers}
    worked.customers += [customer for customer in customers if customer.id not in known]


def _one_by_one(store: Store, engine: Analyser, messages: Sequence[Message], worked: Worked) -> None:
    for message in messages:
        try:
            _analyse(store, engine, [message], worked)
        except (StoreError, PyMongoError):
            raise
        except Exception as error:  # noqa: BLE001 - the reason is kept with the message
            if not worked.failures:
                check_engine(engine, now=store.now(), channel=message.channel)
            reason = str(error) if isinstance(error, TextcrmError) else type(error).__name__
            worked.failures.append(Failure(message, reason, _stack(error)))


def check_engine(engine: Analyser, *, now: datetime, channel: Channel = "chat") -> None:
    """Analyse a text that is known to be good.

    Raises
    ------
    EngineDownError
        It failed.
    """
    good = Message(id="canary", channel=channel, text=CANARY, received_at=now, source=Source(kind="canary"))
    try:
        engine.insights([good], find=lambda _: (), now=now)
    except Exception as error:
        raise EngineDownError(
            f"The engine fails on every text ({type(error).__name__})",
            hint="Memory, disk or a model is missing. See: textcrm doctor.",
        ) from error


def settle(store: Store, claim: Claim, worked: Worked, *, sinks: Sequence[str] = ()) -> Outcome:
    """Write what came of a claim. Doing it again, after it was cut short, changes nothing.

    Parameters
    ----------
    sinks
        Names of those that are to be told of the insights; written in the same transaction.
    """
    outcome = Outcome(_complete(store, claim, worked, sinks))
    attempts = {message.id: n for message, n in zip(claim.messages, claim.attempts, strict=True)}
    for failure in worked.failures:
        message_id = failure.message.id
        if attempts[message_id] < MAX_ATTEMPTS:
            outcome.again.append(message_id)
        else:
            _quarantine(store, failure)
            store.messages.fail(claim, message_id, failure.reason)
            outcome.failed.append((message_id, failure.reason))
    if outcome.again:
        store.messages.release(claim, ids=outcome.again, count_attempt=True)
    return outcome


def _complete(store: Store, claim: Claim, worked: Worked, sinks: Sequence[str]) -> list[str]:
    return store.insights.complete(
        claim, worked.insights, provisional=worked.customers, sinks=sinks, masked=worked.masked
    )


def _quarantine(store: Store, failure: Failure) -> None:
    message = failure.message
    raw = message.text.encode("utf-8", "surrogatepass")
    (name,) = store.raws.add([raw])
    store.quarantine.add(
        [
            {
                "reason": "analysis_failed",
                "detail": f"{failure.reason}\n{failure.stack}".strip(),
                "source": message.source,
                "channel": message.channel,
                "raw_sha256": name,
                "size": len(raw),
                "message_id": message.id,
            }
        ]
    )


def _stack(error: BaseException) -> str:
    """Return where it failed, without the values: a message of an error may quote what a customer wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return "\n".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} in {frame.name}" for frame in frames)
