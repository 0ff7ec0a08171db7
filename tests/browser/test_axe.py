"""What axe-core says of the pages, in light and dark, at desktop and phone width.

axe-core (MPL-2.0) comes with the package axe-playwright-python; ``TEXTCRM_AXE`` names another ``axe.min.js``.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.conftest import Open, Site
from tests.desk_data import doubtful, fill

pytestmark = pytest.mark.browser

FOUND = importlib.util.find_spec("axe_playwright_python")
PACKAGED = Path(FOUND.origin).with_name("axe.min.js") if FOUND and FOUND.origin else Path("axe.min.js")
AXE = Path(os.environ.get("TEXTCRM_AXE", PACKAGED))
PATHS = ("/desk", "/desk?sentiment=negative&state=all", "/trends", "/customers", "/customers/C-1", "/quarantine")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: pip install axe-playwright-python")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    site: Site, visit: Open, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    messages = fill(site.store)
    doubtful(site.store)
    watched = visit("/desk", size=size)
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    found = []
    for path in (
        *PATHS,
        "/topics",
        "/said",
        "/alerts",
        "/label",
        "/links",
        "/models",
        "/operations",
        "/jobs",
        "/imports",
        f"/desk/{messages[0].id}",
        "/desk/nothing",
    ):
        page.goto(site.url + path)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{path}: {v['id']} ({v['impact']}) {v['nodes'][0]['html'][:160]}"
            for v in result["violations"]
            if v["impact"] in ("serious", "critical")
        ]
    assert found == []
