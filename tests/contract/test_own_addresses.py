"""The company's own addresses change: what they touch is linked again, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from tests.factories import insight, message
from textcrm.link.message import decide
from textcrm.operations.customers.tables import import_customers
from textcrm.operations.links.claims import FindCustomers
from textcrm.operations.links.lookup import keys_of_stored
from textcrm.operations.links.own import link_again, note_own, own_addresses
from textcrm.operations.texts.analysis import analyse_stored
from textcrm.records import Author, Customer, EntitySpan, Insight, Link, Message
from textcrm.store import Store

STRANGER = "p-" + "0" * 20
NONE: frozenset[str] = frozenset()


def analysed(store: Store, text: str, link: Link | None = None, entities: tuple[str, ...] = (), **author: str) -> str:
    """Store a message that was analysed; return its id."""
    store.messages.add([message(text, author=Author(**author))])
    claim = store.messages.claim("test", limit=1, lease=timedelta(minutes=1))
    (one,) = claim.messages
    spans = tuple(
        EntitySpan(
            start=text.index(found),
            end=text.index(found) + len(found),
            label="EMAIL",
            text=found,
            source="t",
            score=1.0,
        )
        for found in entities
    )
    made = insight(one, link=link) if link else insight(one)
    store.insights.complete(claim, [made.model_copy(update={"entities": spans})])
    return one.id


def waiting(store: Store) -> set[str]:
    return {str(d["_id"]) for d in store.database["messages"].find({"work.state": "pending"}, {"_id": 1})}


def test_what_came_and_went_is_told_until_it_is_linked_again(store: Store) -> None:
    first, second = frozenset({"@acme.example"}), frozenset({"@acme.example", "shop@x.example"})
    assert note_own(store, first) == NONE  # nothing was linked before
    assert note_own(store, second) == {"shop@x.example"}
    assert note_own(store, second) == {"shop@x.example"}
    assert own_addresses(store) == second
    assert link_again(store, second, region="US") == 0
    assert note_own(store, second) == NONE
    assert note_own(store, NONE) == second


def test_only_messages_that_an_address_touches_go_back(store: Store) -> None:
    note_own(store, frozenset({"old@acme.example"}))
    by_from = analysed(store, "one", email="Bea@Acme.example")
    by_reply = analysed(store, "two", email="form@y.example", reply_to="cem@acme.example")
    by_text = analysed(store, "three: ask dan@acme.example", entities=("dan@acme.example",), email="eve@y.example")
    gone = analysed(store, "four", email="old@acme.example", phone="+12025550143")
    other = analysed(store, "five", email="eve@y.example")
    alike = analysed(store, "six", email="eve@notacme.example")
    assert link_again(store, frozenset({"old@acme.example"}), region="US") == 0
    now = frozenset({"@acme.example"})
    seen: list[int] = []
    # one that was named by itself is named by its domain now: nothing changes for it
    assert link_again(store, now, region="US", progress=seen.append) == 3
    assert waiting(store) == {by_from, by_reply, by_text}
    assert sum(seen) == 6
    assert link_again(store, now, region="US") == 0
    assert link_again(store, NONE, region="US") == 1  # the others wait already
    assert waiting(store) == {by_from, by_reply, by_text, gone}
    assert not {other, alike} & waiting(store)


def test_a_customer_that_comes_in_gets_no_message_by_an_own_address(store: Store, tmp_path: Path) -> None:
    note_own(store, frozenset({"desk@acme.example"}))
    link = Link(customer_id=STRANGER, outcome="provisional", confidence=1.0, rule="new_email")
    store.customers.upsert([Customer(id=STRANGER, emails=("ann@x.example",), provisional=True)])
    sent = analysed(store, "one", link, email="desk@acme.example", reply_to="ann@x.example")
    path = tmp_path / "c.csv"
    path.write_text("id,name,email\nK-1,Ann Smith,ann@x.example\nK-2,Dan Desk,desk@acme.example\n", encoding="utf-8")
    assert import_customers(store, path).relinked == 1
    found = store.insights.get(sent).link
    assert found is not None
    assert (found.customer_id, found.rule) == ("K-1", "email_reply_to")


class Linker:
    """Links messages as the engine does, by their authors, and reads nothing else of them."""

    def __init__(self, ours: frozenset[str] = NONE) -> None:
        self._ours = ours

    def insights(
        self, messages: Sequence[Message], *, find: FindCustomers, now: datetime
    ) -> tuple[list[Insight], list[Customer]]:
        made, strangers = [], []
        for one in messages:
            keys = keys_of_stored(one, insight(one), region="US", ours=self._ours)
            link, stranger = decide(one, keys, find([key.key for key in keys]))
            made.append(insight(one, link=link).model_copy(update={"made_at": now}))
            strangers += [stranger] if stranger else []
        return made, strangers


def test_a_colleague_who_was_taken_for_a_customer_is_one_no_longer(store: Store) -> None:
    store.customers.upsert([Customer(id="K-1", name="Ann Smith", emails=("ann@acme.example",))])
    sent = message(author=Author(name="Ann Smith", email="ann@acme.example"))
    store.messages.add([sent])
    note_own(store, NONE)
    analyse_stored(store, Linker())
    before = store.insights.get(sent.id).link
    assert before is not None
    assert before.customer_id == "K-1"
    ours = frozenset({"@acme.example"})
    assert link_again(store, ours, region="US") == 1
    analyse_stored(store, Linker(ours))
    after = store.insights.get(sent.id).link
    assert after is not None
    assert after.customer_id is None
    assert after.outcome != "linked"
    assert link_again(store, NONE, region="US") == 1
    analyse_stored(store, Linker())
    assert store.insights.get(sent.id).link == before
