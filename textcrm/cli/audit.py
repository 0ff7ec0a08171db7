"""``textcrm audit``: who wrote what, who read which texts, and whether the log is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.errors import UsageError
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.store.audit import Entry

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def register(app: typer.Typer) -> None:
    """Add the group."""
    audit = typer.Typer(help="The log of writes and of readings of texts.", no_args_is_help=True)
    audit.command("verify")(verify)
    audit.command("list")(show)
    app.add_typer(audit, name="audit")


def verify(json: Json = False) -> None:
    """Check that no entry was changed, moved, taken out or cut off."""
    from textcrm.operations.access.audit import audit_of
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        found = audit_of(store, settings).verify()
    if json:
        output.print_json({"entries": found.entries, "whole": not found.problems, "problems": list(found.problems)})
    else:
        for problem in found.problems:
            output.say(problem)
        output.say(f"{found.entries:,} entries. " + ("Not whole." if found.problems else "Whole, in order, unchanged."))
    if found.problems:
        raise output.fail(output.EXIT_SOME_FAILED)


def show(
    who: Annotated[str | None, typer.Option(help="key:ID, person:NAME or terminal:USER.")] = None,
    kind: Annotated[str | None, typer.Option(help="read, write or alarm.")] = None,
    about: Annotated[str | None, typer.Option(help="Id of a message, customer, key ...")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Entries to show.")] = 50,
    json: Json = False,
) -> None:
    """List entries, newest first."""
    from textcrm.operations.access.audit import audit_of
    from textcrm.store import open_store
    from textcrm.store.audit import KINDS

    chosen = next((k for k in KINDS if k == kind), None)
    if kind is not None and chosen is None:
        raise UsageError("There is no such kind of entry", options=KINDS)
    settings = read_settings()
    with open_store(settings) as store:
        entries = audit_of(store, settings).page(who=who, kind=chosen, about=about, limit=limit)
    if json:
        for entry in entries:
            output.print_json(_fields(entry))
        return
    rows = [
        (e.number, f"{e.at:%Y-%m-%d %H:%M:%S}", e.deed.who, e.deed.kind, e.deed.action, ", ".join(e.deed.about))
        for e in entries
    ]
    output.print_table("Audit log", ("number", "at", "who", "kind", "action", "about"), rows, cut="about")


def _fields(entry: Entry) -> dict[str, Any]:
    deed = entry.deed
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "who": deed.who,
        "kind": deed.kind,
        "action": deed.action,
        "about": list(deed.about),
        "request_id": deed.request,
        "mac": entry.mac,
    }
