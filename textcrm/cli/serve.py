"""``textcrm serve``: the API and the pages."""

from __future__ import annotations

from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.errors import DependencyError
from textcrm.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless set.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 8600 unless set.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes behind the one port.")] = 1,
    with_worker: Annotated[bool, typer.Option("--with-worker", help="Analyse stored messages, too.")] = False,
) -> None:
    """Serve the API until stopped with Ctrl-C."""
    settings = read_settings()
    given = {"host": host, "port": port}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    try:
        from textcrm_api.server import run
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"The service needs {error.name}", hint="Install it with: pip install 'textcrm[api]'."
        ) from error
    output.say(f"Serving on http://{settings.host}:{settings.port}. Make a key with: textcrm keys create NAME.")
    run(settings, workers=workers, with_worker=with_worker)
