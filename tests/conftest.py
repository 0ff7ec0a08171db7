"""What many tests share: a home, the real embedded server, a fresh database a test, the shipped models trained once."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.places import quick_folder
from textcrm.settings import Settings
from textcrm.store.client import Store, connect
from textcrm.store.embedded import EmbeddedServer

if TYPE_CHECKING:
    from textcrm.engine import Engine

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TEXTCRM_HOME of the tests; TEXTCRM_TEST_HOME names one to keep trained models between runs."""
    named = os.environ.get("TEXTCRM_TEST_HOME")
    if named:
        Path(named).mkdir(parents=True, exist_ok=True)
        return Path(named)
    return tmp_path_factory.mktemp("home")


# A database a test means thousands of files: without these the server keeps dropped ones open for minutes, and ends
# when it may open no more.
FORGETFUL = ("minSnapshotHistoryWindowInSeconds=5", "wiredTigerFileHandleCloseIdleTime=10", "syncdelay=10")

# To drop a database waits for the journal, which is written every 100 ms: with a test each, a minute in all.
PROMPT = "--journalCommitInterval=2"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URI of a real mongod that all tests share; its files lie in memory where there is room."""
    parameters = ("enableTestCommands=1", *FORGETFUL)
    with quick_folder() as folder:
        embedded = EmbeddedServer(folder, options=(PROMPT, *(f"--setParameter={p}" for p in parameters)))
        yield embedded.open()
        embedded.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder for a server of the test's own: in memory, but on the disk in the long form of the chaos tests."""
    long = os.environ.get("TEXTCRM_CHAOS") == "long"
    with nullcontext(tmp_path) if long else quick_folder() as folder:
        yield folder


@pytest.fixture
def settings(home: Path, server: str) -> Settings:
    """Settings whose database is fresh."""
    return Settings(home=home, mongodb_uri=server, database=f"test_{uuid.uuid4().hex[:12]}")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A store on a fresh database."""
    assert settings.mongodb_uri is not None
    with connect(settings.mongodb_uri.get_secret_value()) as client:
        opened = Store(client, settings.database)
        opened.prepare()
        yield opened
        client.drop_database(settings.database)


@pytest.fixture(scope="session")
def models(home: Path) -> Path:
    """The home, with the shipped models trained and active in it."""
    from textcrm.operations.demo import prepare_models

    prepare_models(Settings(home=home), steps=quiet)
    return home


@pytest.fixture(scope="session")
def engine(models: Path) -> Engine:
    """The engine with the shipped pipelines and models."""
    from textcrm.engine import Engine

    return Engine.open(Settings(home=models))


@contextmanager
def quiet(_label: str, _total: int | None = None) -> Iterator[QuietStep]:
    """Progress for operations that nobody watches."""
    yield QuietStep()


class QuietStep:
    """Takes progress and shows none."""

    def __call__(self, advance: int = 1) -> None:
        """Do nothing."""
