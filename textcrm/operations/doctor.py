"""What is wrong with a set-up, and what to do about it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from textcrm.catalog import Catalog
from textcrm.errors import NotFoundError, TextcrmError, UnavailableError
from textcrm.operations.work.stream import NOT_READY_SECONDS, STALE_SECONDS, lag
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.store import Store, open_store
from textcrm.store.client import translated
from textcrm.store.indexes import index_problems, repair_indexes
from textcrm.store.mongod import is_fixed
from textcrm.store.versions import CURRENT

Clock = Callable[[], datetime]
CLOCK_SECONDS = 5.0
CANARY_SECONDS = 10.0
WAITS_SECONDS = 30.0
ANSWER_SECONDS = 3.0  # somebody waits for what the doctor says: a server that is there answers sooner


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``todo`` says what to do where it is not well."""

    about: str
    status: Literal["ok", "warning", "error"]
    what: str
    todo: str = ""


def examine(settings: Settings, *, fix: bool = False, clock: Clock = lambda: datetime.now(UTC)) -> Iterator[Finding]:
    """Look at everything that the program needs, and yield what was found; one failing part hides no other.

    Parameters
    ----------
    fix
        Make indexes that are missing or have other keys.
    clock
        This machine's time.
    """
    yield _home(settings)
    yield _secrets(settings)
    yield from _models(settings)
    try:
        with open_store(settings, prepare=False, wait_seconds=ANSWER_SECONDS) as store, translated():
            for look in (_server, _indexes, _documents, _disk, _clock, _workers, _lag, _ways, _quarantine):
                yield from look(Patient(store, fix, clock))
    except UnavailableError as error:
        yield Finding("database", "error", error.what, _start(settings))
    except TextcrmError as error:
        yield Finding("database", "error", error.what, error.hint.replace("See: textcrm doctor.", "").strip())


def _start(settings: Settings) -> str:
    """Say how to get a database back that does not answer. No user or password is shown."""
    if settings.mongodb_uri is None:
        return f"It is started by itself; why it does not, its log tells: {settings.data_dir / 'mongod.log'}."
    hosts = settings.mongodb_uri.get_secret_value().partition("://")[2].rpartition("@")[2]
    hosts = hosts.partition("/")[0].partition("?")[0]
    return (
        f"TEXTCRM_MONGODB_URI names {hosts}: start the server there (systemctl start mongod), see that no firewall is "
        "between, or correct the address. Nothing that was acknowledged is lost; workers go on by themselves."
    )


@dataclass(frozen=True)
class Patient:
    """What the looks at the database are given."""

    store: Store
    fix: bool
    clock: Clock


def _home(settings: Settings) -> Finding:
    home = settings.home
    place = next(p for p in (home, *home.parents) if p.exists())
    if not place.is_dir() or not _writable(settings):
        return Finding("home", "error", f"{home} cannot be written", "Set TEXTCRM_HOME to a folder of your own.")
    free = shutil.disk_usage(place).free
    if free < settings.disk_floor_mb * 1_000_000:
        return Finding(
            "home",
            "error",
            f"The disk of {home} is nearly full: {free // 1_000_000:,} MB free",
            f"Free space, or set TEXTCRM_HOME to another disk. {settings.disk_floor_mb:,} MB are to stay free.",
        )
    return Finding("home", "ok", f"{home}, {free // 1_000_000_000:,} GB free")


def _writable(settings: Settings) -> bool:
    probe = settings.home / ".doctor"
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError:
        return False
    return True


def _secrets(settings: Settings) -> Finding:
    folder = settings.home / "secrets"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    loose = [p.name for p in files if p.is_file() and stat.S_IMODE(p.stat().st_mode) & 0o077]
    if loose:
        return Finding("secrets", "error", f"Others can read {', '.join(loose)}", f"Run: chmod 600 {folder}/*")
    return Finding("secrets", "ok", f"{len(files)} files, readable by their owner alone")


def _models(settings: Settings) -> Iterator[Finding]:
    catalog, registry = Catalog(settings.home), Registry(settings.registry_dir)
    try:
        pipelines = [catalog.pipeline(name) for name in catalog.pipelines()]
    except TextcrmError as error:
        yield Finding("pipelines", "error", error.what, error.hint)
        return
    names = sorted({name for spec in pipelines for name in spec.models.values()})
    good = []
    for name in names:
        try:
            registry.verify(name, registry.active_version(name))
        except NotFoundError as error:
            todo = f"Run: textcrm train {name} (or textcrm demo, which makes all that are missing)."
            yield Finding("models", "error", f"The model {name} is missing: {error.what}", todo)
        except TextcrmError as error:
            todo = f"Run: textcrm models rollback {name}, or: textcrm train {name}. {error.hint}"
            yield Finding("models", "error", error.what, todo)
        else:
            good.append(name)
    if good or not names:
        yield Finding("models", "ok", f"{len(good)} of {len(names)} are whole: {', '.join(good)}")


def _server(patient: Patient) -> Iterator[Finding]:
    client = patient.store.client
    version = str(client.server_info()["version"])
    if "setName" not in client.admin.command("hello") and not client.is_mongos:
        yield Finding(
            "database",
            "error",
            "The MongoDB is a single server without a replica set: no transactions, no change streams",
            "Start mongod with --replSet rs0 and run rs.initiate(); one member is enough.",
        )
        return
    numbers = [int(part) for part in version.split("-", maxsplit=1)[0].split(".")[:3]]
    host, _ = client.address or ("", 0)
    release = (numbers[0], numbers[1], numbers[2])
    if not is_fixed(release) and host not in ("127.0.0.1", "localhost", "::1"):
        yield Finding(
            "database",
            "warning",
            f"MongoDB {version} has CVE-2025-14847: strangers may read its memory through zlib compression",
            "Upgrade to 6.0.27, 7.0.28, 8.0.17 or later, or start it with --networkMessageCompressors disabled.",
        )
    else:
        yield Finding("database", "ok", f"MongoDB {version} answers; replica set, transactions")


def _indexes(patient: Patient) -> Iterator[Finding]:
    database = patient.store.database
    if not database.list_collection_names():
        yield Finding("indexes", "ok", "The database is new; they are made at the first use")
        return
    problems = index_problems(database)
    if problems and patient.fix:
        yield Finding("indexes", "ok", " ".join(repair_indexes(database)))
    elif problems:
        yield Finding("indexes", "error", " ".join(problems), "Run: textcrm doctor --fix. It makes them anew.")
    else:
        yield Finding("indexes", "ok", "All are there")


def _documents(patient: Patient) -> Iterator[Finding]:
    found = patient.store.database["meta"].find_one({"_id": "schema"})
    stands = int(found["version"]) if found else CURRENT
    if stands > CURRENT:
        yield Finding(
            "documents",
            "error",
            f"They were written by a newer textcrm (version {stands}; this one knows {CURRENT})",
            "Install that version of textcrm, or name another database with TEXTCRM_DATABASE.",
        )
    elif stands < CURRENT:
        yield Finding("documents", "warning", f"Version {stands} of {CURRENT}", "The next start upgrades them.")
    else:
        yield Finding("documents", "ok", f"Version {stands}")


def _disk(patient: Patient) -> Iterator[Finding]:
    space, floor = patient.store.space.read(), patient.store.space.floor
    if space is None and not patient.store.database.list_collection_names():
        yield Finding("disk", "ok", "The database is new; its disk is watched from the first use")
    elif space is None:
        yield Finding("disk", "warning", "The server does not tell how much space it has", "Watch its disk yourself.")
    elif space.free < floor:
        yield Finding(
            "disk",
            "error",
            f"The disk of the database is nearly full: {space.free // 1_000_000:,} MB free. No messages are taken",
            f"Free space. Above {floor // 1_000_000:,} MB (TEXTCRM_DISK_FLOOR_MB) it goes on by itself.",
        )
    elif space.free < 4 * floor or space.free < 0.05 * space.total:
        yield Finding(
            "disk",
            "warning",
            f"The disk of the database fills up: {space.free // 1_000_000:,} MB free",
            f"Free space. Below {floor // 1_000_000:,} MB no messages are taken.",
        )
    else:
        yield Finding("disk", "ok", f"{space.free // 1_000_000_000:,} GB free for the database")


def _clock(patient: Patient) -> Iterator[Finding]:
    before = patient.clock()
    server = patient.store.now()
    after = patient.clock()
    away = max(before - server, server - after, timedelta(0)).total_seconds()
    if away > CLOCK_SECONDS:
        yield Finding(
            "clock",
            "warning",
            f"The clocks of this machine and of the database differ by {away:,.0f} seconds",
            "Turn on time synchronisation on both: timedatectl set-ntp true. Work is ordered by the database's clock; "
            "what is shown as 'ago' here, keys that expire and TLS depend on this one.",
        )
    else:
        yield Finding("clock", "ok", "This machine's agrees with the database's")


def _workers(patient: Patient) -> Iterator[Finding]:
    store = patient.store
    now = store.now()
    workers = store.workers.list()
    fresh = []
    for worker in workers:
        silent = (now - worker.seen_at).total_seconds()
        if silent > STALE_SECONDS:
            yield Finding(
                "workers",
                "error",
                f"The worker {worker.owner} has said nothing for {silent:,.0f} seconds",
                "Look at its log and start it again: textcrm worker. What it held goes to the others by itself.",
            )
        elif worker.state in ("waiting", "open"):
            todo = "It goes on by itself when that has passed; see what failed: textcrm quarantine list."
            yield Finding("workers", "warning", f"The worker {worker.owner} pauses: {worker.why}", todo)
        elif worker.canary_sent and not (worker.canary_back and worker.canary_back >= worker.canary_sent):
            late = (now - worker.canary_sent).total_seconds()
            if late > CANARY_SECONDS:
                what = f"A test text that the worker {worker.owner} sent {late:,.0f} seconds ago is not back"
                yield Finding("workers", "warning", what, "It is overloaded or stuck: look at its log.")
        else:
            fresh.append(worker)
    if fresh:
        gaps = sum(worker.gaps for worker in fresh)
        told = f"; the change stream was opened again {gaps} times" if gaps else ""
        yield Finding("workers", "ok", f"{len(fresh)} at work, {sum(w.rate for w in fresh):.1f} messages/s{told}")
    elif not workers:
        behind = lag(store)
        if behind.seconds > WAITS_SECONDS:
            what = f"None runs, and {behind.waiting:,} messages wait"
            yield Finding("workers", "error", what, "Run: textcrm worker, or textcrm serve --with-worker.")
        else:
            yield Finding("workers", "ok", "None runs; nothing waits for one")


def _lag(patient: Patient) -> Iterator[Finding]:
    found = lag(patient.store)
    share = "" if found.share is None else f", {found.share:.0%} of what the oplog reaches back"
    what = f"{found.waiting:,} messages wait, the oldest for {found.seconds:,.0f} s{share}"
    if not found.waiting:
        what = f"Nothing new waits; {found.backfill:,} messages are to be analysed anew"
    if not found.ready:
        limit = f"The service counts as not ready above {NOT_READY_SECONDS:,.0f} s or half of the oplog."
        yield Finding("lag", "error", what, f"Start more workers, one a core: textcrm worker. {limit}")
    else:
        yield Finding("lag", "ok", what)


def _ways(patient: Patient) -> Iterator[Finding]:
    """Look at the ways in and out."""
    store = patient.store
    sources, sinks = store.sources.list(), store.sinks.list()
    for source in (s for s in sources if s.problem):
        yield Finding(
            "sources",
            "error",
            f"The source {source.name} cannot be read: {source.problem}",
            f"It is tried again by itself. To see more: textcrm sources sync {source.name}",
        )
    for sink in (s for s in sinks if s.problem):
        waiting = store.outbox.count(sink.name)
        what = f"The sink {sink.name} does not take results: {sink.problem}; {waiting:,} wait"
        yield Finding("sinks", "error", what, "They are sent again by themselves. Look at the system that takes them.")
    if not any([s.problem for s in sources] + [s.problem for s in sinks]):
        yield Finding("sources", "ok", f"{len(sources)} sources, {len(sinks)} sinks")


def _quarantine(patient: Patient) -> Iterator[Finding]:
    count = patient.store.quarantine.count()
    if count:
        what = f"{count:,} items could not be taken or analysed"
        yield Finding("quarantine", "warning", what, "Look: textcrm quarantine list. Again: textcrm quarantine replay.")
    else:
        yield Finding("quarantine", "ok", "It is empty")
