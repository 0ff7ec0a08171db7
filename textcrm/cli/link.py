"""``textcrm link``: find the records that are one person, in a table or between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP

if TYPE_CHECKING:
    from textcrm.operations.linking import LinkReport

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Find the records that are one person.", no_args_is_help=True)
    group.command("dedupe")(dedupe)
    group.command("match")(match)
    app.add_typer(group, name="link")


def dedupe(
    file: Annotated[
        Path, typer.Argument(help="A table with a header: CSV, JSONL, Parquet, Excel.", show_default=False)
    ],
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Give the records of a table that are one person the same cluster."""
    from textcrm.operations.linking import dedupe as run

    rows, report = run(file, progress=output.say)
    _tell(report)
    if json:
        for row in rows:
            output.print_json({"record": row.record, "cluster": row.cluster, "confidence": row.confidence})
    else:
        groups: dict[int, list[str]] = {}
        for row in rows:
            groups.setdefault(row.cluster, []).append(row.record)
        several = [members for members in groups.values() if len(members) > 1]
        output.print_table("Records that are one person", ("cluster",), ((", ".join(m),) for m in several[:SHOWN]))
        output.say(f"{len(rows):,} records, {len(groups):,} people, {len(several):,} with more than one record.")
    if report.rejected:
        raise output.fail(output.EXIT_SOME_FAILED)


def match(
    left: Annotated[Path, typer.Argument(metavar="A", help="A table with a header.", show_default=False)],
    right: Annotated[Path, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Find the records of two tables that are one person, each pair with its reasons."""
    from textcrm.operations.linking import match as run

    pairs, report = run(left, right, progress=output.say)
    _tell(report)
    if json:
        for pair in pairs:
            why = [evidence.model_dump() for evidence in pair.why]
            output.print_json({"left": pair.left, "right": pair.right, "confidence": pair.confidence, "why": why})
    else:
        output.print_table(
            "Pairs that are one person",
            ("left", "right", "confidence", "why (bits)"),
            (
                (
                    p.left,
                    p.right,
                    f"{p.confidence:.3f}",
                    ", ".join(f"{e.field}: {e.level} {e.weight:+.1f}" for e in p.why),
                )
                for p in pairs[:SHOWN]
            ),
        )
        output.say(f"{len(pairs):,} pairs.")
    if report.rejected:
        raise output.fail(output.EXIT_SOME_FAILED)


def _tell(report: LinkReport) -> None:
    """Say on standard error how it was done."""
    output.say(f"Records are named by {report.record_column!r}." if report.record_column else "Records are numbered.")
    output.say("Columns: " + ", ".join(f"{name} ({kind})" for name, kind in report.columns.items()) + ".")
    for rule in report.rules:
        output.say(f"{rule.pairs:>12,} pairs share {rule.rule}")
    share = report.pairs / report.all_pairs if report.all_pairs else 0.0
    output.say(f"{report.pairs:>12,} pairs compared, {share:.2%} of all.")
    for item in report.rejected[:SHOWN]:
        output.say(f"Left out: {item.detail}")
