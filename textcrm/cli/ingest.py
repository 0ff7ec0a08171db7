"""``textcrm ingest``: take messages in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import CHANNEL_HELP, JSON_HELP, MAP_HELP, PATHS_HELP, channel_of, pairs
from textcrm.settings import read_settings

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ingest)


def ingest(
    paths: Annotated[list[Path], typer.Argument(help=PATHS_HELP, show_default=False)],
    channel: Annotated[str, typer.Option(help=CHANNEL_HELP)],
    map_: Annotated[list[str] | None, typer.Option("--map", help=MAP_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Read files and folders and store every message once.

    What cannot be taken goes to the quarantine with its raw bytes and its reason; the rest goes on. Taking the same
    files in again changes nothing.
    """
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.intake.ingest import ingest as run
    from textcrm.sources import count, mapping_of
    from textcrm.store import open_store

    settings = read_settings()
    mapping = pairs(map_ or [], option="--map") or None
    wanted = channel_of(channel)
    for path in paths:
        columns = mapping_of(path, mapping) if path.is_file() else {}
        if columns:
            output.say(f"{path.name}: " + ", ".join(f"{field}={column}" for field, column in columns.items()))
    total = sum(count(path) for path in paths if path.exists())
    with open_store(settings) as store, output.progress("Reading", total=total) as step:
        report = run(store, paths, channel=wanted, settings=settings, mapping=mapping, progress=step)
        note_terminal(store, settings, "ingest", [path.name for path in paths])
    if json:
        for rejection in report.rejections:
            output.print_json({"quarantine": asdict(rejection)})
        output.print_json(
            {
                "stored": report.stored,
                "duplicates": report.duplicates,
                "quarantined": report.quarantined,
                "items": report.items,
            }
        )
    else:
        output.say(
            f"{report.items:,} items: {report.stored:,} stored, {report.duplicates:,} there already, "
            f"{report.quarantined:,} in quarantine."
        )
        for rejection in report.rejections[:SHOWN]:
            place = f"{rejection.file}:{rejection.line}" if rejection.line else rejection.file
            output.say(f"  {rejection.id}  {place}: {rejection.detail}")
        if len(report.rejections) > SHOWN:
            output.say(f"  and {len(report.rejections) - SHOWN:,} more: textcrm quarantine list")
        if report.stored:
            output.say("Next: textcrm analyse")
    if report.quarantined:
        raise output.fail(output.EXIT_SOME_FAILED)
