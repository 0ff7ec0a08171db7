"""The application on a fresh database: in process, and behind a real port."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.serving import served
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.client import connect
from textcrm_api import create_app

if TYPE_CHECKING:
    from textcrm.engine import Engine

Headers = dict[str, str]


@dataclass(frozen=True)
class Live:
    """A served application: its address and a key with all scopes."""

    url: str
    key: str

    @property
    def headers(self) -> Headers:
        """The headers that carry the key."""
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture
def app(settings: Settings, store: Store, engine: Engine) -> FastAPI:
    return create_app(settings, store=store, engine=engine)


@pytest.fixture
def key(store: Store) -> Callable[..., str]:
    """Makes keys: ``key("read")``."""

    def make(*scopes: str, **options: Any) -> str:
        return store.keys.create("-".join(scopes) + f" {time.monotonic_ns()}", scopes=scopes, **options)[0]

    return make


@pytest.fixture
def client(app: FastAPI, key: Callable[..., str]) -> Iterator[TestClient]:
    """A client whose key has all scopes."""
    headers = {"Authorization": f"Bearer {key('admin')}"}
    with TestClient(app, raise_server_exceptions=False, headers=headers) as opened:
        yield opened


@pytest.fixture(scope="session")
def reader(home: Path, server: str, engine: Engine) -> Iterator[TestClient]:
    """A client of one application that all tests share which change nothing."""
    settings = Settings(home=home, mongodb_uri=server, database="test_reader")
    with connect(server) as connection:
        store = Store(connection, settings.database)
        store.prepare()
        headers = {"Authorization": f"Bearer {store.keys.create('reader', scopes=('admin',))[0]}"}
        app = create_app(settings, store=store, engine=engine)
        with TestClient(app, raise_server_exceptions=False, headers=headers) as opened:
            yield opened
        connection.drop_database(settings.database)


@pytest.fixture
def live(app: FastAPI, key: Callable[..., str]) -> Iterator[Live]:
    """The application behind a real port."""
    with served(app) as url:
        yield Live(url, key("admin"))


@pytest.fixture
def web(live: Live) -> Iterator[httpx.Client]:
    """A client of the served application."""
    with httpx.Client(base_url=live.url, headers=live.headers, timeout=60) as opened:
        yield opened
