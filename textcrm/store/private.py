"""Files that their owner alone may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str, *, durable: bool = True) -> None:
    """Write *text* whole or not at all, mode 0600; *durable*: it outlives a loss of power."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    partial.replace(path)
