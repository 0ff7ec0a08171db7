"""``textcrm analyse``: stored messages, one text, or the lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from textcrm.cli import output
from textcrm.cli.arguments import CHANNEL_HELP, JSON_HELP, channel_of
from textcrm.cli.link import tell_own
from textcrm.errors import UsageError
from textcrm.records import Channel
from textcrm.settings import Settings, read_settings

Item = TypeVar("Item")

if TYPE_CHECKING:
    from textcrm.records import Insight


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(analyse)


def analyse(
    file: Annotated[
        Path | None, typer.Argument(help="A table or JSONL of texts to analyse without storing.", show_default=False)
    ] = None,
    text: Annotated[str | None, typer.Option(help="One text to analyse without storing.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Stored messages that were analysed before, too.")] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Stored messages that an older pipeline or model analysed, too.")
    ] = False,
    channel: Annotated[str, typer.Option(help=CHANNEL_HELP)] = "chat",
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Analyse the stored messages that wait, or with --text or FILE something that is not stored."""
    if text is not None and file is not None:
        raise UsageError("Give --text or FILE, not both")
    settings = read_settings()
    if text is not None:
        _one(settings, text, channel_of(channel), as_json=json)
    elif file is not None:
        _file(settings, file, channel_of(channel))
    else:
        _stored(settings, every=every, stale=stale, as_json=json)


def _stored(settings: Settings, *, every: bool, stale: bool, as_json: bool) -> None:
    from textcrm.engine import Engine
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.texts.analysis import analyse_stored
    from textcrm.operations.work.stream import rework
    from textcrm.store import open_store

    with open_store(settings) as store:
        tell_own(store, settings)
        engine = Engine.open(settings)
        if stale:
            rework(store, standing=[line.fingerprint for line in engine.lines.values()])
        counts = store.messages.counts()
        total = sum(counts.values()) if every else counts.get("pending", 0) + counts.get("leased", 0)
        with output.progress("Analysing", total=total) as step:
            report = analyse_stored(store, engine, everything=every, progress=step)
        note_terminal(store, settings, "analyse" + " --all" * every + " --stale" * stale)
    if as_json:
        failed = [{"id": i, "reason": reason} for i, reason in report.failed]
        output.print_json({"done": report.done, "failed": len(failed), "failures": failed})
    else:
        output.say(f"{report.done:,} messages analysed, {len(report.failed):,} in quarantine.")
        for message_id, reason in report.failed:
            output.say(f"  {message_id}: {reason}")
    if report.failed:
        raise output.fail(output.EXIT_SOME_FAILED)


def _one(settings: Settings, text: str, channel: Channel, *, as_json: bool) -> None:
    from textcrm.engine import Engine
    from textcrm.operations.texts.analysis import analyse_text

    if not text.strip():
        raise UsageError("The text is empty", hint="Give some words: textcrm analyse --text 'Where is my order?'")
    _, insight = analyse_text(Engine.open(settings, channels=(channel,)), None, text, channel=channel)
    if as_json:
        output.print_json(insight.model_dump(mode="json"))
    else:
        _show(insight)


def _file(settings: Settings, file: Path, channel: Channel) -> None:
    from textcrm.engine import Engine
    from textcrm.operations.texts.analysis import analyse_file
    from textcrm.sources import Rejected

    failed = 0
    for item in _counted(
        analyse_file(Engine.open(settings, channels=(channel,)), file, channel=channel, settings=settings)
    ):
        if isinstance(item, Rejected):
            failed += 1
            output.print_json({"error": item.reason, "detail": item.detail, "line": item.source.place})
        else:
            output.print_json(item.model_dump(mode="json"))
    if failed:
        output.say(f"{failed:,} items could not be read.")
        raise output.fail(output.EXIT_SOME_FAILED)


def _counted(items: Iterator[Item]) -> Iterator[Item]:
    with output.progress("Analysing") as step:
        for item in items:
            yield item
            step(1)


def _show(insight: Insight) -> None:
    rows = []
    for prediction in insight.predictions:
        second = prediction.top[1] if len(prediction.top) > 1 else None
        rows.append(
            (
                prediction.task,
                prediction.label + (f" (declined: {prediction.reason})" if prediction.abstained else ""),
                f"{prediction.confidence:.2f}",
                f"{second.label} {second.confidence:.2f}" if second else "",
            )
        )
    output.print_table("Predictions", ("task", "label", "confidence", "second"), rows)
    found = [(e.label, e.text, e.value or "", e.source) for e in insight.entities]
    if found:
        output.print_table("Entities", ("kind", "text", "value", "found by"), found)
    output.say(f"Language {insight.language.code} ({insight.language.confidence:.2f}); kind {insight.kind}.")
