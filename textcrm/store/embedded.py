"""The embedded database: a real ``mongod`` as a child process, a replica set of one on the loopback address.

Every process that uses it holds a shared lock on one file; whoever leaves last stops the server. A process that was
killed holds no lock any more, so nothing is left to clean up: the next one joins the server that still runs, or starts
it again on the same files, where the journal brings back all that was acknowledged. Where no next one comes, a small
process beside the server (`textcrm.store.warden`) stops it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from textcrm.errors import DependencyError, UnavailableError
from textcrm.store.mongod import find_mongod, is_fixed, version
from textcrm.store.private import write_private

log = logging.getLogger(__name__)

REPLICA_SET = "textcrm"
USER = "textcrm"
START_SECONDS = 90.0
KEEP_SECONDS, KEEP_FAILED_SECONDS = 0.5, 3.0
AUTHENTICATION_FAILED, NOT_YET_INITIALIZED = 18, 94


@dataclass(frozen=True)
class Running:
    """A server that runs: its process id and port."""

    pid: int
    port: int


class EmbeddedServer:
    """Joins or starts the server of the data folder *home*.

    Parameters
    ----------
    home
        ``TEXTCRM_HOME``; data lies in ``mongodb/``, secrets in ``secrets/``.
    binary
        A ``mongod`` to prefer; None: look for one.
    options
        Further server options (tests turn on fail points with them).
    """

    def __init__(self, home: Path, *, binary: Path | None = None, options: tuple[str, ...] = ()) -> None:
        self._home = home
        self._data = home / "mongodb"
        self._state = self._data / "server.json"
        self._secrets = home / "secrets"
        self._binary = binary
        self._options = options
        self._users: IO[str] | None = None
        self._closing = threading.Event()
        self._keeper = threading.Thread()

    def open(self) -> str:
        """Return the URI of the running server; start it where it does not run.

        Raises
        ------
        DependencyError
            The server cannot run on this machine.
        UnavailableError
            It does not answer in time.
        """
        try:
            for folder in (self._home, self._data / "data", self._secrets):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DependencyError(
                f"{self._home} cannot be written", hint="Set TEXTCRM_HOME to a folder of your own."
            ) from error
        with self._exclusive():
            self._users = (self._data / "users.lock").open("w")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                running = self._running() or self._start()
                self._await_primary(running)
            except BaseException:
                self._users.close()
                self._users = None
                raise
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, args=(self._closing,), name="textcrm-mongod", daemon=True)
        self._keeper.start()
        return self._uri(running.port)

    def close(self) -> None:
        """Leave; the last one to leave stops the server cleanly."""
        if self._users is None:
            return
        self._closing.set()
        self._keeper.join()
        with self._exclusive():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._stop()
            finally:
                self._users.close()
                self._users = None

    def running(self) -> Running | None:
        """Return the server that runs on this folder, if one does."""
        return self._running()

    def _keep(self, closing: threading.Event) -> None:
        """Start the server again when it was killed; it takes up its port, and clients find it by themselves."""
        pause = KEEP_SECONDS
        while not closing.wait(pause):
            pause = KEEP_SECONDS
            if self._running() is not None:
                continue
            with self._exclusive():
                if closing.is_set() or self._running() is not None:
                    continue
                log.error("the embedded MongoDB has ended; it is started again")
                try:
                    self._await_primary(self._start())
                except (DependencyError, UnavailableError, OSError, PyMongoError) as error:
                    log.error("the embedded MongoDB does not start: %s", error)
                    pause = KEEP_FAILED_SECONDS

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Let one process at a time start, join or stop."""
        with (self._data / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _running(self) -> Running | None:
        try:
            state = json.loads(self._state.read_text())
            running = Running(int(state["pid"]), int(state["port"]))
            command = Path(f"/proc/{running.pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, KeyError):
            return None
        return running if os.fsencode(self._data / "data") in command else None

    def _start(self) -> Running:
        binary = find_mongod(self._binary)
        port = self._port()
        command = [
            str(binary),
            *("--dbpath", str(self._data / "data")),
            *("--logpath", str(self._data / "mongod.log"), "--logappend", "--logRotate", "reopen"),
            *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
            *("--replSet", REPLICA_SET, "--keyFile", str(self._key_file()), "--oplogSize", "512"),
            *("--wiredTigerCacheSizeGB", "0.5"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            "--noscripting",
            *self._options,
        ]
        if not is_fixed(version(binary)):
            # CVE-2025-14847 lies in the zlib message compressor: without compressors it cannot be reached
            command += ["--networkMessageCompressors", "disabled"]
        pid = _spawn(command)
        try:
            write_private(self._state, json.dumps({"pid": pid, "port": port}))
        except OSError:  # the disk is full: nobody would know of the server
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._await_answer(pid, port)
        self._watch(pid)
        return Running(pid, port)

    def _watch(self, pid: int) -> None:
        """Have the server ended when all its users were killed."""
        script = Path(__file__).with_name("warden.py")
        os.waitpid(_spawn([sys.executable, "-I", "-S", str(script), str(self._data), str(pid)]), 0)

    def _port(self) -> int:
        """Return the port of last time where it is free, else a free one."""
        with suppress(OSError, ValueError, KeyError):
            last = int(json.loads(self._state.read_text())["port"])
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", last))
                return last
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def _await_answer(self, pid: int, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if _ended(pid):
                raise DependencyError(
                    "The embedded MongoDB ended at its start",
                    hint=f"Its log says why: {self._data / 'mongod.log'}. Often the disk is full or not writable.",
                )
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.02)
        raise UnavailableError(
            "The embedded MongoDB does not answer", hint=f"Look at its log: {self._data / 'mongod.log'}."
        )

    def _await_primary(self, running: Running) -> None:
        """Wait until the server takes writes; make the replica set and the user at the first start."""
        deadline = time.monotonic() + START_SECONDS
        with _direct(running.port, self._password()) as client:
            while time.monotonic() < deadline:
                try:
                    hello = client.admin.command("hello")
                    if hello.get("isWritablePrimary"):
                        return
                    self._set_up(client, running.port, hello)
                except OperationFailure as error:
                    if error.code == AUTHENTICATION_FAILED:  # the user does not exist yet
                        with _direct(running.port, None) as first:
                            self._first_start(first, running.port)
                    elif error.code != NOT_YET_INITIALIZED:  # it has not read its configuration yet
                        raise
                except PyMongoError:
                    if self._running() is None:
                        break
                time.sleep(0.05)
        raise UnavailableError(
            "The embedded MongoDB did not become ready", hint=f"Look at its log: {self._data / 'mongod.log'}."
        )

    def _first_start(self, client: MongoClient[dict[str, Any]], port: int) -> None:
        """Initiate the replica set and make the one user, through the server's localhost exception."""
        with suppress(OperationFailure):  # initiated already, by a start that was cut short
            client.admin.command("replSetInitiate", _replica_set(port, 1))
        deadline = time.monotonic() + START_SECONDS
        while not client.admin.command("hello").get("isWritablePrimary"):
            if time.monotonic() > deadline:
                raise UnavailableError("The embedded MongoDB elected no primary", hint="Start again.")
            time.sleep(0.02)
        client.admin.command(
            "createUser",
            USER,
            pwd=self._password(),
            roles=["root"],
            writeConcern={"w": "majority", "j": True},
        )

    def _set_up(self, client: MongoClient[dict[str, Any]], port: int, hello: dict[str, Any]) -> None:
        """Move the replica set to another port where the last one was taken."""
        if hello.get("me") == f"127.0.0.1:{port}" or hello.get("secondary"):
            return
        current = client.admin.command("replSetGetConfig")["config"]
        if current["members"][0]["host"] != f"127.0.0.1:{port}":
            client.admin.command("replSetReconfig", _replica_set(port, int(current["version"]) + 1), force=True)

    def _stop(self) -> None:
        running = self._running()
        if running is None:
            return
        with _direct(running.port, self._password()) as client, suppress(PyMongoError):
            client.admin.command("shutdown", force=True, timeoutSecs=5)
        deadline = time.monotonic() + 30
        while not _ended(running.pid) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _password(self) -> str:
        return _private_text(self._secrets / "mongodb.password", lambda: secrets.token_urlsafe(32))

    def _key_file(self) -> Path:
        path = self._secrets / "mongodb.key"
        _private_text(path, lambda: secrets.token_urlsafe(96).replace("-", "A").replace("_", "B"))
        return path

    def _uri(self, port: int) -> str:
        return f"mongodb://{USER}:{self._password()}@127.0.0.1:{port}/?replicaSet={REPLICA_SET}&authSource=admin"


def _replica_set(port: int, number: int) -> dict[str, Any]:
    return {"_id": REPLICA_SET, "version": number, "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}


def _spawn(command: list[str]) -> int:
    """Start a process in a session of its own, so that a Ctrl-C meant for us does not reach it; return its id."""
    nothing = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, os.environ, file_actions=nothing, setsid=True)


def _ended(pid: int) -> bool:
    """Tell whether a process has ended with all its threads, its sockets closed; collect it where it is our child."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        process = Path(f"/proc/{pid}")  # another process started it
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list((process / "task").iterdir())) == 1
    except OSError:
        return True


@contextmanager
def _direct(port: int, password: str | None) -> Iterator[MongoClient[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        serverSelectionTimeoutMS=5000,
        username=USER if password else None,
        password=password,
        authSource="admin",
    )
    try:
        yield client
    finally:
        client.close()


def _private_text(path: Path, make: Callable[[], str]) -> str:
    """Return the text of the secret file *path*; make it at the first time, readable by its owner alone."""
    if not path.exists():
        write_private(path, make())
    return path.read_text().strip()
