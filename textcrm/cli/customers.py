"""``textcrm customers``: import, list, show and export customers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP, pairs
from textcrm.settings import read_settings

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Customers: import, list, show, export.", no_args_is_help=True)
    group.command("import")(import_)
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group, name="customers")


def import_(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL, Parquet or Excel.", show_default=False)],
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="FIELD=COLUMN, where the column has another name. Example: --map email=Mail."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Store the customers of a table; the same file again changes nothing."""
    from textcrm.operations.customers import import_customers
    from textcrm.store import open_store

    settings = read_settings()
    mapping = pairs(map_ or [], option="--map") or None
    with open_store(settings) as store, output.progress("Importing") as step:
        report = import_customers(store, file, mapping=mapping, region=settings.region, progress=step)
    used = ", ".join(f"{name} from {column!r}" for name, column in report.mapping.items())
    output.say(f"Columns: {used or 'none is known'}.")
    for kind, count in report.remarks.items():
        output.say(f"{count:,} values are no valid {kind}; they are kept among the other fields.")
    if json:
        output.print_json(
            {
                "created": report.created,
                "changed": report.changed,
                "unchanged": report.unchanged,
                "quarantined": report.quarantined,
                "mapping": report.mapping,
            }
        )
    output.say(
        f"{report.created:,} created, {report.changed:,} changed, {report.unchanged:,} unchanged, "
        f"{report.quarantined:,} in quarantine."
    )
    for rejection in report.rejections[:SHOWN]:
        place = f"{rejection.file}:{rejection.line}" if rejection.line else rejection.file
        output.say(f"  {rejection.id}  {place}: {rejection.detail}")
    if report.quarantined:
        raise output.fail(output.EXIT_SOME_FAILED)


def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    after: Annotated[str | None, typer.Option(help="Those after this id.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List customers in the order of their ids."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        customers = store.customers.list(after=after, limit=limit)
    if json:
        for customer in customers:
            output.print_json(customer.model_dump())
        return
    output.print_table(
        "Customers",
        ("id", "name", "mail", "phone", "company", ""),
        (
            (
                c.id,
                c.name or "",
                ", ".join(c.emails),
                ", ".join(c.phones),
                c.company or "",
                "provisional" * c.provisional,
            )
            for c in customers
        ),
    )


def show(
    customer_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Show one customer: identities, fields, messages over all channels, sentiment."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        customer = store.customers.get(customer_id)
    if json:
        output.print_json(customer.model_dump())
        return
    output.print_table("Customer", ("field", "value"), ((k, str(v)) for k, v in customer.model_dump().items() if v))
