"""An import of a file is killed in its middle and run again: it goes on where it was, and nothing comes twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from textcrm.operations.customers.events import import_events
from textcrm.operations.customers.resume import MOST_AGE
from textcrm.operations.customers.tables import BATCH, import_customers
from textcrm.settings import Settings
from textcrm.store import Store

ROWS = 3 * BATCH + 500
# it ends itself, without any clearing up, when so many batches are stored
KILLED = """
import os, signal, sys
from pathlib import Path
from textcrm.operations.customers.events import import_events
from textcrm.operations.customers.tables import import_customers
from textcrm.settings import read_settings
from textcrm.store import open_store

run = {"customers": import_customers, "events": import_events}[sys.argv[1]]
left = int(sys.argv[3])

def step(_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

with open_store(read_settings()) as store:
    run(store, Path(sys.argv[2]), progress=step)
"""


@pytest.fixture
def killed(settings: Settings) -> Callable[[str, Path, int], None]:
    """Import a file in a process that is killed after some batches."""
    assert settings.mongodb_uri is not None
    own = {
        "TEXTCRM_HOME": str(settings.home),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }

    def run(kind: str, path: Path, batches: int) -> None:
        command = [sys.executable, "-c", KILLED, kind, str(path), str(batches)]
        done = subprocess.run(command, env={**os.environ, **own}, check=False, capture_output=True)
        assert done.returncode == -signal.SIGKILL, done.stderr

    return run


def customers(folder: Path, *, name: str = "Ann") -> Path:
    """Write a table; one id comes in the first batch and in the last, one row names nobody."""
    path = folder / "c.csv"
    rows = [f"K-{i},{name} {i},a{i}@x.example" for i in range(ROWS - 2)]
    path.write_text("\n".join(["id,name,email", ",,", *rows, "K-5,Bea,bea@x.example"]) + "\n", encoding="utf-8")
    return path


def test_customers_go_on_where_they_were(
    store: Store, tmp_path: Path, killed: Callable[[str, Path, int], None]
) -> None:
    path = customers(tmp_path)
    killed("customers", path, 2)
    assert store.customers.count() == 2 * BATCH - 2
    seen: list[int] = []
    report = import_customers(store, path, progress=seen.append)
    assert (report.resumed, sum(seen)) == (2 * BATCH, ROWS - 2 * BATCH)
    assert (report.created, report.changed, report.unchanged) == (ROWS - 2 * BATCH, 0, 0)
    assert store.customers.count() == ROWS - 2
    assert store.customers.get("K-5").name == "Bea"
    assert sorted(item.reason for item in store.quarantine.list()) == ["no_text", "same_id"]
    # finished: the next time all of it is read
    again = import_customers(store, path)
    assert (again.resumed, again.unchanged, again.created) == (0, ROWS - 2, 0)


def test_a_batch_whose_mark_was_not_written_is_taken_again(
    store: Store, tmp_path: Path, killed: Callable[[str, Path, int], None]
) -> None:
    path = customers(tmp_path)
    killed("customers", path, 2)
    store.database["import_marks"].update_one({}, {"$set": {"rows": BATCH}})
    report = import_customers(store, path)
    assert (report.resumed, report.created, report.unchanged) == (BATCH, ROWS - 2 * BATCH, BATCH)
    assert store.customers.count() == ROWS - 2


def test_a_file_or_options_that_changed_are_read_from_the_top(
    store: Store, tmp_path: Path, killed: Callable[[str, Path, int], None]
) -> None:
    path = customers(tmp_path)
    killed("customers", path, 1)
    report = import_customers(store, customers(tmp_path, name="Anna"))
    assert (report.resumed, report.changed) == (0, BATCH - 2)
    killed("customers", path, 1)
    assert import_customers(store, path, region="DE").resumed == 0


def test_another_import_or_a_day_in_between_ends_a_mark(
    store: Store, tmp_path: Path, killed: Callable[[str, Path, int], None]
) -> None:
    path, other = customers(tmp_path), tmp_path / "other.csv"
    other.write_text("id,name\nK-1,Cem\n", encoding="utf-8")
    killed("customers", path, 1)
    import_customers(store, other)
    assert import_customers(store, path).resumed == 0
    assert store.customers.get("K-1").name == "Ann 1"
    killed("customers", path, 1)
    store.database["import_marks"].update_one({}, {"$set": {"at": store.now() - MOST_AGE - timedelta(minutes=1)}})
    assert import_customers(store, path).resumed == 0


def test_lines_of_an_order_are_counted_over_what_was_stored(
    store: Store, tmp_path: Path, killed: Callable[[str, Path, int], None]
) -> None:
    path = tmp_path / "orders.csv"
    lines = [f"A-{i // 3},K-{i // 3},2026-08-01,5,EUR" for i in range(ROWS)]  # an order of three lines that look alike
    path.write_text("\n".join(["Order ID,Customer ID,Order date,Total,Currency", *lines]) + "\n", encoding="utf-8")
    killed("events", path, 1)
    assert store.events.count() == BATCH
    assert BATCH % 3  # an order lies on both sides of where it was cut
    report = import_events(store, path)
    assert (report.resumed, report.created, report.unchanged) == (BATCH, ROWS - BATCH, 0)
    assert store.events.count() == ROWS
    assert import_events(store, path).unchanged == ROWS
