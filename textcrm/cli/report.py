"""``textcrm report``: the trends of a time as one HTML file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.errors import UsageError
from textcrm.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
    since: Annotated[str | None, typer.Option("--from", help="First day, as 2026-09-01.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day; the newest message's unless set.")] = None,
    by: Annotated[str, typer.Option(help="day, week or month.")] = "week",
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
) -> None:
    """Write what customers said in a time, compared with the time before, as one HTML file that needs nothing else."""
    from textcrm.operations import trends
    from textcrm.store import open_store
    from textcrm_api.dashboard.languages import LANGUAGES
    from textcrm_api.dashboard.report import report_html

    period = next((p for p in trends.PERIODS if p == by), None)
    if period is None:
        raise UsageError("A report goes by day, week or month", options=trends.PERIODS)
    if language not in LANGUAGES:
        raise UsageError("There is no such language", options=tuple(LANGUAGES))
    with open_store(read_settings()) as store:
        shown = trends.default_span(store, period)
        last = _day(until) + timedelta(days=1) if until else shown.until
        span = trends.Span(_day(since) if since else min(shown.since, last - timedelta(days=1)), last)
        if span.since >= span.until:
            raise UsageError("The first day comes after the last one")
        out.write_text(report_html(store, span, by=period, language=language), encoding="utf-8")
    output.say(f"Written: {out}")


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError("A date has the form 2026-09-30") from error
