"""``textcrm customers quality --stored``: the stored customers are checked as a file would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from textcrm.cli.main import build_app
from textcrm.errors import UsageError
from textcrm.operations.customers.tables import import_customers
from textcrm.records import Customer
from textcrm.settings import Settings
from textcrm.store import Store

ROWS = (
    "id,name,email,birth_date,level",
    *(f"K-{i},Ann {i},a{i}@x.example,19{50 + i}-01-02,{'gold' if i % 2 else 'basic'}" for i in range(40)),
    "K-90,Bea,bea@x.example,2190-01-02,",  # born in the future
    "K-91,Cem,a1@x.example,1980-01-02,gold",  # the mail address of another one
)


@pytest.fixture
def terminal(settings: Settings) -> CliRunner:
    assert settings.mongodb_uri is not None
    return CliRunner(
        env={
            "TEXTCRM_HOME": str(settings.home),
            "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
            "TEXTCRM_DATABASE": settings.database,
        }
    )


def test_stored_customers_are_checked_like_their_file(store: Store, terminal: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    import_customers(store, path)
    store.customers.upsert([Customer(id="p-" + "0" * 20, name="Nobody", provisional=True)])
    app = build_app()
    done = terminal.invoke(app, ["customers", "quality", "--stored", "--json"])
    assert done.exit_code == 0, done.output
    stored = json.loads(done.stdout)
    of_file = json.loads(terminal.invoke(app, ["customers", "quality", str(path), "--json"]).stdout)
    assert stored["rows"] == of_file["rows"] == len(ROWS) - 1  # the provisional customer is left out
    for found in ("impossible", "duplicates"):
        assert [(f["rule"], f["rows"]) for f in stored[found]] == [(f["rule"], f["rows"]) for f in of_file[found]]
        assert stored[found]
    missing = {column["name"]: column["missing"] for column in stored["columns"]}
    assert (missing["level"], missing["name"]) == (1, 0)
    page = tmp_path / "q.html"
    shown = terminal.invoke(app, ["customers", "quality", "--stored", "--html", str(page)])
    assert shown.exit_code == 0
    assert "stored customers" in shown.stdout
    assert page.stat().st_size


def test_a_file_or_the_stored_ones_are_named(terminal: CliRunner, store: Store, tmp_path: Path) -> None:
    assert store.customers.count() == 0
    for arguments in ([], ["--stored", str(tmp_path / "c.csv")]):
        with pytest.raises(UsageError):
            terminal.invoke(build_app(), ["customers", "quality", *arguments], catch_exceptions=False)


def test_an_empty_store_is_no_failure(terminal: CliRunner, store: Store) -> None:
    assert store.customers.count() == 0
    done = terminal.invoke(build_app(), ["customers", "quality", "--stored", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] == 0
