"""A real PostgreSQL for tests: its own cluster in a folder, on loopback, run by a user without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

UNPRIVILEGED = ("postgres", "nobody")


def binaries() -> Path | None:
    """Return the folder of Debian's newest PostgreSQL, or the one on PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).resolve().parent if named else None


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a cluster in *folder*, which all users can reach, and yield the address of its database for SQLAlchemy."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:  # the server refuses to run as root
        user = next(name for name in UNPRIVILEGED if _exists(name))
        shutil.chown(folder, user)
    data = folder / "data"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = {"capture_output": True, "cwd": folder, "timeout": 120}
    if os.getuid() == 0:
        run |= {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": [], "env": {"HOME": str(folder)}}
    (folder / "password").write_text("secret")
    if os.getuid() == 0:
        shutil.chown(folder / "password", user)
    init = [programs / "initdb", "-D", data, "-U", "crm", "-A", "scram-sha-256", "--pwfile", folder / "password"]
    subprocess.run([*init, "-E", "UTF8", "--no-sync"], check=True, **run)  # type: ignore[call-overload]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    # the server would keep a pipe open: its output goes to the log
    run |= {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*control, "-o", options, "start"], check=True, **run)  # type: ignore[call-overload]
    try:
        yield f"postgresql+psycopg://crm:secret@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **run)  # type: ignore[call-overload]


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
