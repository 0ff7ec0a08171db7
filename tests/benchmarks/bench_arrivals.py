"""How soon a message that comes in stands on an open desk: ``python -m tests.benchmarks.bench_arrivals``.

The service runs as ``textcrm serve --with-worker``, with the models of ``TEXTCRM_HOME``; Chromium has the desk open.
Messages are posted one at a time, as they would come on a quiet day. Counted from before the request until the number
of new messages on the page has changed; both clocks are this machine's.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time

import httpx
from playwright.sync_api import Page

from tests.benchmarks.bench_api import PROGRAM, served
from tests.benchmarks.load import text
from tests.serving import chromium

MESSAGES = 100
NOTES_TIMES = """() => {
  window.shown = [];
  const number = document.querySelector("[data-arrived-number]");
  new MutationObserver(() => window.shown.push(Date.now())).observe(number, {childList: true, characterData: true});
}"""


def main() -> None:
    """Post messages, print the figures."""
    with served(dict(os.environ), "--with-worker", scopes=("write",)) as service, chromium() as browser:
        page = browser.new_page()
        made = subprocess.run(
            [*PROGRAM, "signin", "--url", service.url], capture_output=True, check=True, text=True, timeout=120
        )
        page.goto(made.stdout.strip())
        page.goto(f"{service.url}/desk")
        page.evaluate(NOTES_TIMES)
        with httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {service.key}"}) as client:
            taken = [_arrival(client, page) for _ in range(MESSAGES)]
    p95 = statistics.quantiles(taken, n=20)[-1]
    print(f"sent to shown on an open desk: p50 {statistics.median(taken):.0f} ms  p95 {p95:.0f} ms  [p95 1000]")


def _arrival(client: httpx.Client, page: Page) -> float:
    """Return the milliseconds from a message's sending until the page shows that it came."""
    before = page.evaluate("window.shown.length")
    body = {"channel": "chat", "text": text(20)}
    begin = time.time()
    client.post("/v1/messages", json=body).raise_for_status()
    page.wait_for_function("before => window.shown.length > before", arg=before, timeout=20_000)
    shown: float = page.evaluate("before => window.shown[before]", before)
    page.wait_for_timeout(random.uniform(200, 600))
    return shown - 1000 * begin


if __name__ == "__main__":
    main()
