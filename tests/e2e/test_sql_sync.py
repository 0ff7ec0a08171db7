"""Customers are synced from real databases: PostgreSQL in a cluster of its own, and a file of SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.e2e.postgres import cluster
from tests.places import quick_folder
from textcrm.cli.main import build_app
from textcrm.errors import UnavailableError, UsageError
from textcrm.operations.customers.absent import FIELD
from textcrm.operations.customers.tables import BATCH, sync_customers
from textcrm.records import Customer
from textcrm.settings import Settings
from textcrm.sources.sql import SqlSource
from textcrm.store import Store

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with quick_folder() as folder, cluster(folder) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with an empty table of customers."""
    url: str = request.getfixturevalue("postgres") if request.param == "postgres" else f"sqlite:///{tmp_path / 'c.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as crm:
        crm.execute(sa.text("drop table if exists customer"))
    table(engine).metadata.create_all(engine)
    engine.dispose()
    return url


def table(_: sa.Engine) -> sa.Table:
    return sa.Table(
        "customer",
        sa.MetaData(),
        sa.Column("id", sa.Integer),
        sa.Column("full_name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("born", sa.Date),
        sa.Column("spent", sa.Numeric(12, 2)),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
    )


def put(address: str, *rows: tuple[int, str, int]) -> None:
    """Insert customers: id, name, minutes after the beginning."""
    engine = sa.create_engine(address)
    made = table(engine)
    with engine.begin() as crm:
        crm.execute(
            made.insert(),
            [
                {
                    "id": i,
                    "full_name": name,
                    "email": f"C{i}@x.example",
                    "phone": "030 901820",
                    "country": "Germany",
                    "born": BEGIN.date(),
                    "spent": 12.5,
                    "updated_at": BEGIN + timedelta(minutes=minutes),
                }
                for i, name, minutes in rows
            ],
        )
    engine.dispose()


def test_a_table_is_synced_by_what_changed(store: Store, address: str) -> None:
    source = SqlSource(address, table="customer", updated_at="updated_at")
    put(address, *((i, f"Ann {i}", i) for i in range(1, 6)))
    first = sync_customers(store, source)
    assert (first.created, first.quarantined) == (5, 0)
    assert first.mapping["name"] == "full_name"
    ann = store.customers.get("1")
    assert (ann.name, ann.emails, ann.phones) == ("Ann 1", ("c1@x.example",), ("+4930901820",))
    fields = dict(ann.fields)
    assert (fields["country"], fields["born"], float(fields["spent"])) == ("DE", "2026-01-01", 12.5)
    engine = sa.create_engine(address)
    with engine.begin() as crm:
        made = table(engine)
        later = BEGIN + timedelta(days=1)
        crm.execute(made.update().where(made.c.id == 2).values(full_name="Bea", updated_at=later))
    engine.dispose()
    put(address, (6, "Cem", 2000))
    second = sync_customers(store, source)
    assert (second.created, second.changed, second.unchanged) == (1, 1, 1)  # the newest of the last time comes again
    assert store.customers.get("2").name == "Bea"
    third = sync_customers(store, source)
    assert (third.created, third.changed, third.unchanged) == (0, 0, 1)


def test_a_sync_that_was_cut_short_goes_on_where_it_was(store: Store, address: str) -> None:
    count = 2 * BATCH + 500
    put(address, *((i, f"Ann {i}", i) for i in range(count)))
    source = SqlSource(address, table="customer", updated_at="updated_at")

    class StoppedError(Exception):
        pass

    def stop(_: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        sync_customers(store, source, progress=stop)
    assert store.customers.count() == BATCH
    seen: list[int] = []
    report = sync_customers(store, source, progress=seen.append)
    assert (report.created, report.changed, report.unchanged) == (count - BATCH, 0, 1)
    assert sum(seen) == count - BATCH + 1  # what had been read is not read again, but for the last
    assert store.customers.count() == count


def test_rows_with_one_id_are_told_wherever_they_stand(store: Store, address: str) -> None:
    between = [(i, f"Carl {i}", 10) for i in range(10, 10 + BATCH)]
    put(address, (1, "Ann", 1), (2, "Ben", 2), (2, "Bea", 3), *between, (1, "Anna", 20))
    report = sync_customers(store, SqlSource(address, table="customer", updated_at="updated_at"))
    assert (report.quarantined, store.customers.get("1").name, store.customers.get("2").name) == (2, "Anna", "Bea")
    kept = [store.raws.get(item.raw_sha256) for item in store.quarantine.list()]
    assert {item.reason for item in store.quarantine.list()} == {"same_id"}
    assert any(b'"Ann"' in raw for raw in kept)
    assert any(b'"Ben"' in raw for raw in kept)


def run(address: str, *statements: str) -> None:
    engine = sa.create_engine(address)
    with engine.begin() as crm:
        for statement in statements:
            crm.execute(sa.text(statement))
    engine.dispose()


def since(store: Store, customer_id: str) -> str | None:
    return dict(store.customers.get(customer_id).fields).get(FIELD)


def test_customers_that_the_source_no_longer_has_are_marked(store: Store, address: str) -> None:
    source = SqlSource(address, table="customer", updated_at="updated_at")
    put(address, *((i, f"Ann {i}", i) for i in range(1, 6)))
    store.customers.upsert([Customer(id="K-9", name="of another source")])
    assert sync_customers(store, source).missing is None
    run(address, "delete from customer where id in (2, 3)")
    assert sync_customers(store, source).missing is None  # kept, and not looked at
    assert since(store, "2") is None
    report = sync_customers(store, source, missing="mark")
    assert (report.missing, report.unchanged) == (2, 3)
    today = f"{store.now():%Y-%m-%d}"
    assert [since(store, i) for i in ("1", "2", "3", "K-9")] == [None, today, today, None]
    assert store.customers.get("2").emails == ("c2@x.example",)
    assert sync_customers(store, source, missing="mark").missing == 2
    assert dict(store.customers.get("2").fields)[FIELD] == today
    put(address, (2, "Ann 2", 2))  # back, with the old time of its last change
    report = sync_customers(store, source, missing="mark")
    assert (report.missing, report.changed, since(store, "2")) == (1, 1, None)


def test_a_source_without_rows_marks_nobody(store: Store, address: str) -> None:
    put(address, (1, "Ann", 1))
    source = SqlSource(address, table="customer")
    sync_customers(store, source)
    run(address, "delete from customer")
    assert sync_customers(store, source, missing="mark").missing is None
    assert since(store, "1") is None


def test_a_sync_that_was_cut_short_marks_nobody_that_it_did_not_come_to(store: Store, address: str) -> None:
    put(address, *((i, f"Ann {i}", i) for i in range(BATCH + 10)))
    source = SqlSource(address, table="customer", updated_at="updated_at")
    sync_customers(store, source)

    class StoppedError(Exception):
        pass

    def stop(_: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        sync_customers(store, source, missing="mark", progress=stop)
    assert since(store, str(BATCH + 5)) is None
    assert sync_customers(store, source, missing="mark").missing == 0


def test_columns_that_came_and_went_are_told(store: Store, address: str) -> None:
    put(address, (1, "Ann", 1))
    source = SqlSource(address, table="customer", updated_at="updated_at")
    first = sync_customers(store, source)
    assert (first.appeared, first.vanished) == ([], [])
    run(address, "alter table customer drop column country", "alter table customer add column company text")
    second = sync_customers(store, source)
    assert (second.appeared, second.vanished) == (["company"], ["country"])
    third = sync_customers(store, source)
    assert (third.appeared, third.vanished) == ([], [])
    kept = store.imports.list(limit=2)[1]
    assert (kept["appeared"], kept["vanished"]) == (["company"], ["country"])


def test_the_terminal_tells_what_is_missing(store: Store, settings: Settings, address: str) -> None:
    assert settings.mongodb_uri is not None
    own = {
        "TEXTCRM_HOME": str(settings.home),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }
    runner = CliRunner(env=own)
    put(address, (1, "Ann", 1), (2, "Ben", 2))
    command = ["customers", "sync", address, "--table", "customer", "--missing"]
    assert runner.invoke(build_app(), [*command, "mark"]).exit_code == 0
    run(address, "delete from customer where id = 2", "alter table customer drop column phone")
    done = runner.invoke(build_app(), [*command, "mark", "--json"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["missing"], told["vanished"], told["appeared"]) == (1, ["phone"], [])
    assert since(store, "2") is not None
    assert "'phone'" in done.stderr and "1 customers are no longer in the source" in done.stderr
    with pytest.raises(UsageError):
        runner.invoke(build_app(), [*command, "delete"], catch_exceptions=False)


def test_a_query_is_read_whole(store: Store, address: str) -> None:
    put(address, (1, "Ann", 1), (2, "Ben", 2))
    source = SqlSource(address, query="select id, full_name, email from customer where id > 1")
    assert sync_customers(store, source).created == 1
    assert sync_customers(store, source).unchanged == 1
    with pytest.raises(UsageError):
        sync_customers(store, SqlSource(address, query="select nothing from nowhere where"))


def test_a_password_that_is_wrong_is_told_without_it(store: Store, postgres: str) -> None:
    with pytest.raises(UnavailableError) as told:
        sync_customers(store, SqlSource(postgres.replace("secret", "wr0ng"), table="customer"))
    assert "wr0ng" not in str(told.value)
