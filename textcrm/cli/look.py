"""``textcrm queue | show | trends | phrases``: what was found out, in the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer
from rich.text import Text

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP, channel_of
from textcrm.errors import UsageError
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textcrm.operations.desk.views import QueueRow

STYLE = {"critical": "bold red", "high": "red", "normal": "", "low": "dim"}
MOOD = {"negative": "red", "positive": "green", "neutral": ""}
WIDE = 110  # columns of the terminal; below it, two are left out
PERIODS = ("day", "week", "month")

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("queue")(queue)
    app.command("show")(show)
    group = typer.Typer(help="Numbers and sentiment over time, and what stands behind them.")
    group.callback(invoke_without_command=True)(trends)
    group.command("aspects")(aspects)
    app.add_typer(group, name="trends")
    app.command("phrases")(phrases)


def queue(
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    intent: Annotated[str | None, typer.Option(help="Only this intent.")] = None,
    sentiment: Annotated[str | None, typer.Option(help="Only this sentiment.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's messages.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    json: Json = False,
) -> None:
    """Show the analysed messages in order of urgency, newest first within the same."""
    from textcrm.operations.desk.views import queue as rows_of
    from textcrm.operations.desk.views import snippet
    from textcrm.store import open_store

    given = {"channel": channel, "intent": intent, "sentiment": sentiment, "customer": customer}
    with open_store(read_settings()) as store:
        rows = rows_of(store, filters={k: v for k, v in given.items() if v is not None}, limit=limit)
        waiting = store.messages.counts().get("pending", 0)
    if json:
        for row in rows:
            output.print_json({**row.insight.model_dump(mode="json"), "snippet": snippet(row.insight, row.message)})
    elif rows:
        print_queue(f"{len(rows)} messages, the most urgent first", rows)
    else:
        output.say("No message fits." if not waiting else f"{waiting:,} messages wait: run textcrm analyse.")


def print_queue(title: str, rows: Sequence[QueueRow]) -> None:
    """Print rows of the queue as a table, one line a message."""
    from textcrm.operations.desk.views import author_name, snippet

    cells = []
    for row in rows:
        urgency, mood, intent = (row.insight.prediction(task) for task in ("urgency", "sentiment", "intent"))
        known = "" if row.customer and not row.customer.provisional else " (new)"
        cells.append(
            (
                row.insight.message_id[:8],
                Text(urgency.label, style=STYLE.get(urgency.label, "")) if urgency else "",
                Text(mood.label, style=MOOD.get(mood.label, "")) if mood else "",
                (intent.label.replace("_", " ") + ("?" if intent.abstained else "")) if intent else "",
                row.message.channel,
                f"{row.message.sent_at or row.message.received_at:%d %b}",
                author_name(row.message, row.customer) + known,
                snippet(row.insight, row.message, length=140),
            )
        )
    columns = ["id", "urgency", "mood", "wants", "channel", "date", "customer", "message"]
    shown = [i for i, name in enumerate(columns) if output.console().width >= WIDE or name not in ("channel", "date")]
    output.print_table(title, [columns[i] for i in shown], [[row[i] for i in shown] for row in cells], cut="message")


def show(
    message: Annotated[str, typer.Argument(help="The id of a message, or its first digits.", show_default=False)],
    json: Json = False,
) -> None:
    """Show one message with all that is known of it."""
    from textcrm.operations.desk.views import author_name, own_text
    from textcrm.operations.links.threads import thread_of
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        found = store.messages.get(store.messages.full_id(message))
        insight = store.insights.get(found.id)
        link = insight.link
        linked = link.customer_id if link else None
        customer = store.customers.get_many([linked]).get(linked) if linked else None
        thread = thread_of(store, found)
    when = f"{found.sent_at or found.received_at:%Y-%m-%d %H:%M}"
    if json:
        output.print_json(
            {
                "message": found.model_dump(mode="json"),
                "insight": insight.model_dump(mode="json"),
                "thread": {"id": thread.id, "rule": thread.rule, "messages": [m.id for m in thread.messages]},
            }
        )
        return
    output.print_table(
        found.subject or found.id,
        ("", ""),
        [
            ("from", f"{author_name(found, customer)} ({found.channel}, {when})"),
            ("customer", f"{link.outcome}: {link.customer_id} by {link.rule}" if link else "none"),
            *[("thread", f"{len(thread.messages)} messages from {thread.id[:8]}")] * (len(thread.messages) > 1),
            ("language", f"{insight.language.code}, {insight.kind}"),
            *[
                (p.task, f"{p.label} {p.confidence:.2f}" + (f", declined: {p.reason}" if p.abstained else ""))
                for p in insight.predictions
            ],
            *[(e.label.lower(), e.text) for e in insight.entities],
            ("text", own_text(insight, found)),
        ],
    )
    output.say("Is a label wrong? textcrm correct " + found.id[:8] + " TASK LABEL")


def trends(
    context: typer.Context,
    by: Annotated[str, typer.Option(help="day, week or month.")] = "week",
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    json: Json = False,
) -> None:
    """Show the number of messages and their sentiment over time."""
    if context.invoked_subcommand is not None:
        return
    from textcrm.cli.chart import net_bar
    from textcrm.operations.trends.trends import by_channel
    from textcrm.store import open_store

    if by not in PERIODS:
        raise UsageError(f"Trends go by a period, not by {by[:32]!r}", options=PERIODS)
    only = channel_of(channel) if channel else None
    with open_store(read_settings()) as store:
        cells = by_channel(store, by=cast(Literal["day", "week", "month"], by), channel=only)
    if json:
        for c in cells:
            output.print_json({by: f"{c.start:%Y-%m-%d}", "channel": c.key, "net": c.mood.net, **asdict(c.mood)})
    elif cells:
        moods = [(c.mood.total, c.mood.negative, c.mood.neutral, c.mood.positive, net_bar(c.mood.net)) for c in cells]
        rows = [(f"{c.start:%Y-%m-%d}", c.key, *mood) for c, mood in zip(cells, moods, strict=True)]
        output.print_table(f"By {by}", (by, "channel", "messages", "negative", "neutral", "positive", "net"), rows)
    else:
        output.say("Nothing is analysed yet: textcrm ingest, then textcrm analyse.")


def phrases(
    channel: Annotated[str | None, typer.Option(help="Of this channel.")] = None,
    intent: Annotated[str | None, typer.Option(help="Of this intent.")] = None,
    sentiment: Annotated[str | None, typer.Option(help="Of this sentiment.")] = None,
    product: Annotated[str | None, typer.Option(help="Of this product.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    json: Json = False,
) -> None:
    """Show the words and phrases that set some messages apart from all others."""
    from textcrm.operations.trends.phrases import phrases_of
    from textcrm.store import open_store

    given = {"channel": channel, "intent": intent, "sentiment": sentiment, "product": product}
    with open_store(read_settings()) as store:
        found = phrases_of(store, {k: v for k, v in given.items() if v is not None}, limit=limit)
    if json:
        for p in found:
            output.print_json({"phrase": p.text, "z": round(p.z, 2), "inside": p.inside, "outside": p.outside})
    elif found:
        rows = [(p.text, p.inside, p.outside, f"{p.z:.1f}") for p in found]
        output.print_table("Said more often there", ("phrase", "messages there", "elsewhere", "z"), rows)
    else:
        output.say("Nothing is said there more often than chance allows.")


def aspects(
    channel: Annotated[str | None, typer.Option(help="Of this channel.")] = None,
    intent: Annotated[str | None, typer.Option(help="Of this intent.")] = None,
    product: Annotated[str | None, typer.Option(help="Of this product.")] = None,
    topic: Annotated[str | None, typer.Option(help="Of this topic, by its id.")] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="Messages that are read, the newest.")] = 2_000,
    json: Json = False,
) -> None:
    """Show what customers praise and what they blame, each with a sentence."""
    from textcrm.engine import Engine
    from textcrm.operations.trends.aspects import aspects_of
    from textcrm.store import open_store

    given = {"channel": channel, "intent": intent, "product": product, "topic": topic}
    settings = read_settings()
    with open_store(settings) as store:
        engine = Engine.open(settings, channels=["chat"])
        filters = {k: v for k, v in given.items() if v is not None}
        praised, blamed = aspects_of(store, engine, filters, most=most)
    for title, found in (("Praised", praised), ("Blamed", blamed)):
        if json:
            for a in found:
                said = {"term": a.term, "mood": a.mood, "messages": a.messages, "negative": a.negative}
                output.print_json({**said, "positive": a.positive, "message": a.quote.message_id, "says": a.quote.text})
        elif found:
            rows = [(a.term, a.messages, a.negative, a.positive, a.quote.text) for a in found]
            output.print_table(title, ("about", "messages", "negative", "positive", "says"), rows, cut="says")
    if not json and not praised and not blamed:
        output.say("Nothing is praised or blamed more than the rest.")
