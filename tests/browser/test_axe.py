"""What axe-core says of the pages, in light and dark, at desktop and phone width.

axe-core (MPL-2.0) is no part of this repository: run ``npm install axe-core`` in it, or name the file ``axe.min.js``
with ``TEXTCRM_AXE``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.conftest import Open, Site
from tests.desk_data import fill

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
AXE = Path(os.environ.get("TEXTCRM_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
PATHS = ("/desk", "/desk?sentiment=negative&state=all", "/trends", "/customers", "/customers/C-1", "/quarantine")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    site: Site, visit: Open, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    messages = fill(site.store)
    watched = visit("/desk", size=size)
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    found = []
    for path in (*PATHS, "/models", "/operations", f"/desk/{messages[0].id}", "/desk/nothing"):
        page.goto(site.url + path)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{path}: {v['id']} ({v['impact']}) {v['nodes'][0]['html'][:160]}"
            for v in result["violations"]
            if v["impact"] in ("serious", "critical")
        ]
    assert found == []
