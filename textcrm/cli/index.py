"""``textcrm index``: build the index of similar messages now."""

from __future__ import annotations

from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(index)


def index(json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False) -> None:
    """Build the index that similar messages are found by; the service does so by itself when it is time.

    It lies under TEXTCRM_HOME/similar and is made of the vectors in the database: deleted, it is built again.
    """
    import os

    from textcrm.operations.desk.similar import build_indexes
    from textcrm.store import open_store

    settings = read_settings()
    os.nice(10)  # behind whoever answers
    with open_store(settings) as store, output.progress("Building") as step:
        built = build_indexes(store, settings, progress=step)
    if json:
        output.print_json({"built": built})
    else:
        output.say(f"Built: {', '.join(built)}." if built else "Nothing is new, or another process builds it now.")
