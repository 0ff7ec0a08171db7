"""Ends the embedded server when everyone who used it was killed: ``python warden.py DATA_FOLDER PID``.

Whoever leaves in order stops the server, if they are the last. Who is killed cannot; the kernel drops their lock, and
this process, which waits for the last lock to go, stops the server after a while in which nobody else has joined. It
imports nothing of ours, so that it stays small: one runs beside each server.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 5.0  # a supervisor starts a killed worker again meanwhile
STOP_SECONDS = 60.0


def watch(data: Path, pid: int) -> None:
    """Return when the server *pid* on the folder *data* has ended; end it when nobody uses it.

    The order of the locks is the one of who opens and closes: ``start.lock``, then ``users.lock``.
    """
    with (data / "users.lock").open("w") as users, (data / "start.lock").open("w") as start:
        while _runs(data, pid):
            fcntl.flock(users, fcntl.LOCK_EX)  # waits until the last user is gone
            fcntl.flock(users, fcntl.LOCK_UN)
            time.sleep(GRACE_SECONDS)
            fcntl.flock(start, fcntl.LOCK_EX)
            with suppress(BlockingIOError):  # somebody has joined
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end(data, pid)
                return
            fcntl.flock(start, fcntl.LOCK_UN)


def _end(data: Path, pid: int) -> None:
    """Ask the server to shut down cleanly, and wait."""
    deadline = time.monotonic() + STOP_SECONDS
    if _runs(data, pid):
        os.kill(pid, signal.SIGTERM)
    while _runs(data, pid) and time.monotonic() < deadline:
        time.sleep(0.05)


def _runs(data: Path, pid: int) -> bool:
    """Tell whether *pid* is still the server of this folder, and no other process with its number."""
    try:
        return os.fsencode(data / "data") in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


if __name__ == "__main__":
    if os.fork():  # who started us waits for this process alone, and never has to collect the other
        os._exit(0)
    with suppress(FileNotFoundError):  # the folder was removed
        watch(Path(sys.argv[1]), int(sys.argv[2]))
