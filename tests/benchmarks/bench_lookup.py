"""Prints how long one new message takes to find its customer among many, the database included.

    python -m tests.benchmarks.bench_lookup [CUSTOMERS] [LOOKUPS]

Made-up customers (1,000,000 without an argument) go straight into an embedded database of its own in a temporary
folder. A look-up is what the engine does for a message: its identifiers out of the record, one query, the decision.
Half of the messages are by customers, half by strangers.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from textcrm.link.message import decide, keys_of
from textcrm.operations.links.lookup import customer_finder
from textcrm.records import Author, CleanText, Customer, EntitySpan, Language, Message, OffsetMap, Source
from textcrm.settings import Settings
from textcrm.store import Store, open_store
from textcrm.store.codec import customer_document

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 10_000


def customer(number: int) -> Customer:
    """Return one made-up customer."""
    return Customer(
        id=f"c{number}",
        number=f"K-{number}",
        name=f"Ann{number % 997} Smith{number % 9973}",
        emails=(f"ann{number}@company{number % 50_000}.example",),
        phones=(f"+4915{number:09d}",),
    )


def fill(store: Store, n: int) -> None:
    """Insert *n* customers."""
    for start in range(0, n, BATCH):
        rows = [customer_document(customer(i), updated_at=NOW) for i in range(start, min(n, start + BATCH))]
        store.database["customers"].insert_many(rows, ordered=False)


def message(number: int) -> tuple[Message, CleanText, tuple[EntitySpan, ...]]:
    """Return a message of the customer *number*, with an order number in its text."""
    text = f"Where is my order A-{number}?"
    made = Message(
        id=f"m{number}",
        channel="email",
        text=text,
        author=Author(name="Ann Smith", email=f"ann{number}@company{number % 50_000}.example"),
        received_at=NOW,
        source=Source(kind="api"),
    )
    clean = CleanText(
        message_id=made.id,
        text=text,
        offsets=OffsetMap(segments=(), length=0),
        parts=(),
        language=Language(code="en", confidence=1.0, supported=True),
    )
    order = EntitySpan(start=18, end=len(text) - 1, label="ORDER", text=text[18:-1], source="bench", score=1.0)
    return made, clean, (order,)


def main(arguments: list[str]) -> None:
    """Print the figures."""
    n = int(arguments[0]) if arguments else 1_000_000
    lookups = int(arguments[1]) if len(arguments) > 1 else 2000
    rng = random.Random(3)
    with tempfile.TemporaryDirectory() as home, open_store(Settings(home=Path(home))) as store:
        start = time.perf_counter()
        fill(store, n)
        print(f"{n:,} customers inserted in {time.perf_counter() - start:.0f} s")
        plan = store.database.command("explain", {"find": "customers", "filter": {"keys": {"$in": ["email:a@b.c"]}}})
        assert "identity" in str(plan["queryPlanner"]["winningPlan"]), "the index is not used"
        find, times, linked = customer_finder(store), [], 0
        for place in range(lookups + 50):
            made = message(rng.randrange(2 * n))
            begin = time.perf_counter()
            keys = keys_of(*made, region="DE")
            link, _ = decide(made[0], keys, find([key.key for key in keys]))
            if place >= 50:  # the first ones warm up
                times.append((time.perf_counter() - begin) * 1000)
                linked += link.outcome == "linked"
        times.sort()
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{lookups:,} look-ups, {linked:,} linked: p50 {p50:.2f} ms, p99 {p99:.2f} ms; index used; {peak:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
