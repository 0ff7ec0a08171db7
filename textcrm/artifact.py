"""The format of a model on disk: a folder of plain data with a manifest, checked before anything is parsed.

``manifest.json`` lists every other file with its size and SHA-256. Arrays are ``.npz`` read with
``allow_pickle=False`` after the header of each member was looked at; words are ``.json``. Nothing in it can
run code.

Upgrades: ``FORMAT`` counts up when the meaning of a file changes; ``UPGRADES[n]`` turns the manifest of
format *n* into that of *n + 1*, and a folder of every old format stays in the tests.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from textcrm.errors import ArtifactError

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 4_000_000
MAX_FILE_BYTES = 400_000_000
MAX_FILES = 32
MAX_ARRAY_BYTES = 1_000_000_000
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}\.(?:npz|json|onnx|jsonl)")
_RESTORE = "Train the model again, or restore the folder from a copy."

UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class FileEntry(BaseModel):
    """One file of an artifact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=0, le=MAX_FILE_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What an artifact says of itself. ``body`` belongs to the kind and is checked by whoever loads it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    kind: Literal["classifier", "encoder"]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")
    files: dict[Annotated[str, Field(max_length=64)], FileEntry] = Field(max_length=MAX_FILES)
    body: dict[str, Any]


def write_manifest(folder: Path, *, kind: Literal["classifier", "encoder"], name: str, body: dict[str, Any]) -> str:
    """Hash the files of *folder*, write its manifest and return the version of the artifact."""
    files = {
        path.name: FileEntry(size=path.stat().st_size, sha256=file_sha256(path))
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != MANIFEST
    }
    manifest = Manifest(format=FORMAT, kind=kind, name=name, files=files, body=body)
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, sort_keys=True, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return version_of(folder)


def version_of(folder: Path) -> str:
    """Return the version of the artifact in *folder*: 12 hexadecimal digits of its manifest's SHA-256."""
    return file_sha256(folder / MANIFEST)[:12]


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest alone.

    Raises
    ------
    ArtifactError
        It is absent, too large, of another format or breaks the schema.
    """
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise ArtifactError(f"{folder.name} holds no {MANIFEST}", hint="Name the folder of a trained model.")
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise ArtifactError(f"the manifest of {folder.name} is larger than {MAX_MANIFEST_BYTES} bytes", hint=_RESTORE)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ArtifactError(f"the manifest of {folder.name} is no JSON", hint=_RESTORE) from error
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise ArtifactError(f"the manifest of {folder.name} names no format", hint=_RESTORE)
    if data["format"] > FORMAT:
        raise ArtifactError(
            f"{folder.name} has format {data['format']}; this program reads up to {FORMAT}",
            hint="Update textcrm.",
        )
    while data["format"] in UPGRADES:
        data = UPGRADES[data["format"]](data)
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        where = ".".join(str(part)[:40] for part in error.errors()[0]["loc"])
        raise ArtifactError(f"the manifest of {folder.name} is wrong at {where}", hint=_RESTORE) from error


def check(folder: Path, *, kind: str) -> Manifest:
    """Check a whole artifact: names, sizes and hashes of its files, and that there are no others.

    Raises
    ------
    ArtifactError
        Anything is not as the manifest says.
    """
    manifest = read_manifest(folder)
    if manifest.kind != kind:
        raise ArtifactError(f"{folder.name} is a {manifest.kind}, not a {kind}", hint="Name another folder.")
    for name in manifest.files:
        if not _FILE_NAME.fullmatch(name):
            raise ArtifactError(f"the manifest of {folder.name} lists a file name that is not allowed", hint=_RESTORE)
    present = {path.name for path in folder.iterdir() if path.name != MANIFEST and not path.is_dir()}
    if extra := present - set(manifest.files):
        raise ArtifactError(f"{folder.name} holds {len(extra)} file(s) that its manifest does not list", hint=_RESTORE)
    for name, entry in manifest.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise ArtifactError(f"{name} is missing from {folder.name}", hint=_RESTORE)
        if path.stat().st_size != entry.size:
            raise ArtifactError(f"{name} of {folder.name} has another size than its manifest says", hint=_RESTORE)
        if file_sha256(path) != entry.sha256:
            raise ArtifactError(f"{name} of {folder.name} has another hash than its manifest says", hint=_RESTORE)
    return manifest


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write *arrays* as ``.npz``, the same bytes for the same arrays (no clock in it)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in sorted(arrays.items()):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED
            )


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an ``.npz`` after looking at the header of each member.

    Raises
    ------
    ArtifactError
        It is no archive of plain numeric arrays, or would be larger than the cap once unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > 200 or sum(member.file_size for member in members) > MAX_ARRAY_BYTES:
                raise ArtifactError(f"{path.name} would unpack to more than the cap", hint=_RESTORE)
            return {member.filename.removesuffix(".npy"): _read_member(archive, member) for member in members}
    except ArtifactError:
        raise
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise ArtifactError(f"{path.name} is no archive of plain arrays", hint=_RESTORE) from error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as stream:
        head = io.BytesIO(stream.read(4096))
        version = np.lib.format.read_magic(head)
        if version != (1, 0):
            raise ValueError("header version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(head, max_header_size=2000)
        if dtype.hasobject or dtype.kind not in "iufb":
            raise ValueError("not numeric")
        count = 1
        for side in shape:
            count *= side
        if count * dtype.itemsize + head.tell() != member.file_size:
            raise ValueError("size and shape disagree")
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def read_json(path: Path, *, max_bytes: int = 50_000_000) -> Any:
    """Read a JSON file of an artifact.

    Raises
    ------
    ArtifactError
        It is too large or no JSON.
    """
    if path.stat().st_size > max_bytes:
        raise ArtifactError(f"{path.name} is larger than {max_bytes} bytes", hint=_RESTORE)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path.name} is no JSON", hint=_RESTORE) from error
