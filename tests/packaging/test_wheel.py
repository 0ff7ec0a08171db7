"""The wheel: what is in it, and that it works where the sources are not."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_engine_the_service_and_the_catalog(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "textcrm/__init__.py",
        "textcrm/py.typed",
        "textcrm_api/py.typed",
        "textcrm/_catalog/pipelines/email.toml",
        "textcrm/_catalog/models/sentiment/recipe.toml",
        "textcrm/_catalog/corpora/demo/customers.csv",
        "textcrm/_catalog/corpora/messages/test.jsonl",
    ):
        assert name in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"textcrm", "textcrm_api", f"textcrm-{wheel.name.split('-')[1]}.dist-info"}
    assert not any(name.endswith((".pyc", ".onnx", ".npz")) for name in names)


def test_the_installed_wheel_works_without_the_sources(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True, system_site_packages=False)
    python = environment / "bin" / "python"
    # the dependencies are those of the running environment: what is tested is the wheel
    site = next(p for p in sys.path if p.endswith("site-packages"))
    (next((environment / "lib").glob("python3*/site-packages")) / "parts.pth").write_text(site + "\n")
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--force-reinstall",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    program = (
        "import textcrm, pathlib; from textcrm.catalog import Catalog; c = Catalog(pathlib.Path('none'));"
        "print(textcrm.__file__); print(sorted(c.pipelines())); print('messages' in c.corpora(), len(c.recipes()) >= 3)"
    )
    done = subprocess.run([str(python), "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(str(environment)), "the wheel's own copy is the one that was imported"
    assert lines[1] == "['chat', 'email', 'review', 'social']"
    assert lines[2] == "True True"
    version = subprocess.run(
        [str(environment / "bin" / "textcrm"), "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "ingest" in version.stdout
