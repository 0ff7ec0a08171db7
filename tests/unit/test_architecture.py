"""The rules of the house, read from the code itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import textcrm

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "textcrm"
STAGES = ("sources", "clean", "entities", "embed", "classify", "link", "topics", "store")
BASE = ("errors", "records", "settings", "specs", "catalog", "artifact", "onnx")
# what each room may import; the stages never import each other
ALLOWED: dict[str, tuple[str, ...]] = {
    "errors": (),
    "records": (),
    "settings": ("errors",),
    "specs": ("errors", "records"),
    "catalog": ("errors", "records", "specs"),
    "artifact": ("errors",),
    "onnx": (),
    "registry": ("errors", "artifact"),
    "__main__": ("cli",),
    "quality": BASE,
    **dict.fromkeys(STAGES, BASE),
    "engine": (*BASE, *STAGES, "registry"),
    "operations": (*BASE, *STAGES, "registry", "quality", "engine"),
    "stream": (*BASE, *STAGES, "registry", "engine", "operations"),
    "cli": (*BASE, *STAGES, "registry", "quality", "engine", "operations", "stream"),
    "testing": (*BASE, *STAGES, "registry", "engine", "operations"),
}


def room_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("textcrm.") and len(name.split(".")) > 1}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    rooms = {r for r in imports_of(path) if (PACKAGE / r).is_dir() or (PACKAGE / f"{r}.py").is_file()}
    foreign = rooms - {room} - set(ALLOWED[room])
    assert not foreign, f"{path.relative_to(ROOT)} ({room}) must not import {sorted(foreign)}"


@pytest.mark.parametrize("path", sorted((ROOT / "api").rglob("*.py")), ids=lambda p: p.name)
def test_no_one_below_knows_the_api(path: Path) -> None:
    assert not any(
        "textcrm_api" in p.read_text(encoding="utf-8") for p in PACKAGE.rglob("*.py") if p.parent.name != "cli"
    )
    assert "pickle" not in path.read_text(encoding="utf-8")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("api", "__init__"))


def test_imports_make_no_circle_not_even_for_types() -> None:
    paths = {module_of(p): p for p in [*PACKAGE.rglob("*.py"), *(ROOT / "api" / "textcrm_api").rglob("*.py")]}
    imports: dict[str, set[str]] = {}
    for module, path in paths.items():
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                full = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= {name if name in paths else node.module for name in full}
        imports[module] = (names & set(paths)) - {module}
    TopologicalSorter(imports).prepare()  # raises where there is a circle, and names it


def test_no_module_is_two_rooms() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for p in [*PACKAGE.rglob("*.py"), *(ROOT / "api").rglob("*.py")]
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_nothing_can_run_code_from_a_model() -> None:
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not {"pickle", "joblib", "dill", "cloudpickle"} & {a.name for a in node.names}, path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant) and node.value.value is False, path


def test_the_public_names() -> None:
    assert textcrm.__all__ == [
        "Customer",
        "EntitySpan",
        "Insight",
        "Link",
        "Message",
        "Prediction",
        "TextcrmError",
        "__version__",
    ]
    assert all(hasattr(textcrm, name) for name in textcrm.__all__)


@pytest.mark.parametrize("statement", ["import textcrm", "import textcrm.cli.main; textcrm.cli.main.build_app()"])
def test_import_is_light(statement: str) -> None:
    heavy = "{'spacy', 'sklearn', 'torch', 'pymongo', 'onnxruntime', 'numpy', 'pyarrow', 'fastapi', 'lingua'}"
    program = f"{statement}\nimport sys\nprint(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
