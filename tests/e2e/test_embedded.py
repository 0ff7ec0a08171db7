"""The embedded server: joined, stopped, killed, moved, refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from textcrm.errors import DependencyError, SettingsError, UnavailableError
from textcrm.settings import Settings
from textcrm.store import mongod, open_store
from textcrm.store.embedded import EmbeddedServer
from textcrm.store.warden import GRACE_SECONDS

WRITER = """
import sys
from pathlib import Path
from textcrm.settings import Settings
from textcrm.store import open_store
from tests.factories import message
with open_store(Settings(home=Path(sys.argv[1]))) as store:
    n = 0
    while True:
        batch = [message(f"message {n} {k}") for k in range(20)]
        store.messages.add(batch)
        print("\\n".join(m.id for m in batch), flush=True)
        n += 1
"""


def hang_up(listener: socket.socket) -> None:
    """Be a server of another kind: take connections and end them."""
    with contextlib.suppress(OSError):
        while True:
            listener.accept()[0].close()


def gone(server: EmbeddedServer) -> bool:
    deadline = time.monotonic() + 10
    while server.running() is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return server.running() is None


def using(folder: Path) -> list[str]:
    """Return the processes, by number, that were started on a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found += [process.name] if os.fsencode(folder) in (process / "cmdline").read_bytes() else []
    return found


def test_the_last_one_to_leave_stops_the_server(place: Path) -> None:
    first, second = EmbeddedServer(place), EmbeddedServer(place)
    assert first.open() == second.open()
    first.close()
    assert second.running() is not None
    second.close()
    assert gone(second)


def test_it_listens_on_loopback_alone_asks_for_a_password_and_runs_no_scripts(place: Path) -> None:
    server = EmbeddedServer(place)
    uri = server.open()
    try:
        running = server.running()
        assert running is not None
        command = Path(f"/proc/{running.pid}/cmdline").read_text().split("\0")
        assert command[command.index("--bind_ip") + 1] == "127.0.0.1"
        assert command[command.index("--networkMessageCompressors") + 1] == "disabled"
        assert "--noscripting" in command
        with (
            MongoClient[dict[str, object]]("127.0.0.1", running.port, directConnection=True) as stranger,
            pytest.raises(OperationFailure, match="requires authentication"),
        ):
            stranger["textcrm"]["messages"].find_one()
        with (
            MongoClient[dict[str, object]](uri) as client,
            pytest.raises(OperationFailure, match=r"(?i)javascript|scripting|where"),
        ):
            client["textcrm"]["messages"].insert_one({"a": 1})
            client["textcrm"]["messages"].find_one({"$where": "true"})
        for secret in (place / "secrets").iterdir():
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    finally:
        server.close()


def test_nothing_acknowledged_is_lost_when_writer_and_server_are_killed(place: Path) -> None:
    acknowledged: list[str] = []
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged += [writer.stdout.readline().strip() for _ in range(60)]
            running = EmbeddedServer(place).running()
            assert running is not None
            os.kill(running.pid, signal.SIGKILL)
            writer.kill()
            acknowledged += [line.strip() for line in writer.stdout if len(line.strip()) == 32]
    with open_store(Settings(home=place)) as store:
        found = store.messages.get_many(acknowledged)
    assert len(acknowledged) >= 180 and set(found) == set(acknowledged)


def test_a_killed_user_leaves_a_server_that_the_next_one_joins_and_stops(place: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    writer.stdout.readline()
    before = EmbeddedServer(place).running()
    writer.kill()
    writer.communicate()
    server = EmbeddedServer(place)
    server.open()
    assert server.running() == before
    server.close()
    assert gone(server)


def test_a_server_whose_users_were_all_killed_ends(place: Path) -> None:
    users = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for user in users:
        assert user.stdout is not None
        user.stdout.readline()
    users[0].kill()
    users[0].communicate()
    time.sleep(GRACE_SECONDS + 1)
    assert EmbeddedServer(place).running() is not None
    users[1].kill()
    users[1].communicate()
    time.sleep(GRACE_SECONDS)
    assert gone(EmbeddedServer(place))
    deadline = time.monotonic() + 10
    while (left := using(place)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


def test_it_moves_to_another_port_when_its_own_is_taken(place: Path) -> None:
    server = EmbeddedServer(place)
    server.open()
    server.close()
    port = json.loads((place / "mongodb" / "server.json").read_text())["port"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        threading.Thread(target=hang_up, args=(taken,), daemon=True).start()
        with open_store(Settings(home=place)) as store:
            assert store.messages.count() == 0
            running = server.running()
            assert running is not None and running.port != port


def test_a_machine_that_cannot_run_it_is_told_what_to_do(place: Path) -> None:
    broken = place / "mongod"
    broken.write_text("#!/bin/sh\nexit 132\n")
    broken.chmod(0o755)
    with pytest.raises(DependencyError, match="does not run here"):
        EmbeddedServer(place / "home", binary=broken).open()


def test_a_server_that_dies_at_its_start_names_its_log(place: Path) -> None:
    (place / "mongodb" / "data").mkdir(parents=True)
    (place / "mongodb" / "data" / "storage.bson").write_bytes(b"damaged")
    with pytest.raises(DependencyError, match=r"mongod\.log"):
        EmbeddedServer(place).open()


@pytest.mark.parametrize(
    ("release", "fixed"),
    [((6, 0, 26), False), ((6, 0, 27), True), ((7, 0, 27), False), ((7, 0, 28), True), ((8, 0, 16), False),
     ((8, 0, 17), True), ((8, 2, 2), False), ((9, 0, 0), True), ((5, 0, 99), False), (None, False)],
)  # fmt: skip
def test_releases_with_the_fix(release: tuple[int, int, int] | None, fixed: bool) -> None:
    assert mongod.is_fixed(release) is fixed


def test_a_database_that_does_not_answer(place: Path) -> None:
    uri = "mongodb://127.0.0.1:9/?replicaSet=x&serverSelectionTimeoutMS=300"
    with (
        pytest.raises(UnavailableError, match="does not answer"),
        open_store(Settings(home=place, mongodb_uri=uri)),
    ):
        pass


def test_an_address_that_is_none(place: Path) -> None:
    with (
        pytest.raises(SettingsError, match="cannot be read"),
        open_store(Settings(home=place, mongodb_uri="http://x")),
    ):
        pass
