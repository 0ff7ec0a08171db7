"""Takes the pictures of the pages that stand in the README.

textcrm demo                                  # prints an address with a one-time sign-in
python -m tests.tools.screenshots 'http://127.0.0.1:8600/signin?token=...' docs
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.serving import chromium

SIZES = {"": (1280, 800), "-phone": (390, 844)}
SETTLE_MS = 1_200  # charts are drawn after the page is there, and live pages never fall silent
PAGES = tuple("desk trends topics said alerts label customers links models quarantine operations jobs imports".split())


def take(page: Page, base: str, out: Path, suffix: str) -> None:
    """Take one picture a page, and one of the first message of the queue."""
    for name in PAGES:
        page.goto(f"{base}/{name}")
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=str(out / f"{name}{suffix}.png"))
    page.goto(f"{base}/desk")
    page.locator("a[href^='/desk/']").nth(1).click()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=str(out / f"message{suffix}.png"))


def main() -> None:
    """Sign in and take all pictures."""
    address, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    parts = urlsplit(address)
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        page = context.new_page()
        page.goto(address)
        for suffix, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            take(page, f"{parts.scheme}://{parts.netloc}", out, suffix)


if __name__ == "__main__":
    main()
