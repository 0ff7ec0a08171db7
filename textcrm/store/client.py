"""Open the store: the user's own MongoDB, or the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from pymongo import MongoClient
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from textcrm.errors import SettingsError, StoreError, UnavailableError
from textcrm.settings import Settings
from textcrm.store.alerts import Alerts
from textcrm.store.corrections import Corrections
from textcrm.store.customers import Customers
from textcrm.store.embedded import EmbeddedServer
from textcrm.store.events import Events
from textcrm.store.idempotency import IdempotencyStore
from textcrm.store.imports import Imports
from textcrm.store.indexes import ensure_indexes
from textcrm.store.insights import Insights
from textcrm.store.jobs import Jobs
from textcrm.store.keys import Keys
from textcrm.store.messages import Messages
from textcrm.store.outbox import Outbox
from textcrm.store.quarantine import Quarantine
from textcrm.store.raws import Raws
from textcrm.store.relinks import Relinks
from textcrm.store.sinks import Sinks
from textcrm.store.sources import Sources
from textcrm.store.space import Space
from textcrm.store.topics import Topics
from textcrm.store.vectors import Vectors
from textcrm.store.versions import upgrade
from textcrm.store.views import Views
from textcrm.store.workers import Workers

DISK_FLOOR_BYTES = 500_000_000
WAIT_SECONDS = 10.0  # for a server to be found; an election takes less
# The driver asks each server for a sign of life every HEARTBEAT and takes it for gone when there is none CONNECT later;
# then all that waits for it ends. A long command of a server that lives is cut off by SOCKET alone.
HEARTBEAT_MS, CONNECT_MS, SOCKET_MS = 5_000, 10_000, 60_000


class Store:
    """Everything that is kept in the database, one part a collection.

    Every write is acknowledged by a majority and in the journal; reads see only such writes.
    """

    def __init__(
        self, client: MongoClient[dict[str, Any]], database: str, *, disk_floor: int = DISK_FLOOR_BYTES
    ) -> None:
        self.client = client
        self.database = client.get_database(database)
        db = self.database
        self.space = Space(db, disk_floor)
        self.messages = Messages(db["messages"], self.now, check_space=self.space.check_intake)
        self.raws = Raws(db["raws"])
        self.customers = Customers(db["customers"], self.now)
        self.events = Events(db["events"], self.now)
        self.imports = Imports(db["imports"], self.now)
        self.relinks = Relinks(client, db)
        self.insights = Insights(client, db, self.now)
        self.quarantine = Quarantine(db["quarantine"], self.now)
        self.keys = Keys(db["keys"], self.now)
        self.sources = Sources(db, self.now)
        self.sinks = Sinks(db, self.now)
        self.outbox = Outbox(db["outbox"], db["messages"], self.now)
        self.jobs = Jobs(db, self.now)
        self.topics = Topics(client, db, self.now)
        self.alerts = Alerts(db, self.now)
        self.views = Views(db)
        self.vectors = Vectors(db, self.now)
        self.workers = Workers(db["workers"], self.now)
        self.corrections = Corrections(db["corrections"], self.now)
        self.idempotency = IdempotencyStore(db["idempotency"], self.now)

    def now(self) -> datetime:
        """Return the server's time: the one clock that orders work."""
        time: datetime = self.client.admin.command("hello")["localTime"]
        return time if time.tzinfo else time.replace(tzinfo=UTC)

    def prepare(self) -> None:
        """Upgrade the documents and make the indexes."""
        upgrade(self.database)
        ensure_indexes(self.database)

    def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises
        ------
        UnavailableError
            It gives none.
        """
        with translated():
            self.client.admin.command("ping")


@contextmanager
def open_store(settings: Settings, *, prepare: bool = True, wait_seconds: float = WAIT_SECONDS) -> Iterator[Store]:
    """Open the store for as long as the block lasts.

    Parameters
    ----------
    prepare
        Upgrade the documents and make the indexes.
    wait_seconds
        How long to wait for a server that is not there.

    Raises
    ------
    SettingsError
        ``TEXTCRM_MONGODB_URI`` cannot be read.
    UnavailableError
        The database does not answer.
    DependencyError
        The embedded database cannot run here.
    """
    server = None
    if settings.mongodb_uri is not None:
        uri = settings.mongodb_uri.get_secret_value()
    else:
        server = EmbeddedServer(settings.home, binary=settings.mongod)
        uri = server.open()
    try:
        with translated(), connect(uri, wait_seconds=wait_seconds) as client:
            store = Store(client, settings.database, disk_floor=settings.disk_floor_mb * 1_000_000)
            if prepare:
                _require_replica_set(client)
                store.prepare()
            yield store
    finally:
        if server is not None:
            server.close()


def connect(uri: str, *, wait_seconds: float = WAIT_SECONDS) -> MongoClient[dict[str, Any]]:
    """Return a client that acknowledges at majority and journal. Times that the URI names go before those given here.

    Raises
    ------
    SettingsError
        The URI cannot be read.
    """
    times: dict[str, Any] = {
        "serverSelectionTimeoutMS": int(wait_seconds * 1_000),
        "heartbeatFrequencyMS": HEARTBEAT_MS,
        "connectTimeoutMS": CONNECT_MS,
        "socketTimeoutMS": SOCKET_MS,
    }
    named = {name.lower() for name, _ in parse_qsl(uri.partition("?")[2])}
    try:
        return MongoClient(
            uri,
            tz_aware=True,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            appname="textcrm",
            **{name: value for name, value in times.items() if name.lower() not in named},
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise SettingsError(
            "TEXTCRM_MONGODB_URI cannot be read",
            hint="Its form is mongodb://user:password@host:27017/?replicaSet=name.",
        ) from error


def _require_replica_set(client: MongoClient[dict[str, Any]]) -> None:
    if "setName" not in client.admin.command("hello") and not client.is_mongos:
        raise SettingsError(
            "The MongoDB at TEXTCRM_MONGODB_URI is a single server without a replica set",
            hint="Transactions need one. Start mongod with --replSet rs0 and run rs.initiate(); one member is enough.",
        )


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the driver into ours."""
    try:
        yield
    except (ServerSelectionTimeoutError, ConnectionFailure) as error:
        raise UnavailableError(
            "The database does not answer",
            hint="Start it, or check TEXTCRM_MONGODB_URI. See: textcrm doctor.",
        ) from error
    except OperationFailure as error:
        if error.code in (13, 18):
            raise SettingsError(
                "The database refused the user or password in TEXTCRM_MONGODB_URI",
                hint="Check both, and authSource; the user needs readWrite on the database.",
            ) from error
        raise StoreError(f"The database refused a command (code {error.code})", hint="See: textcrm doctor.") from error
    except PyMongoError as error:
        raise StoreError(f"The database failed: {type(error).__name__}", hint="See: textcrm doctor.") from error
