"""``textcrm customers``: import, sync, list, show and export customers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import customer_events, customers_quality, decisions, output
from textcrm.cli.arguments import JSON_HELP, pairs
from textcrm.cli.customer_options import MAP_HELP, MAPPING_HELP, REGION_HELP, SAVE_HELP, Chosen, chosen, save
from textcrm.errors import UsageError
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.operations.customers.tables import CustomerReport
    from textcrm.records import CustomerEvent, Insight

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Customers: import, sync, list, show, export.", no_args_is_help=True)
    group.command("import")(import_)
    group.command("sync")(sync)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("export")(export)
    customer_events.add_to(group)
    customers_quality.add_to(group)
    decisions.add_to(group)
    app.add_typer(group, name="customers")


def import_(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL, Parquet or Excel.", show_default=False)],
    map_: Annotated[list[str] | None, typer.Option("--map", help=MAP_HELP)] = None,
    mapping: Annotated[Path | None, typer.Option(help=MAPPING_HELP)] = None,
    save_mapping: Annotated[Path | None, typer.Option(help=SAVE_HELP)] = None,
    region: Annotated[str | None, typer.Option(help=REGION_HELP)] = None,
    provider_rules: Annotated[
        bool, typer.Option("--provider-rules", help="Fold mail addresses: plus tags, the dots at Gmail.")
    ] = False,
    missing: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=POLICY for missing values: leave, drop, mean, median, mode or model."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Store the customers of a table; the same file again changes nothing."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.customers.tables import import_customers
    from textcrm.store import open_store

    settings = read_settings()
    options = chosen(
        mapping,
        pairs(map_ or [], option="--map"),
        region=settings.region,
        given_region=region,
        provider_rules=provider_rules,
        missing=pairs(missing or [], option="--missing"),
    )
    with open_store(settings) as store, output.progress("Importing") as step:
        report = import_customers(
            store,
            file,
            mapping=options.columns,
            guess=options.guess,
            region=options.region,
            provider_rules=options.provider_rules,
            missing=options.missing,
            progress=step,
        )
        note_terminal(store, settings, "customers import", file.name)
    _tell(report, options, save_mapping, json)


def sync(
    url: Annotated[str, typer.Argument(help="Address of the database: postgresql://..., sqlite:///file.db")],
    table: Annotated[str | None, typer.Option(help="Table or view: name or schema.name.")] = None,
    query: Annotated[str | None, typer.Option(help="A query instead of a table.")] = None,
    updated_at: Annotated[
        str | None, typer.Option(help="Column that says when a row changed: next time only those are read.")
    ] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help=MAP_HELP)] = None,
    mapping: Annotated[Path | None, typer.Option(help=MAPPING_HELP)] = None,
    save_mapping: Annotated[Path | None, typer.Option(help=SAVE_HELP)] = None,
    region: Annotated[str | None, typer.Option(help=REGION_HELP)] = None,
    provider_rules: Annotated[
        bool, typer.Option("--provider-rules", help="Fold mail addresses: plus tags, the dots at Gmail.")
    ] = False,
    missing: Annotated[
        str,
        typer.Option(
            help="Customers that an earlier sync brought and the source no longer has: keep, or mark with a field "
            "that says since when. To mark, all rows are read, not only what changed."
        ),
    ] = "keep",
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Store the customers of an SQL database, through SQLAlchemy; say which columns came and went since last time."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.customers.tables import MISSING_CHOICES, sync_customers
    from textcrm.sources.sql import SqlSource
    from textcrm.store import open_store

    settings = read_settings()
    options = chosen(
        mapping,
        pairs(map_ or [], option="--map"),
        region=settings.region,
        given_region=region,
        provider_rules=provider_rules,
    )
    choice = next((one for one in MISSING_CHOICES if one == missing), None)
    if choice is None:
        raise UsageError("Missing customers are kept or marked", options=MISSING_CHOICES)
    source = SqlSource(url, table=table, query=query, updated_at=updated_at)
    with open_store(settings) as store, output.progress("Reading") as step:
        report = sync_customers(
            store,
            source,
            mapping=options.columns,
            guess=options.guess,
            region=options.region,
            provider_rules=options.provider_rules,
            missing=choice,
            progress=step,
        )
        note_terminal(store, settings, "customers sync", table or "a query")
    if report.appeared:
        output.say(f"Columns that were not there the last time: {_names(report.appeared)}.")
    if report.vanished:
        output.say(f"Columns of the last time that are gone: {_names(report.vanished)}.")
    if report.missing is not None:
        output.say(f"{report.missing:,} customers are no longer in the source; each is marked.")
    elif choice == "mark":
        output.say("The source has no rows, as if it were broken: nobody is marked.")
    _tell(report, options, save_mapping, json)


def _tell(report: CustomerReport, options: Chosen, save_mapping: Path | None, json: bool) -> None:
    """Say what became of the rows."""
    used = ", ".join(f"{name} from {column!r}" for name, column in report.mapping.items())
    output.say(f"Columns: {used or 'none is known'}.")
    if save_mapping is not None:
        save(save_mapping, report.columns, options)
        output.say(f"The mapping is saved: {save_mapping}")
    for kind, count in report.remarks.items():
        output.say(f"{count:,} values are no valid {kind}; they are kept among the other fields.")
    for kind, count in report.normalised.items():
        output.say(f"{count:,} values of {kind} were brought into one form.")
    for column, facts in report.filled.items():
        output.say(f"{facts['count']:,} missing values of {column!r}: {facts['policy']}, {facts['how']}.")
    if report.resumed:
        output.say(f"{report.resumed:,} rows were stored by an earlier run that was cut short; it went on after them.")
    if report.repeated:
        output.say(f"{report.repeated:,} rows have the id of an earlier row; the last one of each was taken.")
    if report.relinked:
        output.say(f"{report.relinked:,} messages of unknown authors are linked to these customers now.")
    if json:
        names = ("created", "changed", "unchanged", "quarantined", "repeated", "relinked", "mapping", "remarks",
                 "normalised", "filled", "resumed", "missing",
                 "appeared", "vanished")  # fmt: skip
        output.print_json({name: getattr(report, name) for name in names})
    output.say(
        f"{report.created:,} created, {report.changed:,} changed, {report.unchanged:,} unchanged, "
        f"{report.quarantined:,} in quarantine."
    )
    for rejection in report.rejections[:SHOWN]:
        place = f"{rejection.file}:{rejection.line}" if rejection.line else rejection.file
        output.say(f"  {rejection.id}  {place}: {rejection.detail}")
    if report.quarantined:
        raise output.fail(output.EXIT_SOME_FAILED)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in columns[:SHOWN])


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
    from textcrm.operations.customers.insights import customer_view
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        view = customer_view(store, customer_id)
    customer, fields = view.customer, view.fields
    if json:
        output.print_json(
            {
                "customer": customer.model_dump(mode="json"),
                "identities": [{"kind": k, "value": v, "from": origin} for k, v, origin in view.identities],
                "messages": fields.messages,
                "last_contact": fields.last_contact,
                "last_sentiment": fields.last_sentiment,
                "trend": fields.trend,
                "sentiments": fields.sentiments,
                "top_intents": dict(fields.top_intents),
                "open_intents": list(view.open_intents),
                "sentiment_by_month": dict(view.sentiment_by_month),
                "orders": [event.model_dump(mode="json") for event in view.events],
                "timeline": [{"at": at, **_line(one)} for at, one in view.moments],
            }
        )
        return
    title = f"{customer.name or customer.id}{' (provisional)' * customer.provisional}"
    rows = [("id", customer.id), ("company", customer.company or ""), ("segment", customer.segment or "")]
    rows += [(kind, f"{value}  (from {origin})") for kind, value, origin in view.identities]
    rows += [*customer.fields, ("messages", str(fields.messages)), ("last sentiment", fields.last_sentiment or "")]
    rows += [("trend", fields.trend), ("open", ", ".join(view.open_intents))]
    output.print_table(title, ("field", "value"), ((k, v) for k, v in rows if v))
    if view.moments:
        columns = ("at (UTC)", "message or event", "channel or kind", "sentiment", "intent", "amount", "linked by")
        rows_ = [(f"{at:%Y-%m-%d %H:%M}" if at else "", *_cells(one)) for at, one in view.moments[:SHOWN]]
        output.print_table("Messages and events, newest first", columns, rows_)


def export(
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
) -> None:
    """Write all customers with their insight fields as CSV, for the CRM."""
    import sys

    from textcrm.operations.customers.insights import export_customers
    from textcrm.store import open_store

    with open_store(read_settings()) as store, output.progress("Exporting", total=store.customers.count()) as step:
        if out is None:
            written = export_customers(store, sys.stdout, progress=step)
        else:
            with out.open("w", encoding="utf-8", newline="") as file:
                written = export_customers(store, file, progress=step)
    output.say(f"{written:,} customers written.")


def _cells(one: Insight | CustomerEvent) -> tuple[str, ...]:
    """Return a message or an event as the cells of the timeline."""
    line = _line(one)
    if "event" in line:
        return line["number"], line["kind"], "", "", f"{line['amount']} {line['currency']}".strip(), ""
    return line["message"], line["channel"], line["sentiment"], line["intent"], "", line["link"]


def _line(one: Insight | CustomerEvent) -> dict[str, str]:
    from textcrm.records import CustomerEvent

    if isinstance(one, CustomerEvent):
        amount = "" if one.amount is None else f"{one.amount:f}"
        named = {"event": one.id, "kind": one.kind, "number": one.number or ""}
        return {**named, "amount": amount, "currency": one.currency or ""}
    insight = one

    def label(task: str) -> str:
        prediction = insight.prediction(task)
        return "" if prediction is None else f"({prediction.label})" if prediction.abstained else prediction.label

    return {
        "message": insight.message_id,
        "channel": insight.channel,
        "sentiment": label("sentiment"),
        "intent": label("intent"),
        "link": insight.link.rule if insight.link else "",
    }
