"""``textcrm worker``: analyse what comes in, until told to stop."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING

import typer

from textcrm.cli import output
from textcrm.cli.link import tell_own
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.operations.links.claims import Analyser
    from textcrm.settings import Settings
    from textcrm.store import Store
    from textcrm.stream.worker import Worker

DRAIN_SECONDS = 9.0  # of the 10 that a supervisor gives, one is kept for the end itself
EXIT_STUCK = 75  # EX_TEMPFAIL: a supervisor is to start it again


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker() -> None:
    """Analyse messages as they come in; start as many as there are cores to spare.

    It also reads the mailboxes and topics of textcrm sources, and tells the sinks of textcrm sinks. Ctrl-C or SIGTERM
    finishes the batch in hand and ends within 10 seconds. A worker that is killed loses nothing: the next one takes its
    messages over.
    """
    from textcrm.engine import Engine
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        tell_own(store, settings)
        output.say("Loading the models ...")
        engine = Engine.open(settings)
        engine.warm()
        gc.collect()
        gc.freeze()  # the models stay: a round of the collector over them stops all threads for tenths of a second
        output.say("Ready. Ctrl-C ends.")
        code = run_worker(store, engine, settings)
    if code:
        raise output.fail(code)


def run_worker(store: Store, engine: Analyser, settings: Settings) -> int:
    """Run a worker until SIGTERM or SIGINT; return the exit code."""
    from textcrm.operations.desk.similar import encoder_of
    from textcrm.stream.feeds import Feeds
    from textcrm.stream.worker import Worker

    output.log_to_stderr()
    work = Worker(store, engine, on_stuck=lambda: os._exit(EXIT_STUCK))
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    thread = threading.Thread(target=work.run, name="textcrm-worker", daemon=True)
    feeds = Feeds(store, settings, owner=work.owner, encoder=encoder_of(engine))
    thread.start()
    feeds.start()
    while thread.is_alive() and not told.wait(0.5):
        pass
    if not told.is_set():
        output.say("The worker ended by itself; the traceback above says why.")
        return output.EXIT_SOME_FAILED
    until = time.monotonic() + DRAIN_SECONDS
    work.stop()
    feeds.close(seconds=2.0)
    return _drain(work, thread, until)


def _drain(work: Worker, thread: threading.Thread, until: float) -> int:
    thread.join(max(0.0, until - time.monotonic()))
    if thread.is_alive():
        work.abandon()
        output.say("The batch in hand did not end in time; it was given back.")
        os._exit(output.EXIT_SOME_FAILED)
    output.say(f"{work.done:,} messages analysed, {work.failed:,} in quarantine.")
    return output.EXIT_DONE
