"""``textcrm doctor``: what is wrong with this set-up, and what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

MARKS = {"ok": "ok", "warning": "!", "error": "ERROR"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Make indexes that are missing or of an older version.")] = False,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Look at the database, models, disk, clock, workers and lag; say what to do where one is not well.

    Exits with 1 where something is broken; warnings alone do not.
    """
    from textcrm.operations.doctor import examine

    broken = 0
    for finding in examine(read_settings(), fix=fix):
        broken += finding.status == "error"
        if json:
            output.print_json(asdict(finding))
        else:
            typer.echo(f"{MARKS[finding.status]:>5}  {finding.about}: {finding.what.rstrip('.')}.")
            if finding.todo:
                typer.echo(f"       -> {finding.todo}")
    if broken:
        raise output.fail(output.EXIT_SOME_FAILED)
