"""Results leave in the order in which a customer wrote, whichever worker is done first."""

from __future__ import annotations

from datetime import timedelta

from tests.e2e.standins import SmallEngine
from tests.factories import message
from textcrm.operations.links.claims import settle, work_on
from textcrm.records import Author, Message
from textcrm.store import Store
from textcrm.store.messages import BACKFILL, Claim

MINUTE = timedelta(minutes=1)


def by(who: str, text: str) -> Message:
    return message(text, author=Author(email=f"{who}@example.com"))


def claim(store: Store, limit: int) -> Claim:
    return store.messages.claim("t", limit=limit, lease=MINUTE, retry_first=False)


def finish(store: Store, held: Claim) -> None:
    settle(store, held, work_on(store, SmallEngine(), held), sinks=["crm"])


def texts(store: Store, sink: str = "crm") -> list[str]:
    waiting = store.outbox.waiting(sink)
    found = store.messages.get_many([delivery.message_id for delivery in waiting])
    return [found[delivery.message_id].text for delivery in waiting]


def test_one_batch_leaves_as_it_came(store: Store) -> None:
    sent = [by(f"customer{n % 3}", f"m{n}") for n in range(60)]
    store.messages.add(sent)
    finish(store, claim(store, 100))
    assert texts(store) == [m.text for m in sent]


def test_what_was_written_later_waits_for_what_the_same_author_wrote_before(store: Store) -> None:
    store.messages.add([by("ann", "first"), by("bob", "other"), by("ann", "second"), by("ann", "third")])
    slow, fast = claim(store, 1), claim(store, 2)
    finish(store, fast)
    assert texts(store) == ["other"]
    finish(store, claim(store, 1))
    assert texts(store) == ["other"]
    finish(store, slow)
    assert texts(store) == ["first", "other", "second", "third"]


def test_what_fails_for_good_holds_nobody_up(store: Store) -> None:
    store.messages.add([by("ann", "poison"), by("ann", "second")])
    bad, good = claim(store, 1), claim(store, 1)
    finish(store, good)
    assert texts(store) == []
    store.messages.fail(bad, bad.messages[0].id, "it cannot be read")
    assert texts(store) == ["second"]


def test_a_backfill_holds_nobody_up(store: Store) -> None:
    store.messages.add([by("ann", "long ago")], priority=BACKFILL)
    store.messages.add([by("ann", "now")])
    finish(store, claim(store, 1))
    assert texts(store) == ["now"]
