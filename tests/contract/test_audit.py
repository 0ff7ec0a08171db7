"""The audit log: in order, without gaps, cheap; and every way to change it is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo.errors import PyMongoError

from textcrm.operations.access.audit import audit_of
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.audit import AuditLog, Deed

COUNT = 12


@pytest.fixture
def log(store: Store, settings: Settings) -> AuditLog:
    made = audit_of(store, settings)
    for n in range(COUNT):
        made.append(Deed(f"key:{n % 3}", "write" if n % 2 else "read", "GET /v1/messages", (f"m{n}",), f"r{n}"))
    return made


def test_what_was_written_stands_and_holds(log: AuditLog, store: Store, settings: Settings) -> None:
    assert [entry.number for entry in log] == list(range(1, COUNT + 1))
    assert audit_of(store, settings).verify() == log.verify()
    assert (log.verify().entries, log.verify().problems) == (COUNT, ())
    assert [e.number for e in log.page(limit=3)] == [12, 11, 10]
    assert [e.number for e in log.page(before=10, who="key:0", kind="read")] == [7, 1]
    assert [e.deed.request for e in log.page(about="m4")] == ["r4"]


def swap(store: Store) -> None:
    c = store.database["audit"]
    one, two = c.find_one({"_id": 4}) or {}, c.find_one({"_id": 5}) or {}
    c.replace_one({"_id": 4}, {**two, "_id": 4})
    c.replace_one({"_id": 5}, {**one, "_id": 5})


def edit(**fields: Any) -> Callable[[Store], object]:
    return lambda store: store.database["audit"].update_one({"_id": 5}, {"$set": fields})


def cut(store: Store) -> None:
    store.database["audit"].delete_many({"_id": {"$gt": 9}})


def cut_with_an_older_head(store: Store) -> None:
    cut(store)
    last = store.database["audit"].find_one({"_id": 9}) or {}
    store.database["audit_head"].update_one({}, {"$set": {"number": 9, "mac": last["mac"]}})


CHANGES: list[tuple[str, Callable[[Store], object], str]] = [
    ("who", edit(who="key:9"), "Entry 5 was changed."),
    ("about", edit(about=["m9"]), "Entry 5 was changed."),
    ("an added field", edit(note="x"), "Entry 5 was changed."),
    ("the order of ids", edit(about=["m4", "m5"]), "Entry 5 was changed."),
    ("another mac", edit(mac="0" * 64), "Entry 5 was changed."),
    ("another past", edit(previous="0" * 64), "Entry 5 does not follow the one before it."),
    ("one deleted", lambda store: store.database["audit"].delete_one({"_id": 5}), "Before entry 6, 1 are missing."),
    ("the first deleted", lambda store: store.database["audit"].delete_one({"_id": 1}), "Before entry 2, 1"),
    ("two swapped", swap, "Entry 4"),
    ("the tail cut", cut, "The end was cut: the database knows 12 entries, 9 are there."),
    ("the tail cut, the head too", cut_with_an_older_head, "the file beside it knows 12 entries, 9 are there."),
    ("all gone", lambda store: store.database["audit"].drop(), "The end was cut"),
]


@pytest.mark.parametrize(("change", "found"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
@pytest.mark.usefixtures("log")
def test_every_change_is_found(store: Store, settings: Settings, change: Callable[[Store], object], found: str) -> None:
    change(store)
    problems = audit_of(store, settings).verify().problems
    assert any(found in problem for problem in problems), problems


@pytest.mark.usefixtures("log")
def test_a_log_that_was_cut_says_so_for_good(store: Store, settings: Settings) -> None:
    cut(store)
    after = audit_of(store, settings)
    for n in range(10):
        after.append(Deed("key:1", "write", f"later {n}"))
    assert any("alarm: the end was cut: 12 entries were known, 9 are there" in p for p in after.verify().problems)


def test_an_entry_written_without_the_key_is_found(log: AuditLog, store: Store, tmp_path: Path) -> None:
    other = AuditLog(store.database, store.now, key=b"guessed", anchor=tmp_path / "guessed.head")
    other.append(Deed("key:1", "write", "forged"))
    assert f"Entry {COUNT + 1} was changed." in log.verify().problems


def test_many_writers_leave_no_gap(store: Store, settings: Settings) -> None:
    logs = [audit_of(store, settings) for _ in range(4)]

    def write(n: int) -> None:
        logs[n % 4].append(*(Deed(f"key:{n}", "write", f"{n}.{part}") for part in range(1 + n % 3)))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(120)))
    found = list(logs[0])
    assert [entry.number for entry in found] == list(range(1, 241))
    assert len({entry.deed.action for entry in found}) == 240
    assert logs[0].verify().problems == ()


def test_writers_at_the_same_moment_share_a_write(store: Store, settings: Settings) -> None:
    log = audit_of(store, settings)
    log.append(Deed("key:1", "write", "first"))
    before = store.client.admin.command("serverStatus")["opcounters"]["insert"]
    times = store.client.admin.command("serverStatus")["metrics"]["commands"]["insert"]["total"]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda n: log.append(Deed("key:1", "write", str(n))), range(200)))
    status = store.client.admin.command("serverStatus")
    assert status["opcounters"]["insert"] - before >= 200
    assert status["metrics"]["commands"]["insert"]["total"] - times < 200


def test_who_shares_a_write_that_fails_hears_of_it(store: Store, settings: Settings) -> None:
    log = audit_of(store, settings)
    log.append(Deed("key:1", "write", "first"))
    failing = {"failCommands": ["insert"], "errorCode": 8000}
    store.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=failing)

    def write(n: int) -> bool:
        try:
            log.append(Deed("key:1", "write", str(n)))
        except PyMongoError:
            return True
        return False

    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(write, range(40)))
    finally:
        store.client.admin.command("configureFailPoint", "failCommand", mode="off")
    log.append(Deed("key:1", "write", "last"))
    assert [entry.deed.action for entry in log] == ["first", "last"]
    assert log.verify().problems == ()


def test_the_key_stays_outside_the_database(log: AuditLog, store: Store, settings: Settings) -> None:
    log.append(Deed("key:1", "write", "message:1"))
    key = (settings.home / "secrets" / "audit.key").read_text()
    assert len(key) == 64
    for name in store.database.list_collection_names():
        assert key not in json.dumps(list(store.database[name].find()), default=str)
    files = list((settings.home / "secrets").glob("audit*"))
    assert len(files) >= 2  # the key, and how far the log went
    assert not [file.name for file in files if file.stat().st_mode & 0o077]
