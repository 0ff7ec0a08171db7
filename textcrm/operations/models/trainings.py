"""Train a version from the pages, with what people corrected: in a process of its own, its progress in the store."""

from __future__ import annotations

import _thread
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from textcrm.catalog import Catalog
from textcrm.errors import NotFoundError, TextcrmError
from textcrm.settings import Settings, read_settings
from textcrm.store import Store, open_store
from textcrm.store.trainings import TrainingRun, Trainings

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 3.0
GRACE_SECONDS = 30.0  # for a training that was cancelled to end by itself, between two calls into a library
STEPS_NOTED = 20  # of one part of the work
NICENESS = 10


def trainings_of(store: Store) -> Trainings:
    """Return the trainings of a store."""
    return Trainings(store.database["trainings"], store.now)


def start_training(store: Store, settings: Settings, name: str, *, by: str) -> TrainingRun:
    """Have a version of the recipe *name* trained, with all corrections; it is activated where it is not worse.

    The process works behind everything else, and ends its work even if this one ends.

    Raises
    ------
    NotFoundError
        There is no such recipe.
    ConflictError
        A model is being trained.
    """
    recipes = Catalog(settings.home).recipes()
    if name not in recipes:
        raise NotFoundError("There is no such recipe", options=tuple(recipes))
    begun = trainings_of(store).add(name, by=by)
    environment = {**os.environ, **settings.environment()}
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "textcrm.operations.models.trainings", begun.id],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, name="textcrm-training", daemon=True).start()
    return begun


def run_training(store: Store, settings: Settings, training_id: str) -> None:
    """Do what `start_training` asked for, in a process of its own; what goes wrong is kept with the training.

    Ends early, with nothing put into the registry, where the training is cancelled.
    """
    from textcrm.operations.models.training import corrections_of, train

    kept = trainings_of(store)
    begun = kept.get(training_id)
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            if not kept.seen(begun.id):
                _thread.interrupt_main()
                if not stop.wait(GRACE_SECONDS):
                    os._exit(1)
                return

    @contextmanager
    def steps(label: str, total: int | None) -> Iterator[_Step]:
        if not kept.note(begun.id, step=label, share=None):
            raise KeyboardInterrupt
        yield _Step(kept, begun.id, label, total)

    threading.Thread(target=beat, name="textcrm-heartbeat", daemon=True).start()
    try:
        corrected = corrections_of(store, task=Catalog(settings.home).recipe(begun.name).task)
        report = train(begun.name, settings=settings, corrections=corrected, fetch=False, steps=steps)
    except KeyboardInterrupt:  # cancelled, which stands there already
        log.info("training %s was cancelled", begun.id)
    except TextcrmError as error:
        kept.end(begun.id, state="failed", said=str(error))
    except (OSError, MemoryError, ValueError) as error:
        kept.end(begun.id, state="failed", said=type(error).__name__)
        raise
    else:
        said = "activated" if report.activated else "kept, not activated: worse than the active version"
        kept.end(begun.id, state="done", said=said, version=report.version)
    finally:
        stop.set()


class _Step:
    """Notes how much of one part of the work is done."""

    def __init__(self, kept: Trainings, training_id: str, label: str, total: int | None) -> None:
        self._kept, self._id, self._label, self._total = kept, training_id, label, total
        self._done = self._noted = 0

    def __call__(self, advance: int = 1) -> None:
        self._done += advance
        if self._total and (self._done - self._noted) * STEPS_NOTED >= self._total:
            self._noted = self._done
            self._kept.note(self._id, step=self._label, share=min(1.0, self._done / self._total))


def _main() -> None:
    os.nice(NICENESS)
    settings = read_settings()
    with open_store(settings) as store:
        run_training(store, settings, sys.argv[1])


if __name__ == "__main__":
    _main()
