"""What customers write about: topics found in their messages, kept from run to run, changed by people."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymongo.errors import PyMongoError

from textcrm.embed.sentence import SentenceEncoder
from textcrm.errors import ConflictError, NotFoundError, StoreError, UsageError
from textcrm.operations.desk.similar import make_vectors
from textcrm.operations.trends.trends import trends_of
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.topics import Topic
from textcrm.topics.discover import FEWEST, assign, discover
from textcrm.topics.naming import match, name_of, terms_of

log = logging.getLogger(__name__)

MOST_MESSAGES = 20_000  # the newest ones are read; all are assigned
AT_ONCE = 1_000
LEASE = timedelta(seconds=60)
IDLE_SECONDS = 2.0
MOST_NAME = 80


@dataclass(frozen=True)
class Run:
    """What a run did: messages read, topics that are new, that were known, that are gone."""

    messages: int
    new: int
    known: int
    gone: int


def encoder_in(settings: Settings) -> SentenceEncoder:
    """Open the encoder that the active models read.

    Raises
    ------
    NotFoundError
        No active model reads sentences.
    """
    registry = Registry(settings.registry_dir)
    found = sorted({str(e.body["encoder"]) for e in registry.list() if e.active and e.body.get("encoder")})
    if not found:
        raise NotFoundError("No active model reads sentences", hint="Make the shipped ones with: textcrm demo.")
    return SentenceEncoder.open(Path(registry.encoder(found[0])), threads=settings.threads)


def fit(
    store: Store,
    encoder: SentenceEncoder,
    *,
    most: int = MOST_MESSAGES,
    step: Callable[[int], object] = lambda _: None,
) -> Run:
    """Find the topics of the newest messages; those that were there before keep id, name and what people decided.

    Parameters
    ----------
    step
        Called with the number of vectors that were made since the last call.

    Raises
    ------
    UsageError
        There are too few messages.
    """
    owner = f"topics-{secrets.token_hex(4)}"
    while made := make_vectors(store, encoder, owner=owner):
        step(made)
    store.vectors.give_up(encoder.hash, owner)
    sample = store.topics.sample(encoder.hash, limit=most)
    if len(sample) < FEWEST:
        raise UsageError(f"Topics need at least {FEWEST} analysed messages", hint="Take more in: textcrm ingest.")
    found = discover(_floats([vector for _, _, vector in sample]))
    terms = terms_of([text for _, text, _ in sample], found.labels, len(found.centroids))
    sizes = np.bincount(found.labels, minlength=len(found.centroids))
    earlier = store.topics.fit()
    old = store.topics.list(all_of_them=True) if earlier is not None and earlier.encoder == encoder.hash else []
    same = match(np.array([_vector(t) for t in old], dtype=np.float32), found.centroids)
    now = store.now()
    kept: list[Topic] = []
    for k, centroid in enumerate(found.centroids):
        base = old[same[k]] if k in same else Topic(f"t{secrets.token_hex(4)}", "", (), b"", 0.0, 0, now)
        name = base.name if base.named else name_of(terms[k]) or base.name or base.id
        told = replace(base, name=name, terms=tuple(terms[k]), centroid=centroid.tobytes(), live=True)
        kept.append(replace(told, reach=float(found.reach[k]), size=int(sizes[k])))
    ids = {t.id for t in kept}
    kept += [replace(t, live=True, size=0) for t in old if t.id not in ids and t.pinned]
    gone = sum(t.live and t.id not in ids and not t.pinned for t in old)
    store.topics.keep(kept, encoder=encoder.hash, centre=found.centre.tobytes(), messages=len(sample))
    return Run(len(sample), len(found.centroids) - len(same), len(same), gone)


def assign_waiting(store: Store, *, limit: int = AT_ONCE) -> int:
    """Assign the topics of the last run to messages that have none of it; return how many there were."""
    run = store.topics.fit()
    if run is None:
        return 0
    rows = store.topics.waiting(run, limit=limit)
    if not rows:
        return 0
    topics = [t for t in store.topics.list(all_of_them=True) if t.live]
    centroids = np.array([_vector(t) for t in topics], dtype=np.float32)
    reach = np.array([t.reach for t in topics], dtype=np.float32)
    centre = np.frombuffer(run.centre, dtype=np.float32)
    chosen = assign(_floats([vector for _, _, vector in rows]), centre, centroids, reach)
    into = {t.id: t.into or t.id for t in topics}
    named = [list(dict.fromkeys(into[topics[k].id] for k in one)) for one in chosen]
    store.topics.assign(run, [(i, at, ids) for (i, at, _), ids in zip(rows, named, strict=True)])
    return len(rows)


def keep_assigned(store: Store, *, owner: str, stop: threading.Event) -> None:
    """Assign topics to what comes in until *stop*; of several that want to, one does."""
    while not stop.is_set():
        try:
            done = assign_waiting(store) if store.topics.lease(owner, LEASE) else 0
        except (StoreError, PyMongoError) as error:
            log.warning("topics wait for the database: %s", type(error).__name__)
            done = 0
        if not done:
            stop.wait(IDLE_SECONDS)


def rename(store: Store, topic_id: str, name: str) -> Topic:
    """Give a topic a name, which it keeps in all later runs.

    Raises
    ------
    NotFoundError
        There is no such topic.
    UsageError
        The name is empty or too long.
    """
    name = " ".join(name.split()).encode("utf-8", "replace").decode()
    if not name or len(name) > MOST_NAME or not name.isprintable():
        raise UsageError(f"A topic's name has 1 to {MOST_NAME} characters")
    return store.topics.change(topic_id, name=name, named=True)


def pin(store: Store, topic_id: str, *, pinned: bool = True) -> Topic:
    """Keep a topic, whether later runs find it or not; or let it go."""
    return store.topics.change(topic_id, pinned=pinned)


def merge(store: Store, topic_id: str, *, into: str) -> int:
    """Make two topics one: its messages, and those that later runs find, become the other's. Return how many moved.

    Raises
    ------
    NotFoundError
        There is no such topic.
    ConflictError
        It is the same topic, or the other one was merged itself.
    """
    one, other = store.topics.get(topic_id), store.topics.get(into)
    if one.id == other.id or other.into is not None:
        raise ConflictError("A topic is merged into another one that stands", hint="See: textcrm topics list.")
    for earlier in store.topics.list(all_of_them=True):
        if earlier.into == one.id:
            store.topics.change(earlier.id, into=other.id)
    store.topics.change(one.id, into=other.id)
    return store.topics.move(one.id, other.id)


def names(store: Store) -> dict[str, str]:
    """Return what topics are called, by id."""
    return {t.id: t.name for t in store.topics.list(all_of_them=True)}


def unmerge(store: Store, topic_id: str) -> int:
    """Take a merge back: the topic stands again. Return how many messages are looked at anew (`assign_waiting`).

    Those of both topics are, by their vectors; until that is done they stay with the other one. What was merged into
    the topic before it was merged itself stays with the other one, too.

    Raises
    ------
    NotFoundError
        There is no such topic.
    ConflictError
        It is not merged.
    """
    topic = store.topics.get(topic_id)
    if topic.into is None:
        raise ConflictError("This topic is not merged into another one", hint="See: textcrm topics list --merged.")
    store.topics.change(topic.id, into=None)
    return store.topics.look_again(topic.into)


def merged(store: Store) -> dict[str, list[Topic]]:
    """Return the topics that were merged into others and can stand again, by the other's id."""
    found: dict[str, list[Topic]] = {}
    for topic in store.topics.list(all_of_them=True):
        if topic.into is not None and topic.live:
            found.setdefault(topic.into, []).append(topic)
    return found


def counts(store: Store) -> dict[str, int]:
    """Return how many requests are about each topic, from the counts that are kept ready."""
    totals = trends_of(store).totals(split="topic")
    return {topic: mood.total for topic, mood in totals.items() if topic}


def _floats(vectors: list[bytes]) -> NDArray[np.float32]:
    """Return kept vectors as rows of length 1."""
    rows = np.frombuffer(b"".join(vectors), dtype=np.int8).reshape(len(vectors), -1).astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)


def _vector(topic: Topic) -> NDArray[np.float32]:
    return np.frombuffer(topic.centroid, dtype=np.float32)


__all__ = [
    "Run",
    "assign_waiting",
    "counts",
    "fit",
    "keep_assigned",
    "merge",
    "merged",
    "names",
    "pin",
    "rename",
    "unmerge",
]
