"""The store against a real mongod."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from tests.desk_data import fill
from tests.factories import NOON, insight, message
from textcrm.errors import ConflictError, NotFoundError, StoreError, UsageError
from textcrm.operations.desk.desk import desk_of
from textcrm.records import Customer, Link, Source
from textcrm.settings import Settings
from textcrm.store.client import CONNECT_MS, Store, connect
from textcrm.store.codec import identity_keys
from textcrm.store.desk import Wanted
from textcrm.store.indexes import INDEXES, ensure_indexes, index_problems
from textcrm.store.versions import CURRENT, upgrade

MINUTE = timedelta(minutes=1)


def test_a_message_comes_back_as_it_was(store: Store) -> None:
    sent = message("Grüße 👋 \x00 $where {a.b}", extra=(("a.b", "$ne"), ("", "x")), sent_at=NOON, subject="Re: x")
    assert store.messages.add([sent]).stored == [sent.id]
    assert store.messages.get(sent.id) == sent


def test_adding_twice_changes_nothing(store: Store) -> None:
    first, second = message("one"), message("two")
    assert store.messages.add([first, second, first]).duplicates == [first.id]
    again = store.messages.add([second, first])
    assert (again.stored, sorted(again.duplicates)) == ([], sorted([first.id, second.id]))
    assert store.messages.count() == 2


def test_a_hundred_threads_adding_the_same_message_make_one(store: Store) -> None:
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: store.messages.add([message("same")]), range(100)))
    assert sum(len(r.stored) for r in results) == 1
    assert store.messages.count() == 1


def test_what_no_document_can_hold_is_handed_back(store: Store) -> None:
    added = store.messages.add([message("x" * 16_000_000), message("small")])
    assert [m.text[:1] for m in added.too_large] == ["x"]
    assert len(added.stored) == 1


def test_an_unknown_message_is_said_to_be_unknown(store: Store) -> None:
    with pytest.raises(NotFoundError, match="There is no message"):
        store.messages.get("nothing")


def test_a_claim_is_exclusive_and_counts_the_attempt_before_the_work(store: Store) -> None:
    store.messages.add([message(str(n)) for n in range(10)])
    first = store.messages.claim("a", limit=6, lease=MINUTE)
    second = store.messages.claim("b", limit=6, lease=MINUTE)
    assert (len(first.messages), len(second.messages)) == (6, 4)
    assert not {m.id for m in first.messages} & {m.id for m in second.messages}
    assert set(first.attempts) == {1}
    assert store.messages.claim("c", limit=6, lease=MINUTE).messages == ()


def test_a_lease_that_ran_out_goes_to_the_next_one(store: Store) -> None:
    store.messages.add([message("one")])
    store.messages.claim("dead", limit=1, lease=timedelta(seconds=-1))
    claim = store.messages.claim("alive", limit=1, lease=MINUTE)
    assert len(claim.messages) == 1 and claim.attempts == (2,)


def test_who_lost_the_lease_completes_nothing(store: Store) -> None:
    sent = message("one")
    store.messages.add([sent])
    lost = store.messages.claim("slow", limit=1, lease=timedelta(seconds=-1))
    held = store.messages.claim("fast", limit=1, lease=MINUTE)
    assert store.insights.complete(lost, [insight(sent, sentiment="negative")]) == []
    assert store.insights.complete(held, [insight(sent, sentiment="positive")]) == [sent.id]
    found = store.insights.get(sent.id).prediction("sentiment")
    assert found is not None and found.label == "positive"
    assert store.messages.counts() == {"done": 1}


def test_a_release_forgets_the_attempt(store: Store) -> None:
    store.messages.add([message("one")])
    store.messages.release(store.messages.claim("a", limit=1, lease=MINUTE))
    assert store.messages.claim("a", limit=1, lease=MINUTE).attempts == (1,)


def test_live_messages_go_before_backfill(store: Store) -> None:
    old = message("old")
    store.messages.add([old])
    claim = store.messages.claim("a", limit=1, lease=MINUTE)
    store.insights.complete(claim, [insight(old)])
    assert store.messages.requeue() == 1
    store.messages.add([message("new")])
    assert [m.text for m in store.messages.claim("a", limit=2, lease=MINUTE).messages] == ["new", "old"]


def test_the_queue_goes_by_urgency_then_newest_and_pages_are_stable(store: Store) -> None:
    sent = [message(f"m{n}", sent_at=NOON + timedelta(minutes=n)) for n in range(9)]
    store.messages.add(sent)
    claim = store.messages.claim("a", limit=20, lease=MINUTE)
    levels = ["low", "critical", "normal"] * 3
    store.insights.complete(claim, [insight(m, urgency=u) for m, u in zip(sent, levels, strict=True)])
    expected = [f"m{n}" for n in (7, 4, 1, 8, 5, 2, 6, 3, 0)]
    page = store.insights.queue(limit=4)
    late = message("late", sent_at=NOON + timedelta(days=1))
    store.messages.add([late])
    store.insights.complete(store.messages.claim("a", limit=1, lease=MINUTE), [insight(late, urgency="critical")])
    rest = store.insights.queue(limit=20, after=page[-1][1])
    assert [i.clean for i, _ in page + rest] == expected


def test_an_abstention_has_no_label_to_filter_by(store: Store) -> None:
    sent = message("hm")
    store.messages.add([sent])
    made = insight(sent)
    unsure = made.predictions[1].model_copy(update={"abstained": True, "reason": "unknown"})
    claim = store.messages.claim("a", limit=1, lease=MINUTE)
    store.insights.complete(claim, [made.model_copy(update={"predictions": (made.predictions[0], unsure)})])
    assert store.insights.queue(filters={"sentiment": "neutral"}) == []
    assert len(store.insights.queue(filters={"urgency": "normal"})) == 1


@pytest.mark.parametrize("name", ["$where", "record.clean", "_id", ""])
def test_only_allowed_fields_filter(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be filtered"):
        store.insights.queue(filters={name: "x"})


def test_provisional_customers_never_replace_real_ones(store: Store) -> None:
    real = Customer(id="c1", name="Ann", emails=("ann@example.com",), segment="vip")
    store.customers.upsert([real])
    sent = message("hello")
    store.messages.add([sent])
    claim = store.messages.claim("a", limit=1, lease=MINUTE)
    link = Link(customer_id="c1", outcome="provisional", confidence=1.0)
    store.insights.complete(
        claim, [insight(sent, link=link)], provisional=[Customer(id="c1", provisional=True), Customer(id="p1")]
    )
    assert store.customers.get("c1") == real
    assert store.customers.get("p1").id == "p1"


def test_customers_are_found_by_exact_identifiers(store: Store) -> None:
    ann = Customer(id="1", number="K-1", emails=("a@example.com",), phones=("+12025550123",), handles=("@ann",))
    result = store.customers.upsert([ann, Customer(id="2", emails=("b@example.com",))])
    assert (result.created, result.changed, result.unchanged) == (2, 0, 0)
    assert store.customers.upsert([ann]).unchanged == 1
    for key in identity_keys(ann):
        assert [c.id for c in store.customers.find([key])] == ["1"]
    assert store.customers.find(["email:A@EXAMPLE.COM"]) == []


def test_raw_bytes_come_back_whole(store: Store) -> None:
    items = [b"", b"a", bytes(range(256)) * 80_000, b"a"]
    names = store.raws.add(items)
    assert [store.raws.get(name) for name in names] == items
    assert store.raws.add(items) == names
    store.database["raws"].delete_one({"_id": f"{names[2]}:1"})
    with pytest.raises(NotFoundError, match="not whole"):
        store.raws.get(names[2])


def test_quarantine_keeps_an_item_once(store: Store) -> None:
    item = {
        "reason": "no_text",
        "detail": "The row has no text.",
        "source": Source(kind="csv", name="a.csv", place=3),
        "channel": "review",
        "raw_sha256": "0" * 64,
        "size": 12,
    }
    assert store.quarantine.add([item]) == store.quarantine.add([item])
    (found,) = store.quarantine.list()
    assert (found.source.place, found.status) == (3, "waiting")
    store.quarantine.mark(found.id, "replayed")
    assert store.quarantine.count() == 0


def test_a_key_is_shown_once_and_kept_as_a_hash(store: Store) -> None:
    text, key = store.keys.create("crm", scopes=["read"])
    assert store.keys.check(text) == key
    stored = store.database["keys"].find_one({"_id": key.id})
    assert stored is not None and text not in str(stored)
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert store.keys.check(wrong) is None
    assert store.keys.check("tcrm_$ne_x") is None
    with pytest.raises(ConflictError):
        store.keys.create("crm", scopes=["read"])
    store.keys.revoke("crm")
    assert store.keys.check(text) is None


def test_corrections_can_be_undone(store: Store) -> None:
    made = store.corrections.add("m1", task="intent", label="praise", by="ann", said=None)
    assert store.corrections.list(task="intent") == [made]
    store.corrections.undo(made.id)
    assert store.corrections.list() == []


def test_every_declared_index_stands_and_a_missing_one_is_named(store: Store) -> None:
    assert index_problems(store.database) == []
    store.database["insights"].drop_index("queue")
    assert index_problems(store.database) == ["Index insights.queue is missing."]
    assert len({(i.collection, i.name) for i in INDEXES}) == len(INDEXES)


def test_an_index_that_takes_longer_to_build_than_a_command_may_last_is_built(store: Store, settings: Settings) -> None:
    store.messages.add([message("one")])
    store.database["messages"].drop_index("by_time")
    assert settings.mongodb_uri is not None
    uri = f"{settings.mongodb_uri.get_secret_value()}&socketTimeoutMS=300"
    fail_point = partial(store.client.admin.command, "configureFailPoint", "hangAfterStartingIndexBuild")
    with connect(uri) as client, ThreadPoolExecutor(1) as pool:
        entered = fail_point(mode="alwaysOn")["count"]
        try:
            built = pool.submit(ensure_indexes, client[settings.database])
            store.client.admin.command(
                "waitForFailPoint", "hangAfterStartingIndexBuild", timesEntered=entered + 1, maxTimeMS=20_000
            )
            with pytest.raises(TimeoutError):
                built.result(timeout=1)
        finally:
            fail_point(mode="off")
        built.result(timeout=60)
    assert index_problems(store.database) == []


def test_times_that_the_address_names_go_before_ours() -> None:
    with connect("mongodb://127.0.0.1:9/?socketTimeoutMS=7000&serverselectiontimeoutms=300", wait_seconds=3) as client:
        assert client.options.pool_options.socket_timeout == 7
        assert client.options.server_selection_timeout == 0.3
        assert client.options.pool_options.connect_timeout == CONNECT_MS / 1_000
    with connect("mongodb://127.0.0.1:9/?w=1&journal=false", wait_seconds=3) as client:
        assert client.write_concern.document == {
            "w": "majority",
            "j": True,
        }  # what is acknowledged is not theirs to say
        assert client.options.server_selection_timeout == 3


def test_the_queue_is_read_from_an_index(store: Store) -> None:
    plan = store.database["insights"].find({}).sort([("rank", -1), ("sent_at", -1), ("_id", -1)]).explain()
    assert "SORT" not in str(plan["queryPlanner"]["winningPlan"]).replace("SORT_KEY", "")


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(abstained=True, equal=(("intent", "question"),)),
        Wanted(abstained=False, equal=(("language", "en"),)),
        Wanted(equal=(("product", "Kettle"),), state="closed"),
        Wanted(assignee="ann"),
        Wanted(since=NOON - timedelta(days=1)),
    ],
)
def test_the_queue_reads_only_the_documents_it_shows(store: Store, wanted: Wanted) -> None:
    fill(store)
    at_desk = desk_of(store)
    at_desk.assign([queued.insight.message_id for queued in at_desk.page(Wanted())[::2]], to="ann", by="ann")
    store.database.command("profile", 2)
    count = at_desk.count(wanted)
    shown = [at_desk.page(wanted, limit=100, newest_first=newest) for newest in (False, True)]
    store.database.command("profile", 0)
    read = {d["op"]: d["docsExamined"] for d in store.database["system.profile"].find({"ns": {"$regex": "insights$"}})}
    assert [len(page) for page in shown] == [min(count, 100)] * 2
    assert (read["command"], read["query"]) == (0, len(shown[0]))


def test_the_indexes_of_an_older_version_are_made_anew(store: Store) -> None:
    insights = store.database["insights"]
    insights.drop_index("by_intent")
    insights.create_index([("intent", 1), ("rank", -1), ("sent_at", -1)], name="by_intent")
    store.database["meta"].update_one({"_id": "schema"}, {"$set": {"version": 2}})
    store.prepare()
    assert index_problems(store.database) == []


def test_old_documents_are_upgraded_and_newer_ones_refused(store: Store) -> None:
    database = store.database
    database["meta"].update_one({"_id": "schema"}, {"$set": {"version": 0}})
    database["messages"].insert_one({"_id": "old"})
    assert upgrade(database) == CURRENT
    assert database["messages"].find_one({"_id": "old"}) == {"_id": "old", "v": 1}
    database["meta"].update_one({"_id": "schema"}, {"$set": {"version": CURRENT + 1}})
    with pytest.raises(StoreError, match="newer textcrm"):
        upgrade(database)


def test_writes_are_acknowledged_by_majority_and_journal(store: Store) -> None:
    assert store.database.write_concern.document == {"w": "majority", "j": True}
    assert store.database.read_concern.level == "majority"
