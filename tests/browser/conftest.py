"""A real browser at a real service: the pages as people use them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    ViewportSize,
    sync_playwright,
)

from tests.desk_data import application
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm_api.dashboard import sign_in_link

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
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
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def site(settings: Settings, store: Store) -> Iterator[Site]:
    """The application that ships, on a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(
        application(settings, store), host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{port}", store)
    server.should_exit = True
    thread.join(20)


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
