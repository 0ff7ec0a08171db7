"""``textcrm correct``: a person says which label is right."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="Corrections of labels: list, undo.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("undo")(undo)
    app.command("correct")(correct)
    app.add_typer(group, name="corrections")


def correct(
    message: Annotated[str, typer.Argument(help="The id of a message, or its first digits.", show_default=False)],
    task: Annotated[str, typer.Argument(help="sentiment, intent or urgency.", show_default=False)],
    label: Annotated[str, typer.Argument(help="The label that is right.", show_default=False)],
    by: Annotated[str | None, typer.Option(help="Who says so; your login name unless set.")] = None,
    json: Json = False,
) -> None:
    """Say which label is right. `textcrm train RECIPE --with-corrections` learns from it."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.models.corrections import correct as run
    from textcrm.operations.models.corrections import labels_of
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        full = store.messages.full_id(message)
        labels = labels_of(task, settings=settings)
        made = run(store, full, task=task, label=label, by=by or getpass.getuser(), labels=labels)
        note_terminal(store, settings, "correct", full)
    if json:
        output.print_json({"id": made.id, "message": made.message_id, "task": task, "label": label, "by": made.by})
    else:
        said = f" (the model had said {made.said.label})" if made.said else ""
        output.say(f"Kept: {task} is {label}{said}. Undo: textcrm corrections undo {made.id}")


def list_(json: Json = False) -> None:
    """List the corrections that stand, oldest first."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        made = store.corrections.list()
    if json:
        for c in made:
            said = c.said.label if c.said else None
            row = {"id": c.id, "message": c.message_id, "task": c.task, "label": c.label, "said": said}
            output.print_json({**row, "by": c.by, "at": c.at})
    elif made:
        rows = [(c.id, c.message_id[:8], c.task, c.said.label if c.said else "", c.label, c.by) for c in made]
        output.print_table("Corrections", ("id", "message", "task", "said", "is", "by"), rows)
    else:
        output.say("No correction stands.")


def undo(correction: Annotated[str, typer.Argument(help="The id of the correction.", show_default=False)]) -> None:
    """Take a correction back."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.models.corrections import undo as run
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        undone = run(store, correction, by=getpass.getuser())
        note_terminal(store, settings, "corrections undo", undone.message_id)
    output.say(f"Taken back: {undone.task} of {undone.message_id[:8]} is what the model said.")
