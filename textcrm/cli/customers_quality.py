"""``textcrm customers quality``: what is wrong with a table of customers, or with those that are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP, pairs
from textcrm.errors import UsageError
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.quality.report import QualityReport


def add_to(group: typer.Typer) -> None:
    """Add the command to the group of customers."""
    group.command()(quality)


def quality(
    file: Annotated[Path | None, typer.Argument(help="CSV, TSV, JSONL, Parquet or Excel.", show_default=False)] = None,
    stored: Annotated[bool, typer.Option("--stored", help="Check the stored customers instead of a file.")] = False,
    map_: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="Mapping file, as customers import saves it.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Report missing, invalid, impossible, repeated and far-out values, and drift against the last import."""
    from textcrm.cli.customer_options import chosen
    from textcrm.operations.customers.quality import quality_of_file, quality_of_stored
    from textcrm.store import open_store

    if (file is None) != stored:
        raise UsageError("Name a file, or --stored, one of the two")
    settings = read_settings()
    options = chosen(mapping, pairs(map_ or [], option="--map"), region=settings.region)
    today = datetime.now(UTC).date()
    with open_store(settings) as store, output.progress("Checking") as step:
        if file is None:
            report = quality_of_stored(store, region=options.region, today=today, progress=step)
        else:
            report = quality_of_file(
                file,
                store=store,
                mapping=options.columns,
                guess=options.guess,
                region=options.region,
                today=today,
                progress=step,
            )
    if html is not None:
        from textcrm.quality.page import quality_html

        html.write_text(quality_html(report), encoding="utf-8")
        output.say(f"Written: {html}")
    if json:
        output.print_json(report.as_json())
    else:
        _print(report)


def _print(report: QualityReport) -> None:
    from textcrm.quality.words import RULES, places, share

    sample = f" ({report.looked_at:,} looked at)" if report.looked_at < report.rows else ""
    output.print_table(
        f"{report.source}: {report.rows:,} rows{sample}",
        ("column", "kind", "missing", "different", "invalid", "IQR", "z", "lines"),
        (
            (
                c.name,
                c.kind,
                f"{c.missing:,} ({share(c.missing_share)})" if c.missing else "",
                f"{c.distinct:,}",
                f"{c.invalid:,}" if c.invalid else "",
                f"{c.outliers_iqr:,}" if c.outliers_iqr else "",
                f"{c.outliers_zscore:,}" if c.outliers_zscore else "",
                places(c.invalid_places or c.outlier_places),
            )
            for c in report.columns
        ),
        cut="lines",
    )
    found = [*report.impossible, *report.duplicates]
    rows = [(RULES.get(f.rule, f.rule), ", ".join(f.columns), f"{f.rows:,}", places(f.places)) for f in found]
    if report.odd_count:
        odd = places([place for place, _ in report.odd])
        rows.append(("Odd as a whole (isolation forest)", "", f"{report.odd_count:,}", odd))
    if rows:
        output.print_table("Found in rows", ("what", "columns", "rows", "lines"), rows, cut="lines")
    if report.drift_since is None:
        output.say("There is no earlier import to compare with.")
        return
    if not report.drift:
        output.say(f"The last import ({report.drift_since}) had other columns: nothing is compared.")
        return
    moved = [
        (d.column, d.level, f"{d.psi:.3f}", "" if d.ks is None else f"{d.ks:.3f}",
         f"{share(d.missing_before)} to {share(d.missing_now)}")
        for d in report.drift
        if d.level != "stable"
    ]  # fmt: skip
    if moved:
        output.print_table(
            f"Drift since the last import ({report.drift_since})", ("column", "level", "PSI", "KS", "missing"), moved
        )
    else:
        output.say(f"No column has drifted since the last import ({report.drift_since}).")
