"""The company's own addresses: which ones the links were made with, and links made again after they changed.

An own address identifies nobody. One that is named later has linked messages to a customer, and one that is named no
longer has kept messages from theirs: these, and no others, are put back into the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textcrm.operations.links.lookup import keys_of_stored
from textcrm.store import Store
from textcrm.store.codec import Document

PAGE = 500
_STATE = "own_addresses"
Progress = Callable[[int], None]


def note_own(store: Store, ours: frozenset[str]) -> frozenset[str]:
    """Keep the own addresses with which messages are linked from now on.

    Returns
    -------
    Addresses and domains that came or went since all links agreed with them; `link_again` has to be called for them.
    """
    names = sorted(ours)
    new = {"$set": {"now": names}, "$setOnInsert": {"linked": names}}
    store.database["link_state"].update_one({"_id": _STATE}, new, upsert=True)
    return ours ^ _kept(store, "linked")


def own_addresses(store: Store) -> frozenset[str]:
    """Return the own addresses with which messages are linked now."""
    return _kept(store, "now")


def link_again(store: Store, ours: frozenset[str], *, region: str, progress: Progress | None = None) -> int:
    """Put the messages back into the queue whose author is known by something else since own addresses changed.

    Run again after an interruption, it puts back what is left.

    Parameters
    ----------
    ours
        Own addresses and domains as they are now.
    region
        ISO 3166 code of the country of phone numbers without a country code.

    Returns
    -------
    How many were put back; 0 where nothing changed.
    """
    if not note_own(store, ours):
        return 0
    before, done = _kept(store, "linked"), 0
    for ids in _pages(store):
        messages = store.messages.get_many(ids)
        changed = [
            insight.message_id
            for insight in store.insights.get_many(ids).values()
            if (message := messages.get(insight.message_id)) is not None
            and keys_of_stored(message, insight, region=region, ours=before)
            != keys_of_stored(message, insight, region=region, ours=ours)
        ]
        if changed:
            done += store.messages.requeue({"_id": {"$in": changed}})
        if progress is not None:
            progress(len(ids))
    store.database["link_state"].update_one({"_id": _STATE}, {"$set": {"linked": sorted(ours)}})
    return done


def _kept(store: Store, name: str) -> frozenset[str]:
    state: Document = store.database["link_state"].find_one({"_id": _STATE}) or {}
    return frozenset(state.get(name, ()))


def _pages(store: Store) -> Iterator[list[str]]:
    """Yield the ids of the messages that were analysed, in their order."""
    after = ""
    while True:
        found = store.database["insights"].find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", 1).limit(PAGE)
        ids = [str(d["_id"]) for d in found]
        if not ids:
            return
        after = ids[-1]
        yield ids
