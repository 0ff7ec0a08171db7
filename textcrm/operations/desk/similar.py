"""Similar messages: their vectors are kept as they are analysed, and searched through an index built meanwhile.

The worker makes the vectors; each machine that answers builds its index of them in the background, in a process of its
own, and builds it again where it is lost. Until it stands, the newest messages are searched exactly.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from pymongo.errors import PyMongoError

from textcrm.embed.nearest import Bytes8, Keys, Nearest, build, quantise
from textcrm.embed.sentence import SentenceEncoder
from textcrm.errors import NotFoundError, StoreError
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.vectors import Brief

if TYPE_CHECKING:
    from textcrm.engine import Engine

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
AT_ONCE = 64
IDLE_SECONDS = 1.0
READ_CHARS = 5_000  # of a text; the encoder itself reads less
MOST_EXACT = 20_000  # what is in no index yet; more, and a new one is built
GROWTH = 0.02  # or this part of the index, where that is more
ROWS = 10_000


@dataclass(frozen=True)
class Found:
    """One similar message; ``similarity`` is the cosine, in [-1, 1]."""

    brief: Brief
    similarity: float


def encoder_of(engine: Any) -> SentenceEncoder | None:
    """Return the encoder that an engine's models read; None where none does."""
    classifiers = (c for line in getattr(engine, "lines", {}).values() for c in line.classifiers)
    return next((c.encoder for c in classifiers if isinstance(c.encoder, SentenceEncoder)), None)


def keep_vectors(store: Store, encoder: SentenceEncoder, *, owner: str, stop: threading.Event) -> None:
    """Make vectors of what was analysed, until *stop*; of several that want to, one does."""
    while not stop.is_set():
        try:
            made = make_vectors(store, encoder, owner=owner)
        except (StoreError, PyMongoError) as error:
            log.warning("vectors wait for the database: %s", type(error).__name__)
            made = 0
        if not made:
            stop.wait(IDLE_SECONDS)
    try:
        store.vectors.give_up(encoder.hash, owner)
    except (StoreError, PyMongoError):
        log.warning("the lease of the vectors runs out by itself")


def make_vectors(store: Store, encoder: SentenceEncoder, *, owner: str) -> int:
    """Make the vectors of the next analysed messages, and return how many messages were looked at."""
    if not store.vectors.lease(encoder.hash, owner, LEASE):
        return 0
    rows = store.vectors.unread(encoder.hash, limit=AT_ONCE)
    if not rows:
        return 0
    marks = [hashlib.blake2b(row.text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() for row in rows]
    new = [(row, mark) for row, mark in zip(rows, marks, strict=True) if row.mark != mark]
    full = [row.text[:READ_CHARS] for row, _ in new if row.text.strip()]
    made = iter(quantise(encoder.encode(full))) if full else iter(())
    store.vectors.put(
        encoder.hash,
        [(row.message_id, mark, next(made).tobytes() if row.text.strip() else None) for row, mark in new],
    )
    store.vectors.read(encoder.hash, rows)
    return len(rows)


def build_indexes(store: Store, settings: Settings, *, progress: Callable[[int], None] = lambda _: None) -> list[str]:
    """Build the index of each encoder that there are vectors of; return the names of the files that are new.

    One process of a machine builds at a time; another one returns at once.
    """
    folder = settings.similar_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        done = []
        for encoder, dimensions in store.vectors.encoders().items():
            start = Nearest(folder, encoder, dimensions=dimensions)
            start.refresh()
            batches = _batches(store, encoder, start.last_in_file, dimensions, progress)
            path = build(folder, encoder, batches, dimensions=dimensions, threads=settings.threads)
            done += [path.name] if path else []
        return done


def _batches(
    store: Store, encoder: str, last: int, dimensions: int, progress: Callable[[int], None]
) -> Iterator[tuple[Keys, Bytes8]]:
    while rows := store.vectors.after(encoder, last, limit=ROWS):
        yield _arrays(rows, dimensions)
        last = rows[-1][0]
        progress(len(rows))


def _arrays(rows: Sequence[tuple[int, bytes]], dimensions: int) -> tuple[Keys, Bytes8]:
    keys = np.array([seq for seq, _ in rows], dtype=np.uint64)
    return keys, np.frombuffer(b"".join(v for _, v in rows), dtype=np.int8).reshape(-1, dimensions)


class Similar:
    """Answers which messages are similar; follows the vectors, and has the index built, in a thread of its own.

    Parameters
    ----------
    most_exact
        Vectors that are searched without an index.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        settings: Settings,
        *,
        most_exact: int = MOST_EXACT,
    ) -> None:
        self.encoder = encoder_of(engine)
        self._tasks = sorted({c.task for line in engine.lines.values() for c in line.classifiers})
        self._store, self._settings = store, settings
        self._most_exact = most_exact
        self._stop = threading.Event()
        self._builder: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="textcrm-similar", daemon=True)
        encoder = self.encoder
        self._nearest = (
            None
            if encoder is None
            else Nearest(settings.similar_dir, encoder.hash, dimensions=encoder.dimensions, most_tail=5 * most_exact)
        )

    def start(self) -> None:
        """Begin to follow."""
        if self._nearest is not None:
            self._thread.start()

    def close(self) -> None:
        """End; an index that is being built is given up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)
        if self._builder is not None:
            self._builder.terminate()
            self._builder.wait(10)

    @property
    def searched(self) -> int:
        """How many messages are searched now."""
        return 0 if self._nearest is None else self._nearest.size

    def to_message(self, message_id: str, *, limit: int) -> list[Found]:
        """Return the messages that are most similar to a stored one, which is left out.

        Raises
        ------
        NotFoundError
            The message is unknown, not analysed yet, or holds no words.
        """
        vector = self._store.vectors.of(self.encoder.hash, message_id) if self.encoder else None
        if vector is None:
            raise NotFoundError(
                f"There is no vector of message {message_id[:64]!r}",
                hint="Either the id is wrong, or the message waits for the worker, or it holds no words.",
            )
        found = self._search(np.frombuffer(vector, dtype=np.int8), limit + 1)
        return [one for one in found if one.brief.message_id != message_id][:limit]

    def to_text(self, vector: Bytes8, *, limit: int) -> list[Found]:
        """Return the messages that are most similar to the text of *vector* (`vectors`)."""
        return self._search(vector, limit)[:limit]

    def vectors(self, texts: Sequence[str]) -> list[Bytes8]:
        """Return the vectors of texts."""
        if self.encoder is None:
            raise NotFoundError("No model here reads sentences", hint="See: textcrm models list.")
        return list(quantise(self.encoder.encode([text[:READ_CHARS] for text in texts])))

    def _search(self, vector: Bytes8, limit: int) -> list[Found]:
        if self._nearest is None or self.encoder is None:
            return []
        near = self._nearest.search(vector, limit + 8)  # some may be gone, or made anew
        briefs = self._store.vectors.briefs(self.encoder.hash, [key for key, _ in near], tasks=self._tasks)
        return [Found(briefs[key], similarity) for key, similarity in near if key in briefs]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.follow()
            except (StoreError, PyMongoError, OSError) as error:
                log.warning("the index of similar messages waits: %s", type(error).__name__)
            self._stop.wait(IDLE_SECONDS)

    def follow(self) -> None:
        """Take up what is new, and have a new index built where that is much."""
        nearest, encoder = self._nearest, self.encoder
        if nearest is None or encoder is None:
            return
        nearest.refresh()
        newest = self._store.vectors.last(encoder.hash)
        place = max(nearest.last, newest - nearest.most_tail)
        while place < newest and not self._stop.is_set():
            rows = self._store.vectors.after(encoder.hash, place, limit=ROWS)
            if not rows:
                break
            nearest.add(*_arrays(rows, encoder.dimensions))
            place = rows[-1][0]
        waiting = newest - nearest.last_in_file
        if waiting > max(self._most_exact, GROWTH * nearest.last_in_file):
            self._build()

    def _build(self) -> None:
        if self._builder is not None and self._builder.poll() is None:
            return
        command = [sys.executable, "-m", "textcrm", "index"]
        # one thread: the other cores are for those who wait for an answer
        environment = {**os.environ, **self._settings.environment(), "TEXTCRM_THREADS": "1"}
        self._builder = subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
