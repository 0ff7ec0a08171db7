"""``textcrm demo``: the main job on shipped messages, then the service."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.operations.demo import DemoReport
    from textcrm.store import Store

URGENT = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    serve: Annotated[bool, typer.Option(help="Leave the service running with the demo's data.")] = True,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Run the main job on shipped messages and customers: ingest, analyse, link, and show the result.

    It has a database of its own beside yours and can be run as often as you like.
    """
    from textcrm.engine import Engine
    from textcrm.operations.demo import demo_settings, prepare_models, run_demo
    from textcrm.store import open_store

    begin = time.monotonic()
    settings = demo_settings(read_settings())
    for name in prepare_models(settings, steps=output.progress):
        output.say(f"Trained the model {name}.")
    engine = Engine.open(settings)
    with open_store(settings) as store:
        report = run_demo(store, engine, settings=settings, steps=output.progress)
        if json:
            _print_json(store, report, time.monotonic() - begin)
        else:
            _print(store, report, time.monotonic() - begin)
        if serve:
            from textcrm.cli.serve import run_service

            run_service(settings, store=store, engine=engine, demo=True)
    if report.analysed.failed:
        raise output.fail(output.EXIT_SOME_FAILED)


def _print(store: Store, report: DemoReport, seconds: float) -> None:
    from textcrm.cli.chart import sentiment_by_week
    from textcrm.cli.look import print_queue
    from textcrm.operations.desk.views import queue
    from textcrm.operations.trends.trends import by_channel

    rows = queue(store, limit=URGENT)
    print_queue(f"The {len(rows)} most urgent messages", rows)
    output.print_table(
        "Net sentiment by week and channel",
        ("channel", "weeks, oldest first", "messages", "net"),
        sentiment_by_week(by_channel(store)),
    )
    links = store.insights.counts("link")
    output.say(
        f"{store.messages.count():,} messages over four channels, {report.customers:,} customers; "
        f"{links.get('linked', 0):,} messages linked, {links.get('review', 0):,} to review, "
        f"{links.get('provisional', 0):,} by provisional customers, {report.ingested.quarantined:,} in quarantine; "
        f"{seconds:.0f} s."
    )


def _print_json(store: Store, report: DemoReport, seconds: float) -> None:
    from textcrm.operations.desk.views import queue
    from textcrm.operations.trends.trends import by_channel

    output.print_json(
        {
            "messages": store.messages.count(),
            "customers": report.customers,
            "stored": report.ingested.stored,
            "duplicates": report.ingested.duplicates,
            "quarantined": report.ingested.quarantined,
            "analysed": report.analysed.done,
            "links": store.insights.counts("link"),
            "seconds": round(seconds, 1),
            "urgent": [
                {
                    "id": row.insight.message_id,
                    **{p.task: p.label for p in row.insight.predictions},
                    "customer": row.customer.id if row.customer else None,
                }
                for row in queue(store, limit=URGENT)
            ],
            "trend": [
                {"week": f"{c.start:%Y-%m-%d}", "channel": c.key, "messages": c.mood.total, "net": c.mood.net}
                for c in by_channel(store)
            ],
        }
    )
