"""A real browser at a real service: the pages as people use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    ViewportSize,
)

from tests.desk_data import application
from tests.serving import CHROMIUM, chromium, served
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm_api.dashboard import sign_in_link

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Site:
    """A served application: its address and its store."""

    url: str
    store: Store


@dataclass
class Watched:
    """What a page did that it should not: requests to other places, errors of scripts, dialogs."""

    page: Page
    elsewhere: list[str]
    errors: list[str]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not at /usr/bin/chromium; install it with: apt install chromium")
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(settings: Settings, store: Store) -> Iterator[Site]:
    """The application that ships, on a port of its own."""
    with served(application(settings, store)) as url:
        yield Site(url, store)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> ViewportSize:
    """A desktop and a phone."""
    chosen: ViewportSize = request.param
    return chosen


Open = Callable[..., Watched]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Open]:
    """Opens a page as somebody who signed in: ``visit("/desk", size=...)``."""
    contexts: list[BrowserContext] = []

    def go(path: str, *, size: ViewportSize | None = None) -> Watched:
        context = browser.new_context(viewport=size or DESKTOP, locale="en-GB", timezone_id="UTC")
        contexts.append(context)
        page = context.new_page()
        watched = Watched(page, [], [])
        _watch(watched, site)
        page.goto(sign_in_link(site.store, site.url, name="Robin Vale"))
        page.goto(site.url + path)
        return watched

    yield go
    for context in contexts:
        context.close()


def _watch(watched: Watched, site: Site) -> None:
    def asked(request: Request) -> None:
        if not _ours(request.url, site):
            watched.elsewhere.append(request.url)

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            watched.errors.append(message.text)

    def asks(dialog: Dialog) -> None:
        watched.errors.append(f"dialog {dialog.message}")
        dialog.dismiss()

    watched.page.on("request", asked)
    watched.page.on("console", said)
    watched.page.on("dialog", asks)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))


def _ours(url: str, site: Site) -> bool:
    return url.startswith((site.url + "/", "data:", "about:", "blob:" + site.url))
