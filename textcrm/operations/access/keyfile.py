"""Keys that lie in the home, readable by their owner alone, beside the database and never in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from textcrm.errors import SettingsError


def key_in(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the key in the file *path*; the first caller makes it.

    Raises
    ------
    SettingsError
        Others can read it.
    """
    if not path.exists():
        _keep(path, make())
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(f"Others can read {path}", hint=f"Run: chmod 600 {path}")
    return path.read_bytes().strip()


def _keep(path: Path, key: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(partial, path)  # whoever was first has made the key
    except FileExistsError:
        pass
    finally:
        partial.unlink()
