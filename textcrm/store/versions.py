"""Document versions: which one the database holds, and the steps from each to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo import timeout
from pymongo.database import Database

from textcrm.errors import StoreError

Step = Callable[[Database[dict[str, Any]]], None]
STEP_SECONDS = 6 * 3600.0  # a step goes through all documents: longer than any other command may last


def _to_1(database: Database[dict[str, Any]]) -> None:
    """Documents made before versions were written carry none; their shape is version 1."""
    for name in ("messages", "insights", "customers"):
        database[name].update_many({"v": {"$exists": False}}, {"$set": {"v": 1}})


def _to_2(database: Database[dict[str, Any]]) -> None:
    """Keys that could read saw texts; now that is a scope of its own, and they keep it."""
    database["keys"].update_many({"scopes": "read"}, {"$addToSet": {"scopes": "text"}})


def _to_3(database: Database[dict[str, Any]]) -> None:
    """The indexes of the queue hold more fields; they are made anew at the same start."""
    stand = database["insights"].index_information()
    for name in ("desk_queue", "by_time", "by_intent", "by_language", "by_product", "by_topic", "by_review"):
        if name in stand:
            database["insights"].drop_index(name)


# UPGRADES[n] takes a database from version n to n + 1. A step can be run again: it may have been cut short.
UPGRADES: tuple[Step, ...] = (_to_1, _to_2, _to_3)
CURRENT = len(UPGRADES)


def upgrade(database: Database[dict[str, Any]], *, steps: tuple[Step, ...] = UPGRADES) -> int:
    """Bring the documents to the current version and return how many steps were taken.

    Raises
    ------
    StoreError
        The database was written by a newer textcrm.
    """
    current = len(steps)
    meta = database["meta"]
    found = meta.find_one({"_id": "schema"})
    stands = int(found["version"]) if found else 0
    if stands > current:
        raise StoreError(
            f"The database {database.name} was written by a newer textcrm (documents {stands}, here {current})",
            hint="Install that version, or name another database with TEXTCRM_DATABASE.",
        )
    for number in range(stands, current):
        with timeout(STEP_SECONDS):
            steps[number](database)
        meta.update_one({"_id": "schema"}, {"$set": {"version": number + 1}}, upsert=True)
    return current - stands
