"""The program ``textcrm``: gathers the command groups and turns errors into words and exit codes."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import typer

from textcrm.cli.output import EXIT_SOME_FAILED, EXIT_USAGE, say
from textcrm.errors import TextcrmError, UsageError

# Each module has a function register(app: typer.Typer) that adds its commands. Nothing heavy is imported there.
GROUPS = (
    "demo",
    "ingest",
    "customers",
    "analyse",
    "look",
    "correct",
    "clean",
    "entities",
    "link",
    "models",
    "quarantine",
    "keys",
    "users",
    "audit",
    "serve",
    "signin",
    "report",
    "topics",
    "alerts",
    "worker",
    "index",
    "sources",
    "doctor",
)


def build_app() -> typer.Typer:
    """Return the command line application."""
    app = typer.Typer(
        name="textcrm",
        help="Customer messages in, linked and explained records out.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=True,
    )
    for group in GROUPS:
        if importlib.util.find_spec(f"textcrm.cli.{group}") is None:
            continue
        importlib.import_module(f"textcrm.cli.{group}").register(app)
    return app


def main() -> None:
    """Run the command line."""
    try:
        build_app()()
    except UsageError as error:
        say(f"textcrm: {error}")
        sys.exit(EXIT_USAGE)
    except TextcrmError as error:
        say(f"textcrm: {error}")
        sys.exit(EXIT_SOME_FAILED)
    except BrokenPipeError:
        sys.exit(EXIT_SOME_FAILED)
