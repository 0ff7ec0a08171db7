"""What people decide about customers, as commands of ``textcrm customers``: merge, split, confirm, reject, undo."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.link.decisions import Decision, DecisionKind

By = Annotated[str | None, typer.Option(help="Who decides; the user of this machine without it.")]
Messages = Annotated[list[str], typer.Argument(help="Ids of messages.", show_default=False)]


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group of customers."""
    for command in (merge, split, confirm, reject, undo, decisions):
        group.command()(command)


def merge(customer: str, into: str, by: By = None) -> None:
    """Make two customers one: the messages of the first become the second's. Both records stay; undo parts them."""
    _decide("merge", customer, other=into, by=by)


def split(customer: str, other: str, messages: Messages, by: By = None) -> None:
    """Move messages from a customer to another."""
    _decide("split", customer, other=other, messages=messages, by=by)


def confirm(customer: str, messages: Messages, by: By = None) -> None:
    """Say that messages are of a customer."""
    _decide("confirm", customer, messages=messages, by=by)


def reject(customer: str, messages: Messages, by: By = None) -> None:
    """Say that messages are not of a customer."""
    _decide("reject", customer, messages=messages, by=by)


def undo(decision: str) -> None:
    """Take a decision back, as if it had never been made."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.links.decisions import undo as run
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        made = run(store, decision)
        note_terminal(store, settings, "customers undo", made.about)
    _say(made)


def decisions(json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False) -> None:
    """List the decisions, oldest first, with those that were taken back."""
    from textcrm.operations.links.decisions import decisions as listed
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        found = listed(store, undone=True)
    if json:
        for decision in found:
            output.print_json(decision.model_dump(mode="json"))
        return
    output.print_table(
        "Decisions",
        ("id", "kind", "customer", "other", "messages", "by", "at", ""),
        (
            (
                d.id,
                d.kind,
                d.customer,
                d.other or "",
                len(d.messages),
                d.by,
                f"{d.at:%Y-%m-%d %H:%M}",
                "undone" * d.undone,
            )
            for d in found
        ),
    )


def _decide(
    kind: DecisionKind, customer: str, *, by: str | None, other: str | None = None, messages: list[str] | None = None
) -> None:
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.links.decisions import decide
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        made = decide(store, kind, customer, other=other, messages=messages or (), by=by or getpass.getuser())
        note_terminal(store, settings, f"customers {kind}", made.about)
    _say(made)


def _say(decision: Decision) -> None:
    output.say(
        f"{'Taken back' if decision.undone else 'Recorded'}: {decision.kind} {decision.id}. Next: textcrm analyse"
    )
