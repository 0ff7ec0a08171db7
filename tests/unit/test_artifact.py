"""A model folder that was tampered with is refused quickly, with a clear error, before anything in it can act."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from textcrm import artifact
from textcrm.classify.fitted import Training, save
from textcrm.classify.predictor import load
from textcrm.classify.train import fit
from textcrm.errors import ArtifactError, ConflictError, NotFoundError, UsageError
from textcrm.registry import Registry
from textcrm.specs import RecipeSpec

RECIPE = RecipeSpec.model_validate(
    {
        "schema": 1,
        "name": "small",
        "task": "intent",
        "views": [
            {"kind": "words", "ngrams": [1, 1], "bits": 12},
            {"kind": "characters", "ngrams": [2, 3], "bits": 12},
        ],
        "trees": {"trees": 5},
    }
)
ROWS = [(f"{word} {name}", name) for name in ("refund", "parcel", "login") for word in "my the this a your our".split()]


def train(folder: Path, *, seed: int = 7) -> Path:
    data = Training([text for text, _ in ROWS], [[label] for _, label in ROWS])
    save(fit(RECIPE.model_copy(update={"seed": seed}), data), data, folder)
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("artifact") / "model")


def rewrite(folder: Path, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    """Change the manifest, which then is consistent with nothing but itself."""
    path = folder / artifact.MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def reseal(folder: Path) -> None:
    """Hash all files again, as someone would who means harm."""
    manifest = artifact.read_manifest(folder)
    artifact.write_manifest(folder, kind="classifier", name=manifest.name, body=manifest.body)


def npz(folder: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("coef.npy", content)
    reseal(folder)


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def truncated(folder: Path) -> None:
    path = folder / "head.npz"
    path.write_bytes(path.read_bytes()[:-20])


def truncated_and_resealed(folder: Path) -> None:
    truncated(folder)
    reseal(folder)


def one_bit(folder: Path) -> None:
    path = folder / "view0.npz"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(bytes(data))


def pickled(folder: Path) -> None:
    (folder / "head.npz").write_bytes(pickle.dumps({"a": 1}))
    reseal(folder)


def pickled_array(folder: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    npz(folder, "view0.npz", buffer.getvalue())


def bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "view0.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(3):
            with archive.open(f"a{index}.npy", "w", force_zip64=True) as stream:
                for _ in range(400):
                    stream.write(bytes(1_000_000))
    reseal(folder)


def link(folder: Path) -> None:
    (folder / "head.npz").unlink()
    (folder / "head.npz").symlink_to("/etc/passwd")


def nan_weights(folder: Path) -> None:
    arrays = artifact.read_arrays(folder / "view0.npz")
    arrays["scale"] = np.full_like(arrays["scale"], np.nan)
    artifact.write_arrays(folder / "view0.npz", arrays)
    reseal(folder)


def loop_in_tree(folder: Path) -> None:
    arrays = artifact.read_arrays(folder / "head.npz")
    arrays["right"] = np.zeros_like(arrays["right"])
    artifact.write_arrays(folder / "head.npz", arrays)
    reseal(folder)


def table_out_of_range(folder: Path) -> None:
    arrays = artifact.read_arrays(folder / "view0.npz")
    arrays["buckets"] = arrays["buckets"] + 2**20
    artifact.write_arrays(folder / "view0.npz", arrays)
    reseal(folder)


def in_manifest(change: Callable[[dict], object]) -> Callable[[Path], None]:  # type: ignore[type-arg]
    return lambda folder: rewrite(folder, change)


def path_traversal(manifest: dict) -> None:  # type: ignore[type-arg]
    manifest["files"]["../../outside.npz"] = manifest["files"].pop("head.npz")


HOSTILE: dict[str, Callable[[Path], object]] = {
    "truncated": truncated,
    "truncated and sealed again": truncated_and_resealed,
    "one bit changed": one_bit,
    "a pickle renamed": pickled,
    "a pickle within an array": pickled_array,
    "an archive that unpacks to 1.2 GB": bomb,
    "a giant shape": lambda f: npz(f, "view0.npz", header((2**40, 2**20)) + b"\x00" * 64),
    "a negative shape": lambda f: npz(f, "view0.npz", header((-1, 4)) + b"\x00" * 64),
    "a header of text": lambda f: npz(f, "view0.npz", b"\x93NUMPY\x01\x00\x10\x00__import__('os')"),
    "text as an array": lambda f: npz(f, "view0.npz", header((3,), "<U5") + b"\x00" * 60),
    "a missing array": lambda f: npz(f, "view0.npz", header((1,)) + b"\x00" * 4),
    "weights that are no numbers": nan_weights,
    "a tree that never ends": loop_in_tree,
    "an n-gram table out of range": table_out_of_range,
    "a missing file": lambda f: (f / "head.npz").unlink(),
    "a file too many": lambda f: (f / "extra.npz").write_bytes(b"x"),
    "a script beside it": lambda f: (f / "setup.py").write_text("1"),
    "a symbolic link": link,
    "no manifest": lambda f: (f / artifact.MANIFEST).unlink(),
    "a manifest that is no JSON": lambda f: (f / artifact.MANIFEST).write_text("{"),
    "a manifest of deep brackets": lambda f: (f / artifact.MANIFEST).write_text("[" * 100_000),
    "a manifest of 5 MB": lambda f: (f / artifact.MANIFEST).write_text('"' + "a" * 5_000_000 + '"'),
    "a path out of the folder": in_manifest(path_traversal),
    "a wrong hash": in_manifest(lambda m: m["files"]["head.npz"].update(sha256="0" * 64)),
    "a wrong size": in_manifest(lambda m: m["files"]["head.npz"].update(size=1)),
    "a format from the future": in_manifest(lambda m: m.update(format=99)),
    "another kind": in_manifest(lambda m: m.update(kind="encoder")),
    "a key too many": in_manifest(lambda m: m.update(run="rm")),
    "no labels": in_manifest(lambda m: m["body"].pop("labels")),
    "other labels than weights": in_manifest(lambda m: m["body"].update(labels=["a", "b"])),
    "a million labels": in_manifest(lambda m: m["body"].update(labels=[str(i) for i in range(100_000)])),
    "no known view": in_manifest(lambda m: m["body"]["views"][0].update(kind="code")),
    "a table of 2**60": in_manifest(lambda m: m["body"]["views"][0].update(bits=60)),
    "no known head": in_manifest(lambda m: m["body"].update(head="oracle")),
    "thresholds of text": in_manifest(lambda m: m["body"]["thresholds"].update(unknown="high")),
}


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_artifact_is_refused(sound: Path, tmp_path: Path, harm: Callable[[Path], object]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(sound, folder)
    harm(folder)
    begin = time.process_time()
    with pytest.raises(ArtifactError) as caught:
        load(folder)
    assert time.process_time() - begin < 1.0
    assert caught.value.hint


def test_a_sound_one_answers_and_the_same_data_gives_the_same_version(sound: Path, tmp_path: Path) -> None:
    model = load(sound)
    assert [p.label for p in model.predict(["my parcel", "a refund"])] == ["parcel", "refund"]
    assert artifact.version_of(train(tmp_path / "again")) == model.version


def test_registry(sound: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    first = registry.put(sound)
    assert registry.put(sound) == first
    with pytest.raises(NotFoundError, match="active"):
        registry.active("small")
    registry.activate("small", first[:5])
    second = registry.put(train(tmp_path / "other", seed=8))
    assert registry.active_version("small") == first
    registry.activate("small", second)
    assert [entry.active for entry in registry.list()] == [version == second for version in registry.versions("small")]
    assert registry.rollback("small") == first
    with pytest.raises(ConflictError):
        registry.rollback("small")
    registry.verify("small", first)
    (registry.path("small", first) / "head.npz").write_bytes(b"")
    with pytest.raises(ArtifactError):
        registry.verify("small", first)
    for name in ("../small", "nothing", ""):
        with pytest.raises(NotFoundError):
            registry.active(name)
    with pytest.raises(NotFoundError):
        registry.encoder("../../etc")


def test_a_threshold_of_a_person_lies_beside_the_version(sound: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    first = registry.put(sound)
    registry.activate("small", first)
    assert registry.threshold("small", first) is None
    assert registry.set_threshold("small", first[:5], 1.0) == first
    assert (registry.threshold("small", first), registry.entry("small", first).threshold) == (1.0, 1.0)
    registry.verify("small", first)
    own, strict = load(registry.active("small")), load(registry.active("small"), threshold=1.0)
    assert strict.version == own.version and strict.own_threshold == own.threshold < strict.threshold
    assert own.decline("my parcel", "parcel", 0.99, 1e9) is None
    assert strict.decline("my parcel", "parcel", 0.99, 1e9) == "ambiguous"
    assert strict.decline("my parcel", "parcel", 1.0, 1e9) is None
    second = registry.put(train(tmp_path / "other", seed=8))
    registry.activate("small", second)
    assert registry.threshold("small", second) is None, "another version has its own"
    registry.rollback("small")
    assert registry.threshold("small", first) == 1.0
    for wrong in (-0.01, 1.01, float("nan"), float("inf")):
        with pytest.raises(UsageError):
            registry.set_threshold("small", first, wrong)
    with pytest.raises(NotFoundError):
        registry.set_threshold("small", "ffffffffffff", 0.5)
    registry.set_threshold("small", first, None)
    assert registry.threshold("small", first) is None


def test_a_registry_of_before_there_were_thresholds_is_read_and_a_damaged_one_is_not(
    sound: Path, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    version = registry.put(sound)
    state = tmp_path / "registry" / "models" / "small" / "state.json"
    state.write_text(json.dumps({"active": version, "before": []}), encoding="utf-8")
    assert (registry.active_version("small"), registry.threshold("small", version)) == (version, None)
    for harmed in ({version: "high"}, {version: float("nan")}, [0.5], 3):
        state.write_text(json.dumps({"active": version, "before": [], "thresholds": harmed}), encoding="utf-8")
        with pytest.raises(ArtifactError, match="damaged"):
            registry.threshold("small", version)
