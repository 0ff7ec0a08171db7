"""Models by name and version, on disk: put, activate, roll back, verify.

::

    registry/
    ├── models/<name>/<version>/     an artifact; the version is the hash of its manifest
    ├── models/<name>/state.json     which version is active, which were before, thresholds that people set
    └── encoders/<hash>/             encoders, once each; models refer to them by hash

A version is never changed after it was put. Activation replaces one small file atomically.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from textcrm import artifact
from textcrm.errors import ArtifactError, ConflictError, NotFoundError, UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_VERSION = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class ModelEntry:
    """One version of a model in the registry. ``body`` is the body of its manifest.

    ``threshold`` is the confidence, from 0 to 1, that a person set for this version; None: its own holds.
    """

    name: str
    version: str
    active: bool
    folder: Path
    body: dict[str, Any]
    threshold: float | None = None


class Registry:
    """The models under one folder.

    Parameters
    ----------
    folder
        Made when the first model is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, folder: Path, *, encoder: Path | None = None) -> str:
        """Copy the model in *folder*, and its *encoder*, and return its version. It is not yet active.

        Putting the same model twice changes nothing.

        Raises
        ------
        ArtifactError
            The folder is no sound artifact.
        """
        manifest = artifact.check(folder, kind="classifier")
        if encoder is not None:
            artifact.check(encoder, kind="encoder")
            wanted = manifest.body.get("encoder")
            if artifact.version_of(encoder) != wanted:
                raise ArtifactError("the model was trained with another encoder", hint="Put it with its own encoder.")
            _copy(encoder, self.folder / "encoders" / str(wanted))
        version = artifact.version_of(folder)
        _copy(folder, self.folder / "models" / manifest.name / version)
        return version

    def names(self) -> list[str]:
        """Return the names of the models, sorted."""
        return sorted(path.name for path in (self.folder / "models").glob("*") if _NAME.fullmatch(path.name))

    def versions(self, name: str) -> list[str]:
        """Return the versions of a model, oldest first."""
        home = self._home(name)
        found = [path for path in home.iterdir() if path.is_dir() and _VERSION.fullmatch(path.name)]
        return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def list(self) -> list[ModelEntry]:
        """Return every version of every model."""
        return [self.entry(name, version) for name in self.names() for version in self.versions(name)]

    def entry(self, name: str, version: str) -> ModelEntry:
        """Return one version.

        Raises
        ------
        NotFoundError
            There is no such model or version.
        """
        folder = self.path(name, version)
        body, state = artifact.read_manifest(folder).body, self._state(name)
        return ModelEntry(
            name, folder.name, state.active == folder.name, folder, body, state.thresholds.get(folder.name)
        )

    def path(self, name: str, version: str) -> Path:
        """Return the folder of one version; *version* may be its first digits.

        Raises
        ------
        NotFoundError
            There is no such model or version.
        """
        found = [known for known in self.versions(name) if version and known.startswith(version)]
        if len(found) != 1:
            raise NotFoundError(
                f"model {name} has no single version of that number",
                hint="Choose one.",
                options=self.versions(name),
            )
        return self._home(name) / found[0]

    def active_version(self, name: str) -> str:
        """Return the version of *name* that is active.

        Raises
        ------
        NotFoundError
            There is no such model, or none of its versions was activated.
        """
        version = self._state(name).active
        if version is None:
            raise NotFoundError(f"no version of model {name} is active", hint="textcrm models activate")
        return version

    def active(self, name: str) -> Path:
        """Return the folder of the active version of *name*. Raises as `active_version`."""
        return self.path(name, self.active_version(name))

    def encoder(self, encoder_hash: str) -> Path:
        """Return the folder of an encoder.

        Raises
        ------
        NotFoundError
            It is not here.
        """
        folder = self.folder / "encoders" / encoder_hash
        if not _VERSION.fullmatch(encoder_hash) or not folder.is_dir():
            raise NotFoundError("the encoder of this model is not in the registry", hint="Train the model again.")
        return folder

    def activate(self, name: str, version: str) -> str:
        """Make *version* the one that serves, and return it in full."""
        full = self.path(name, version).name
        state = self._state(name)
        if state.active != full:
            if state.active is not None:
                state.before.append(state.active)
            state.active = full
            self._write_state(name, state)
        return full

    def rollback(self, name: str) -> str:
        """Make the version that was active before active again, and return it.

        Raises
        ------
        ConflictError
            There was none before.
        """
        state = self._state(name)
        if not state.before:
            raise ConflictError(f"model {name} has no earlier version", hint="See textcrm models list.")
        state.active = state.before.pop()
        self._write_state(name, state)
        return state.active

    def threshold(self, name: str, version: str) -> float | None:
        """Return the threshold that a person set for one version; None: its own holds."""
        return self._state(name).thresholds.get(self.path(name, version).name)

    def set_threshold(self, name: str, version: str, threshold: float | None) -> str:
        """Decline answers of *version* that are less sure than *threshold*, and return the version in full.

        The version itself stays as it is: what was set lies beside it, and holds where it is loaded from now on.

        Parameters
        ----------
        threshold
            A confidence from 0 to 1; None: back to the version's own.

        Raises
        ------
        NotFoundError
            There is no such model or version.
        UsageError
            The threshold is no confidence.
        """
        if threshold is not None and not 0.0 <= threshold <= 1.0:  # also what is no number
            raise UsageError(
                "A threshold is a confidence from 0 to 1", hint="0.7 declines what is less sure than 70 %."
            )
        full, state = self.path(name, version).name, self._state(name)
        state.thresholds.pop(full, None)
        if threshold is not None:
            state.thresholds[full] = threshold
        self._write_state(name, state)
        return full

    def verify(self, name: str, version: str) -> None:
        """Check one version and its encoder against their manifests.

        Raises
        ------
        ArtifactError
            Something is not as the manifest says.
        """
        folder = self.path(name, version)
        manifest = artifact.check(folder, kind="classifier")
        if artifact.version_of(folder) != folder.name:
            raise ArtifactError(f"the manifest of {name} {folder.name} was changed", hint="Train the model again.")
        if encoder := manifest.body.get("encoder"):
            artifact.check(self.encoder(str(encoder)), kind="encoder")

    def _home(self, name: str) -> Path:
        home = self.folder / "models" / name
        if not _NAME.fullmatch(name) or not home.is_dir():
            raise NotFoundError(
                "there is no model of that name in the registry",
                hint="Train it with `textcrm train`.",
                options=self.names(),
            )
        return home

    def _state(self, name: str) -> _State:
        path = self._home(name) / "state.json"
        if not path.exists():
            return _State(None, [], {})
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            active = None if state["active"] is None else str(state["active"])
            thresholds = {str(key): float(value) for key, value in state.get("thresholds", {}).items()}
            if not all(map(math.isfinite, thresholds.values())):
                raise ValueError("a threshold is no number")
            return _State(active, [str(one) for one in state["before"]], thresholds)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"state.json of model {name} is damaged", hint="textcrm models activate") from error

    def _write_state(self, name: str, state: _State) -> None:
        path = self._home(name) / "state.json"
        fresh = path.with_name(f"state.{os.getpid()}.tmp")
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump(asdict(state), stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)


@dataclass
class _State:
    """What is kept of one model. ``thresholds`` are by version."""

    active: str | None
    before: list[str]
    thresholds: dict[str, float]


def _copy(source: Path, target: Path) -> None:
    """Copy the files of *source* and show *target* only when it is whole."""
    if target.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".put-", dir=target.parent))
    try:
        for path in source.iterdir():
            if path.is_file():
                shutil.copy2(path, work / path.name)
        work.chmod(0o755)
        work.replace(target)
    except OSError:
        shutil.rmtree(work, ignore_errors=True)
        if not target.is_dir():
            raise
