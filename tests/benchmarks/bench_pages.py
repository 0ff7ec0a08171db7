"""How fast the desk and the trends are over many messages: ``python -m tests.benchmarks.bench_pages [MESSAGES]``.

Documents are written as the store writes them; every page is asked for through the application that ships, rendered
whole. Prints the median and the 95th percentile of the server's time, and the processor time a page of this process
(the database's own comes on top); then how long Chromium takes until a page can be used.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.desk_data import answer, application
from tests.factories import NOON, insight, message
from tests.serving import chromium, served
from textcrm.records import Channel, Link
from textcrm.settings import Settings
from textcrm.store import Store, open_store
from textcrm.store.codec import insight_document, message_document
from textcrm.store.indexes import ensure_indexes
from textcrm.store.rollup import Rollup
from textcrm_api.dashboard import sign_in_link

ROUNDS = 40
BATCH = 5_000
CHANNELS: tuple[Channel, ...] = ("email", "chat", "review", "social")
MOODS, LEVELS = ("negative", "neutral", "positive"), ("low", "normal", "normal", "normal", "high", "critical")
INTENTS = [f"intent_{i}" for i in range(40)]
PRODUCTS = [f"Product {i}" for i in range(30)]
PEOPLE = ["bench", *(f"agent_{i}" for i in range(19))]
PAGES = (
    "/desk",
    "/desk?channel=email&sentiment=negative",
    "/desk?intent=intent_7&urgency=critical",
    "/desk?language=de&abstained=yes",
    "/desk?since=2026-06-01&until=2026-06-30&channel=chat",
    "/desk?state=closed&order=newest",
    "/desk?customer=C-77&state=all",
    "/desk?search=kettle4711",
    "/desk?mine=yes",
    "/desk?order=newest",
    "/desk?product=Product+3",
    "/desk?topic=t7",
    "/trends",
    "/trends?split=intent&channel=email",
    "/trends?by=day&split=product",
    "/trends?split=topic",
    "/trends?topic=t7",
    "/topics",
    "/operations",
)
SEEN = ("/desk?channel=email&sentiment=negative", "/trends")
READY = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"  # all there, our scripts have run


def pairs(count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield documents of messages and insights over a year; nine of ten are closed already."""
    rng = random.Random(7)
    for number in range(count):
        sent = message(
            f"Message {number}: the kettle{number % 5000} hums and I would like to know why it does.",
            channel=rng.choice(CHANNELS),
            external_id=str(number),
            sent_at=NOON - timedelta(minutes=rng.randrange(525_600)),
            product=rng.choice(PRODUCTS),
        )
        predictions = (
            answer("intent", rng.choice(INTENTS), "intent_0", abstained=rng.random() < 0.1),
            answer("sentiment", rng.choice(MOODS), "neutral"),
            answer("urgency", rng.choice(LEVELS), "normal"),
        )
        link = Link(customer_id=f"C-{rng.randrange(50_000)}", outcome="linked", confidence=1.0)
        document = insight_document(insight(sent, predictions=predictions, link=link), sent, stored_at=NOON)
        document["language"] = rng.choice(("en", "en", "en", "de", "fr"))
        document["topic"] = [f"t{rng.randrange(100)}"] if rng.random() < 0.8 else []
        closed, taken = rng.random() < 0.9, rng.random() < 0.5
        document["desk"] = {
            **({"closed": NOON, "until": None} if closed else {}),
            **({"assignee": rng.choice(PEOPLE)} if closed or taken else {}),
        }
        written = message_document(sent, stored_at=NOON, priority=0)
        written["work"]["state"] = "done"
        yield written, document


def fill(store: Store, count: int) -> None:
    """Write messages and insights as the store writes them; the indexes are made after, which takes less time."""
    for name in ("messages", "insights"):
        store.database[name].drop()
    made = pairs(count)
    while batch := list(islice(made, BATCH)):
        store.database["messages"].insert_many([m for m, _ in batch], ordered=False)
        store.database["insights"].insert_many([i for _, i in batch], ordered=False)
    ensure_indexes(store.database)


def main() -> None:
    """Fill a database, ask for the pages, print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        with open_store(settings) as store:
            begin = time.perf_counter()
            fill(store, count)
            print(f"{count:,} messages written in {time.perf_counter() - begin:.0f} s")
            sizes = store.database.command("collStats", "insights")["indexSizes"]
            print("indexes of the insights, MB:", ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sizes.items()))
            begin = time.perf_counter()
            Rollup(store.client, store.database).refresh()  # they were written past the store: all days are counted
            print(f"counts by day, week and month made ready in {time.perf_counter() - begin:.0f} s")
            with TestClient(application(settings, store)) as client:
                client.get(sign_in_link(store, "http://testserver", name="bench"))
                for path in PAGES:
                    client.get(path).raise_for_status()
                    seconds, used = [], time.process_time()
                    for _ in range(ROUNDS):
                        start = time.perf_counter()
                        client.get(path).raise_for_status()
                        seconds.append(time.perf_counter() - start)
                    used = (time.process_time() - used) / ROUNDS
                    p95 = statistics.quantiles(seconds, n=20)[-1]
                    median = statistics.median(seconds)
                    print(
                        f"{path:<54} median {median * 1e3:5.0f}  p95 {p95 * 1e3:5.0f}  processor {used * 1e3:5.0f} ms"
                    )
            with served(application(settings, store)) as url, chromium() as browser:
                page = browser.new_page()
                page.goto(sign_in_link(store, url, name="bench"))
                for path in SEEN:
                    ready = []
                    for _ in range(ROUNDS):
                        page.goto(url + path)
                        ready.append(page.evaluate(READY))
                    median, p95 = statistics.median(ready), statistics.quantiles(ready, n=20)[-1]
                    print(f"{path} in Chromium, until it can be used: median {median:.0f}  p95 {p95:.0f} ms")


if __name__ == "__main__":
    main()
