"""The indexes, declared once, made and checked at start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, DESCENDING, TEXT, IndexModel, timeout
from pymongo.database import Database
from pymongo.errors import OperationFailure

from textcrm.errors import StoreError

Keys = tuple[tuple[str, int | str], ...]
BUILD_SECONDS = 6 * 3600.0  # an index over many messages is built for longer than any other command may last


@dataclass(frozen=True)
class Index:
    """One declared index."""

    collection: str
    name: str
    keys: Keys
    unique: bool = False
    partial: tuple[tuple[str, Any], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def model(self) -> IndexModel:
        """Return what the driver takes."""
        options: dict[str, Any] = dict(self.options)
        if self.unique:
            options["unique"] = True
        if self.partial:
            options["partialFilterExpression"] = dict(self.partial)
        return IndexModel(list(self.keys), name=self.name, **options)


def _on(collection: str, name: str, *keys: tuple[str, int | str], **options: Any) -> Index:
    return Index(collection, name, keys, **options)


# What people filter the queue by stands behind the keys of its indexes: a document is read only when it is shown. It
# costs disk: bench_pages prints how much.
FILTERED = ("desk.until", "kind", "channel", "intent", "sentiment", "urgency", "language", "abstained", "product")
IN_ORDER = (("desk.closed", ASCENDING), ("rank", DESCENDING), ("sent_at", DESCENDING), ("_id", DESCENDING))
IN_TIME = (("sent_at", DESCENDING), ("_id", DESCENDING), ("desk.closed", ASCENDING))


def _of_queue(name: str, *keys: tuple[str, int], **options: Any) -> Index:
    behind = ((field, ASCENDING) for field in FILTERED if field not in dict(keys))
    return _on("insights", name, *keys, *behind, **options)


INDEXES: tuple[Index, ...] = (
    # work: who is next, whose lease ran out, what was made by an older pipeline
    _on(
        "messages",
        "work_next",
        ("work.state", ASCENDING),
        ("work.priority", ASCENDING),
        ("work.queued_at", ASCENDING),
    ),
    _on("messages", "work_lease", ("work.deadline", ASCENDING), partial=(("work.state", "leased"),)),
    _on(
        "messages",
        "work_job",
        ("work.job", ASCENDING),
        ("work.state", ASCENDING),
        partial=(("work.job", {"$exists": True}),),
    ),
    _on("messages", "by_time", ("sent_at", DESCENDING), ("_id", DESCENDING)),
    _on("messages", "by_message_id", ("record.message_id", ASCENDING)),
    _on("messages", "by_in_reply_to", ("record.in_reply_to", ASCENDING)),
    _on("messages", "by_references", ("record.references", ASCENDING)),
    _on(
        "messages",
        "full_text",
        ("record.subject", TEXT),
        ("record.text", TEXT),
        options=(("default_language", "none"),),
    ),
    # the queue and its filters
    _on("insights", "queue", ("rank", DESCENDING), ("sent_at", DESCENDING), ("_id", DESCENDING)),
    _of_queue("desk_queue", *IN_ORDER),
    _of_queue("by_time", *IN_TIME),
    _of_queue("by_intent", ("intent", ASCENDING), *IN_ORDER),
    _of_queue("by_language", ("language", ASCENDING), *IN_ORDER),
    _of_queue("by_product", ("product", ASCENDING), *IN_ORDER),
    _of_queue("by_topic", ("topic", ASCENDING), *IN_ORDER),
    _of_queue("by_assignee", ("desk.assignee", ASCENDING), *IN_ORDER, partial=(("desk.assignee", {"$exists": True}),)),
    _on("insights", "by_urgency", ("urgency", ASCENDING), ("sent_at", DESCENDING)),
    _on("insights", "by_channel", ("channel", ASCENDING), ("sent_at", DESCENDING)),
    _on("insights", "by_sentiment", ("sentiment", ASCENDING), ("rank", DESCENDING), ("sent_at", DESCENDING)),
    _on("insights", "by_customer", ("customer", ASCENDING), ("sent_at", DESCENDING)),
    _on("insights", "by_topic_run", ("topic_fit", ASCENDING), ("sent_at", DESCENDING)),
    _on("insights", "by_link", ("link", ASCENDING), ("sent_at", DESCENDING), ("_id", DESCENDING)),
    _on("insights", "by_pipeline", ("pipeline", ASCENDING)),
    # counts by day, week and month
    _on(
        "trend_days",
        "by_period",
        ("split", ASCENDING),
        ("period", ASCENDING),
        ("channel", ASCENDING),
        ("day", ASCENDING),
    ),
    _on("trend_days", "by_day", ("day", ASCENDING)),
    _on("trend_marks", "by_day", ("day", ASCENDING)),
    _on("customers", "identity", ("keys", ASCENDING)),
    _on("customers", "provisional", ("record.provisional", ASCENDING), partial=(("record.provisional", True),)),
    _on("customers", "by_update", ("updated_at", DESCENDING), ("_id", DESCENDING)),
    _on("events", "by_order", ("order", ASCENDING)),
    _on("events", "by_customer", ("customer", ASCENDING), ("at", DESCENDING)),
    _on("quarantine", "by_time", ("at", DESCENDING), ("_id", DESCENDING)),
    _on("idempotency", "expire", ("at", ASCENDING), options=(("expireAfterSeconds", 86_400),)),
    # who did what; what keys asked for today
    _on("audit", "by_who", ("who", ASCENDING), ("_id", DESCENDING)),
    _on("audit", "by_about", ("about", ASCENDING), ("_id", DESCENDING)),
    _on("key_usage", "expire", ("at", ASCENDING), options=(("expireAfterSeconds", 3 * 86_400),)),
    # how far sources were read
    _on("source_places", "folder", ("source", ASCENDING), ("folder", ASCENDING), unique=True),
    _on(
        "source_taken",
        "mail",
        *(("source", ASCENDING), ("folder", ASCENDING), ("validity", ASCENDING), ("uid", ASCENDING)),
        unique=True,
    ),
    _on("source_taken", "by_digest", ("source", ASCENDING), ("sha256", ASCENDING)),
    # the way out: what each sink has not got yet; what all have got is forgotten after a week
    _on("outbox", "in_order", *((name, ASCENDING) for name in ("to", "queued", "place", "_id"))),
    _on(
        "outbox",
        "expire",
        ("at", ASCENDING),
        partial=(("to", []),),
        options=(("expireAfterSeconds", 7 * 86_400),),
    ),
    _on("vectors", "by_number", ("encoder", ASCENDING), ("seq", ASCENDING), unique=True),
    _on("insights", "by_stored", ("stored_at", ASCENDING), ("_id", ASCENDING)),
    _on("jobs", "by_time", ("at", DESCENDING), ("_id", DESCENDING)),
    _on("alerts", "by_time", ("at", DESCENDING), ("_id", DESCENDING)),
    _on("alerts", "by_rule", ("rule", ASCENDING), ("key", ASCENDING), ("until", DESCENDING)),
    _on("corrections", "by_message", ("message", ASCENDING), ("task", ASCENDING), ("at", DESCENDING)),
)


def ensure_indexes(database: Database[dict[str, Any]]) -> None:
    """Make what is missing.

    Raises
    ------
    StoreError
        An index of that name stands there with other keys.
    """
    for collection in sorted({index.collection for index in INDEXES}):
        models = [index.model() for index in INDEXES if index.collection == collection]
        try:
            with timeout(BUILD_SECONDS):
                database[collection].create_indexes(models)
        except OperationFailure as error:
            raise StoreError(
                f"The indexes of {database.name}.{collection} differ from what this version needs",
                hint="Run: textcrm doctor --fix. It names the index and makes it anew.",
            ) from error


def index_problems(database: Database[dict[str, Any]]) -> list[str]:
    """Return, in words, each declared index that is missing or has other keys."""
    problems = []
    for index in INDEXES:
        found = database[index.collection].index_information().get(index.name)
        where = f"{index.collection}.{index.name}"
        if found is None:
            problems.append(f"Index {where} is missing.")
        elif not _is_text(index) and tuple((k, v) for k, v in found["key"]) != index.keys:
            problems.append(f"Index {where} has other keys than this version needs.")
    return problems


def repair_indexes(database: Database[dict[str, Any]]) -> list[str]:
    """Drop and make anew each index that has other keys, make those that are missing; return what was done."""
    done = []
    for index in INDEXES:
        found = database[index.collection].index_information().get(index.name)
        if found is not None and not _is_text(index) and tuple((k, v) for k, v in found["key"]) != index.keys:
            database[index.collection].drop_index(index.name)
            done.append(f"{index.collection}.{index.name} was made anew.")
        elif found is None:
            done.append(f"{index.collection}.{index.name} was made.")
    ensure_indexes(database)
    return done


def _is_text(index: Index) -> bool:
    return any(direction == TEXT for _, direction in index.keys)
