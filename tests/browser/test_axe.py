"""What axe-core says of the pages, in light and dark, at desktop and phone width.

axe-core (MPL-2.0) comes with the package axe-playwright-python; ``TEXTCRM_AXE`` names another ``axe.min.js``.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import Open, Site
from tests.desk_data import doubtful, fill
from tests.unit.test_train import recipe, rows
from textcrm.operations.intake.ingest import ingest
from textcrm.operations.models import corrections
from textcrm.operations.models.models import DataFile
from textcrm.operations.models.training import Corrected, train
from textcrm.settings import Settings

pytestmark = pytest.mark.browser

FOUND = importlib.util.find_spec("axe_playwright_python")
PACKAGED = Path(FOUND.origin).with_name("axe.min.js") if FOUND and FOUND.origin else Path("axe.min.js")
AXE = Path(os.environ.get("TEXTCRM_AXE", PACKAGED))
PATHS = ("/desk", "/desk?sentiment=negative&state=all", "/trends", "/customers", "/customers/C-1", "/quarantine")


NEEDED = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: pip install axe-playwright-python")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a home of its own, for models."""
    return settings.model_copy(update={"home": tmp_path})


@NEEDED
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    site: Site, visit: Open, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    messages = fill(site.store)
    doubtful(site.store)
    watched = visit("/desk", size=size)
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    paths = ("/topics", "/said", "/alerts", "/label", "/links", "/models", "/operations", "/jobs", "/imports")
    found = serious(page, site, *PATHS, *paths, f"/desk/{messages[0].id}", "/desk/nothing")
    assert found == []


@NEEDED
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_about_models_and_imports(
    site: Site, visit: Open, size: ViewportSize, scheme: Literal["light", "dark"], settings: Settings
) -> None:
    sent = fill(site.store)[0]
    corrections.correct(site.store, sent.id, task="intent", label="parcel", by="Kim")
    data = settings.home / "data.csv"
    data.write_text("text,label\n" + "\n".join(f'"{text}",{label}' for text, label in rows()), encoding="utf-8")
    spec = recipe(name="intent", task="intent")
    fixes: tuple[list[Corrected], ...] = ([], [Corrected("The parcel sings at night.", "parcel")])
    first, second = (
        train(spec, settings=settings, data=DataFile(data), corrections=some, force=True).version for some in fixes
    )
    table = settings.home / "chats.csv"
    table.write_text("text,sent\nThe kettle leaks.,2026-08-01\n,2026-08-02\n", encoding="utf-8")
    assert ingest(site.store, [table], channel="chat", settings=settings, mapping={"text": "text"}).quarantined == 1
    page = visit("/models", size=size).page
    page.emulate_media(color_scheme=scheme)
    pair = f"/models/compare?name=intent&before={first}&after={second}"
    confused = "/models/confused?task=intent&said=complaint&right=parcel"
    said = f"/models/threshold?name=intent&version={second}&at=3"
    assert serious(page, site, "/models", pair, f"{pair}&on=corrections", confused, said, "/imports") == []
    assert page.get_by_text("chats.csv").is_visible()


def serious(page: Page, site: Site, *paths: str) -> list[str]:
    """Return what axe finds serious on pages."""
    found = []
    for path in paths:
        answer = page.goto(site.url + path)
        assert answer is not None and answer.status == (404 if path == "/desk/nothing" else 200), path
        page.evaluate(AXE.read_text(encoding="utf-8"))
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{path}: {v['id']} ({v['impact']}) {v['nodes'][0]['html'][:160]}"
            for v in result["violations"]
            if v["impact"] in ("serious", "critical")
        ]
    return found
