"""Messages of strangers who turn out to be customers: an imported record takes over what its identifiers show.

A message of an author whom no record knew hangs on a provisional customer. When a real customer comes in with the same
exact identifier, the message is decided again by the same rules as at its analysis, and what people decided stands.
Each change is recorded. A person takes it back, for good, with a split to the provisional customer, which stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textcrm.link.message import decide
from textcrm.operations.links.decisions import as_decided
from textcrm.operations.links.lookup import customer_finder, keys_of_stored
from textcrm.operations.links.own import own_addresses
from textcrm.records import Customer, Insight, Message
from textcrm.store import Store
from textcrm.store.relinks import Relink

PAGE = 500


def relink(store: Store, customers: Sequence[Customer], *, region: str, by: str) -> int:
    """Give the messages of provisional customers to the *customers* that carry the same identifiers.

    Parameters
    ----------
    region
        ISO 3166 code of the country of phone numbers without a country code.
    by
        What brought the customers in, for the record.

    Returns
    -------
    How many messages have another link now.
    """
    done = 0
    strangers = store.relinks.strangers(customers)
    ours = own_addresses(store) if strangers else frozenset()
    for message_ids in store.relinks.messages_of(strangers, size=PAGE):
        messages = store.messages.get_many(message_ids)
        insights = [i for i in store.insights.get_many(message_ids).values() if i.link and i.message_id in messages]
        anew = [_decided(store, messages[i.message_id], i, region=region, ours=ours) for i in insights]
        for before, after in zip(insights, as_decided(store, anew), strict=True):
            if before.link is None or after.link is None:
                continue
            if (after.link.customer_id, after.link.outcome) != (before.link.customer_id, before.link.outcome):
                done += store.relinks.write(Relink(before.message_id, before.link, after.link, by, store.now()))
    return done


def _decided(store: Store, message: Message, insight: Insight, *, region: str, ours: Collection[str]) -> Insight:
    """Return the insight with its link decided again, from what the analysis had found."""
    keys = keys_of_stored(message, insight, region=region, ours=ours)
    link, stranger = decide(message, keys, customer_finder(store)([key.key for key in keys]))
    # only a record that was found is a reason for another link
    found = stranger is None and link.outcome in ("linked", "review")
    return insight.model_copy(update={"link": link}) if found else insight
