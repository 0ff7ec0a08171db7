"""The trends."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from textcrm.errors import UsageError
from textcrm.operations.desk.desk import desk_of
from textcrm.operations.trends import topics as topic_runs
from textcrm.operations.trends import trends
from textcrm.store import Store
from textcrm.store.rollup import MOODS, Period, period_end
from textcrm_api.dashboard.pages import Pages

CHOICES = ("channel", "intent", "topic", "product", "language")
MOST_COLUMNS = 500  # values of the split that a table holds
MOST_EMERGING = 8
FIELDS = ("by", "split", "since", "until", *CHOICES)


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    by: Period
    split: str
    equal: tuple[tuple[str, str], ...]
    span: trends.Span


def asked_of(pages: Pages, shown: dict[str, str]) -> Asked:
    """Return what the fields of an address ask for.

    Raises
    ------
    UsageError
        One cannot be.
    """
    by = _period(shown.get("by", "week"))
    equal = tuple((name, shown[name]) for name in CHOICES if shown.get(name))
    return Asked(by, shown.get("split", "channel"), equal, _span(pages, shown, by))


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/trends", response_model=None)
    def trend(request: Request) -> Response:
        store = pages.store
        shown = {name: request.query_params[name] for name in FIELDS if request.query_params.get(name)}
        asked = asked_of(pages, shown)
        by, split, equal, span = asked.by, asked.split, asked.equal, asked.span
        series = trends.series(store, span, by=by, split=split, equal=equal)
        after = latest(span, by)
        comparison = trends.compare(store, after.before, after, split=split, equal=equal)
        return pages.render(
            request,
            "trends.html",
            shown=shown,
            by=by,
            split=split,
            splits=trends.SPLITS,
            periods=trends.PERIODS,
            span=span,
            last_day=span.until - timedelta(days=1),
            series=series,
            compared=comparison,
            data=chart_data(series, by=by, split=split, shown=shown),
            choices={name: desk_of(store).values(name) for name in CHOICES},
            topic_names=topic_runs.names(store),
            emerging=_emerging(store, after) if split != "topic" else (),
            plotly_ids=pages.assets.plotly_style_ids(),
            address=_address,
            one_day=timedelta(days=1),
            now=datetime.now(UTC),
        )

    @router.get("/trends.csv", response_model=None)
    def table(request: Request) -> Response:
        shown = {name: request.query_params[name] for name in FIELDS if request.query_params.get(name)}
        asked = asked_of(pages, shown)
        series = trends.series(
            pages.store, asked.span, by=asked.by, split=asked.split, equal=asked.equal, most=MOST_COLUMNS
        )
        return Response(
            _csv(series, asked, topic_runs.names(pages.store)),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="trends.csv"', "Cache-Control": "no-store"},
        )


def _emerging(store: Store, after: trends.Span) -> list[trends.Change]:
    """Return the topics that significantly more messages are about than before, the newest first."""
    compared = trends.compare(store, after.before, after, split="topic")
    rising = [c for c in compared.changes if c.key and c.real_volume and c.after.total > c.before.total]
    return sorted(rising, key=lambda c: -(c.after.total + 1) / (c.before.total + 1))[:MOST_EMERGING]


def _csv(series: trends.Series, asked: Asked, names: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([asked.by, asked.split, "messages", *MOODS, "unknown", "net"])
    for line in series.lines:
        # what begins like a formula is text in a spreadsheet, too
        key = names.get(line.key, line.key) if asked.split == "topic" else line.key
        key = f"'{key}" if key[:1] in "=+-@\t\r" and key else key
        for start, mood in zip(series.starts, line.moods, strict=True):
            counts = [mood.negative, mood.neutral, mood.positive, mood.unknown]
            net = "" if mood.net is None else f"{mood.net:.4f}"
            writer.writerow([f"{start:%Y-%m-%d}", key, mood.total, *counts, net])
    return out.getvalue()


def chart_data(series: trends.Series, *, by: Period, split: str, shown: dict[str, str]) -> dict[str, Any]:
    """Return what the script draws."""
    ends = [period_end(start, by) for start in series.starts]
    return {
        "split": split,
        "starts": [f"{start:%Y-%m-%d}" for start in series.starts],
        "ends": [f"{end - timedelta(days=1):%Y-%m-%d}" for end in ends],
        "filters": {name: shown[name] for name in CHOICES if shown.get(name)},
        "all": _line(series.all),
        "lines": [_line(line) for line in series.lines],
    }


def _line(line: trends.Line) -> dict[str, Any]:
    return {
        "key": line.key,
        "n": [mood.total for mood in line.moods],
        "net": [None if mood.net is None else round(mood.net * 100, 1) for mood in line.moods],
        "negative": [mood.negative for mood in line.moods],
        "neutral": [mood.neutral + mood.unknown for mood in line.moods],
        "positive": [mood.positive for mood in line.moods],
    }


def _period(text: str) -> Period:
    found = next((p for p in trends.PERIODS if p == text), None)
    if found is None:
        raise UsageError("Trends go by day, week or month", options=trends.PERIODS)
    return found


def _span(pages: Pages, shown: dict[str, str], by: Period) -> trends.Span:
    chosen = trends.default_span(pages.store, by)
    since, until = _day(shown.get("since")), _day(shown.get("until"))
    span = trends.Span(since or chosen.since, until + timedelta(days=1) if until else chosen.until)
    if span.since >= span.until:
        raise UsageError("The first day comes after the last one")
    return span


def latest(span: trends.Span, by: Period) -> trends.Span:
    """Return the newest stretch to compare with the one before: 7 days, 4 weeks or 3 months, within the span."""
    length = {"day": timedelta(days=7), "week": timedelta(weeks=4), "month": timedelta(days=91)}[by]
    return trends.Span(max(span.since, span.until - length), span.until)


def _address(shown: dict[str, str], split: str, key: str, span: trends.Span) -> dict[str, str]:
    """Return the fields of the queue that show the messages behind a figure."""
    fields = {name: shown[name] for name in CHOICES if shown.get(name)}
    if key:
        fields[split] = key
    last = span.until - timedelta(days=1)
    return {**fields, "state": "all", "order": "newest", "since": f"{span.since:%Y-%m-%d}", "until": f"{last:%Y-%m-%d}"}


def _day(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError("A date has the form 2026-09-30") from error
