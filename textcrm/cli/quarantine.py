"""``textcrm quarantine``: what could not be taken, and another try."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

group = typer.Typer(help="What could not be taken in: list, show, replay.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(group, name="quarantine")


@group.command(name="list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also what was replayed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 1000,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List the items, newest first."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        items = store.quarantine.list(status=None if every else "waiting", limit=limit)
    if json:
        for item in items:
            output.print_json({**asdict(item), "source": item.source.model_dump()})
    elif not items:
        output.say("The quarantine is empty.")
    else:
        rows = [
            (i.id, f"{i.at:%Y-%m-%d %H:%M}", i.reason, i.source.name, i.source.place or "", f"{i.size:,}", i.detail)
            for i in items
        ]
        output.print_table("Quarantine", ("id", "at (UTC)", "reason", "file", "place", "bytes", "why"), rows)


@group.command()
def show(
    item: Annotated[str, typer.Argument(help="The id of the item.", show_default=False)],
    raw: Annotated[bool, typer.Option("--raw", help="Write the raw bytes to standard output, nothing else.")] = False,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Show one item: where it came from, why it was refused, its raw bytes."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        found = store.quarantine.get(item)
        data = store.raws.get(found.raw_sha256) if raw else b""
    if raw:
        sys.stdout.buffer.write(data)
    elif json:
        output.print_json({**asdict(found), "source": found.source.model_dump()})
    else:
        facts = {**asdict(found), "source": f"{found.source.kind} {found.source.name} {found.source.place or ''}"}
        output.print_table(f"Quarantine {found.id}", ("", ""), [(k, v) for k, v in facts.items() if v])
        output.say("Its bytes: textcrm quarantine show --raw " + found.id)


@group.command()
def replay(
    items: Annotated[list[str] | None, typer.Argument(help="Ids; none: everything that waits.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Try items again with the settings and the program of today."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.intake.quarantine import replay_items
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        chosen = [store.quarantine.get(i) for i in items] if items else store.quarantine.list(limit=100_000)
        with output.progress("Replaying", total=len(chosen)) as step:
            done = replay_items(store, chosen, settings=settings)
            step(len(done))
        note_terminal(store, settings, "quarantine replay", [one.id for one in done])
    for one in done:
        if json:
            output.print_json(asdict(one))
        else:
            output.say(f"{one.id}  {one.outcome}  {one.detail}".rstrip())
    if not done and not json:
        output.say("The quarantine is empty.")
    if any(one.outcome == "failed" for one in done):
        raise output.fail(output.EXIT_SOME_FAILED)
