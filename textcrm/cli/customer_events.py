"""``textcrm customers events``: orders and other events of customers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP, pairs
from textcrm.cli.customer_options import MAPPING_HELP, SAVE_HELP, chosen, save
from textcrm.settings import read_settings

SHOWN = 20


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group of customers."""
    events = typer.Typer(help="Orders and other events of customers: import.", no_args_is_help=True)
    events.command("import")(import_)
    group.add_typer(events, name="events")


def import_(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL, Parquet or Excel.", show_default=False)],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="FIELD=COLUMN; fields: customer, email, number, at, kind, amount, currency.",
        ),
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help=MAPPING_HELP)] = None,
    save_mapping: Annotated[Path | None, typer.Option(help=SAVE_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Store the orders and other events of a table; the same file again changes nothing."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.customers.events import import_events
    from textcrm.store import open_store

    settings = read_settings()
    options = chosen(mapping, pairs(map_ or [], option="--map"), region=settings.region, of="events")
    with open_store(settings) as store, output.progress("Importing") as step:
        report = import_events(store, file, mapping=options.columns, guess=options.guess, progress=step)
        note_terminal(store, settings, "customers events import", file.name)
    used = ", ".join(f"{name} from {columns[0]!r}" for name, columns in report.columns.items())
    output.say(f"Columns: {used or 'none is known'}.")
    if save_mapping is not None:
        save(save_mapping, report.columns, options, of="events")
        output.say(f"The mapping is saved: {save_mapping}")
    for name, count in report.remarks.items():
        output.say(f"{count:,} values of {name} cannot be read; they are kept among the other fields.")
    if report.resumed:
        output.say(f"{report.resumed:,} rows were stored by an earlier run that was cut short; it went on after them.")
    if report.unknown:
        output.say(f"{report.unknown:,} events are of customers that are not stored yet.")
    if json:
        names = ("created", "changed", "unchanged", "quarantined", "unknown", "resumed", "remarks")
        mapped = {name: ", ".join(columns) for name, columns in report.columns.items()}
        output.print_json({**{name: getattr(report, name) for name in names}, "mapping": mapped})
    output.say(
        f"{report.created:,} created, {report.changed:,} changed, {report.unchanged:,} unchanged, "
        f"{report.quarantined:,} in quarantine."
    )
    for rejection in report.rejections[:SHOWN]:
        place = f"{rejection.file}:{rejection.line}" if rejection.line else rejection.file
        output.say(f"  {rejection.id}  {place}: {rejection.detail}")
    if report.quarantined:
        raise output.fail(output.EXIT_SOME_FAILED)
