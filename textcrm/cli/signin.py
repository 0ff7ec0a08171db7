"""``textcrm signin``: a new link to the pages of a service that runs."""

from __future__ import annotations

from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(signin)


def signin(
    name: Annotated[str, typer.Argument(help="Who signs in; stands beside what they do at the desk.")] = "admin",
    url: Annotated[
        str | None, typer.Option(help="Address of the service, where it is not the one of the settings.")
    ] = None,
) -> None:
    """Print a link that signs one person in to the pages, once, within twelve hours."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.store import open_store
    from textcrm_api.dashboard import sign_in_link

    settings = read_settings()
    with open_store(settings) as store:
        output.console().out(sign_in_link(store, url or f"http://{settings.host}:{settings.port}", name=name))
        note_terminal(store, settings, "signin", name)
