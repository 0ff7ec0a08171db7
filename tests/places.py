"""Where tests keep what is gone when they end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY_DISK = Path("/dev/shm")  # noqa: S108 (each folder below it is made for one run alone)
ROOM = 4_000_000_000


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Yield a folder in memory where there is room, else on the disk: what is written there is waited for less.

    A process that is killed loses no more of it than of a disk.
    """
    roomy = MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > ROOM
    with tempfile.TemporaryDirectory(prefix="textcrm-test-", dir=MEMORY_DISK if roomy else None) as folder:
        yield Path(folder)
