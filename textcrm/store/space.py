"""Free space on the database's disk. A full disk ends the server; so messages are refused before."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pymongo.database import Database

from textcrm.errors import UnavailableError

FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class DiskSpace:
    """Bytes of the file system that the database lies on."""

    free: int
    total: int


class Space:
    """Watches the disk of the database, on whichever machine it is.

    Parameters
    ----------
    floor
        Bytes that must stay free for messages to be taken; half of it for the work on those that were.
    """

    def __init__(self, database: Database[dict[str, Any]], floor: int) -> None:
        self.floor = floor
        self._database = database
        self._known: DiskSpace | None = None
        self._at = -FRESH_SECONDS

    def read(self) -> DiskSpace | None:
        """Return the space, at most a second old; None where the server does not tell."""
        if time.monotonic() - self._at > FRESH_SECONDS:
            stats = self._database.command("dbStats")
            total, used = stats.get("fsTotalSize"), stats.get("fsUsedSize")
            # a database that holds nothing yet has no size, and tells none of its disk
            self._known = DiskSpace(int(total - used), int(total)) if total and used is not None else None
            self._at = time.monotonic()
        return self._known

    def check_intake(self) -> None:
        """Allow messages to be taken.

        Raises
        ------
        UnavailableError
            Less than the floor is free. It passes by itself when there is space again.
        """
        self._check(self.floor, "no messages are taken")

    def check_work(self) -> None:
        """Allow messages that were taken to be analysed.

        Raises
        ------
        UnavailableError
            Less than half of the floor is free.
        """
        self._check(self.floor // 2, "the work pauses")

    def _check(self, floor: int, consequence: str) -> None:
        space = self.read()
        if space is not None and space.free < floor:
            raise UnavailableError(
                f"The disk of the database is nearly full ({space.free // 1_000_000:,} MB free): {consequence}",
                hint=f"Free space; above {floor // 1_000_000:,} MB it goes on by itself (TEXTCRM_DISK_FLOOR_MB).",
            )
