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
    weekly: Annotated[
        Path | None, typer.Option(help="Folder for the report of the last whole week, where it is not there yet.")
    ] = None,
    mail: Annotated[list[str] | None, typer.Option(help="With --weekly: who gets a new one by mail.")] = None,
) -> None:
    """Write what customers said in a time, compared with the time before, as one HTML file that needs nothing else.

    A weekly one by schedule is one line of cron: 0 6 * * 1 textcrm report --weekly /srv/reports --mail team@example.com
    """
    from textcrm.operations.trends import trends
    from textcrm.store import open_store
    from textcrm_api.dashboard.languages import LANGUAGES
    from textcrm_api.dashboard.report import report_html

    period = next((p for p in trends.PERIODS if p == by), None)
    if period is None:
        raise UsageError("A report goes by day, week or month", options=trends.PERIODS)
    if language not in LANGUAGES:
        raise UsageError("There is no such language", options=tuple(LANGUAGES))
    if weekly is not None:
        _weekly(weekly, mail or [], language)
        return
    if mail:
        raise UsageError("Only weekly reports go by mail", hint="Add --weekly FOLDER.")
    with open_store(read_settings()) as store:
        shown = trends.default_span(store, period)
        last = _day(until) + timedelta(days=1) if until else shown.until
        span = trends.Span(_day(since) if since else min(shown.since, last - timedelta(days=1)), last)
        if span.since >= span.until:
            raise UsageError("The first day comes after the last one")
        out.write_text(report_html(store, span, by=period, language=language), encoding="utf-8")
    output.say(f"Written: {out}")


def _weekly(folder: Path, mails: list[str], language: str) -> None:
    """Write the report of the last whole week once; it gets its name when the mail was taken: none is missed."""
    from textcrm.operations.trends import trends
    from textcrm.operations.trends.alerts import send_mail
    from textcrm.store import open_store
    from textcrm.store.rollup import period_start
    from textcrm_api.dashboard.report import report_html

    settings = read_settings()
    with open_store(settings) as store:
        until = period_start(store.now(), "week")
        span = trends.Span(until - timedelta(days=7), until)
        path = folder / f"report-{span.since:%G-W%V}.html"
        if path.exists():
            output.say(f"There already: {path}")
            return
        text = report_html(store, span, by="day", language=language)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    if mails:
        told = f"What customers said, {span.since:%Y-%m-%d} to {until - timedelta(days=1):%Y-%m-%d}"
        send_mail(settings, mails, subject=told, text=f"{told}: see the attached page.\n", page=(path.name, text))
    partial.replace(path)
    output.say(f"Written: {path}")


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError("A date has the form 2026-09-30") from error
