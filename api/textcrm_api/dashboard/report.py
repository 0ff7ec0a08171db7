"""The report: the trends of a time as one HTML file that needs nothing else, with its plots as SVG; prints well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from textcrm.operations.desk.desk import queue_page
from textcrm.operations.desk.views import snippet
from textcrm.operations.trends import trends
from textcrm.store import Store
from textcrm.store.desk import Wanted
from textcrm.store.rollup import Period
from textcrm_api.dashboard import words
from textcrm_api.dashboard.languages import catalogue
from textcrm_api.dashboard.pages import HERE

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM, TOP = 34, 20, 8
MOST_URGENT = 10
SPLITS = ("channel", "intent", "product")


@dataclass(frozen=True)
class Tick:
    """A word at an axis, in the units of the drawing."""

    at: float
    text: str


@dataclass(frozen=True)
class Plot:
    """What the template draws. ``line`` are points, ``bars`` are x, y, width, height and the number of their colour."""

    ticks_x: tuple[Tick, ...]
    ticks_y: tuple[Tick, ...]
    line: tuple[tuple[float, float], ...] = ()
    bars: tuple[tuple[float, float, float, float, int], ...] = ()
    legend: tuple[str, ...] = ()


def report_html(store: Store, span: trends.Span, *, by: Period, language: str = "en") -> str:
    """Return the report of a time.

    Raises
    ------
    UsageError
        There is no such period.
    """
    translations = catalogue(language)
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(words.filters(translations.gettext, language))
    series = trends.series(store, span, by=by, split="channel")
    wanted = Wanted(since=span.since, until=span.until)
    return environment.get_template("report.html").render(
        language=language,
        by=by,
        span=span,
        made_at=store.now(),
        series=series,
        compared={split: trends.compare(store, span.before, span, split=split) for split in SPLITS},
        net=net_plot(series, by),
        volume=volume_plot(series, by),
        urgent=queue_page(store, wanted, limit=MOST_URGENT),
        snippet=snippet,
        css=(HERE / "static" / "report.css").read_text(encoding="utf-8"),
        size=(WIDTH, HEIGHT, LEFT, BOTTOM),
    )


def net_plot(series: trends.Series, by: Period) -> Plot:
    """Return the net sentiment of all messages over time, from -100 to 100."""
    step = _step(series)
    points = [
        (LEFT + step * (i + 0.5), _y(mood.net * 100, -100, 100))
        for i, mood in enumerate(series.all.moods)
        if mood.net is not None
    ]
    ticks = tuple(Tick(_y(value, -100, 100), str(value).replace("-", "−")) for value in (-100, -50, 0, 50, 100))
    return Plot(_dates(series.starts, step, by), ticks, line=tuple(points))


def volume_plot(series: trends.Series, by: Period) -> Plot:
    """Return the messages over time, stacked by channel."""
    step = _step(series)
    most = max(1, *(mood.total for mood in series.all.moods))
    bars = []
    for i in range(len(series.starts)):
        below = 0
        for colour, line in enumerate(series.lines):
            count = line.moods[i].total
            top, bottom = _y(below + count, 0, most), _y(below, 0, most)
            if count:
                bars.append((LEFT + step * (i + 0.15), top, step * 0.7, bottom - top, colour + 1))
            below += count
    ticks = tuple(Tick(_y(value, 0, most), f"{value:,}") for value in sorted({0, most // 2, most}))
    legend = tuple(line.key for line in series.lines)
    return Plot(_dates(series.starts, step, by), ticks, bars=tuple(bars), legend=legend)


def _step(series: trends.Series) -> float:
    return (WIDTH - LEFT - 4) / max(1, len(series.starts))


def _y(value: float, low: float, high: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low)), 1)


def _dates(starts: Sequence[datetime], step: float, by: Period) -> tuple[Tick, ...]:
    every = max(1, round(len(starts) / 9))
    style = "%Y-%m" if by == "month" else "%m-%d"
    return tuple(Tick(LEFT + step * (i + 0.5), f"{start:{style}}") for i, start in enumerate(starts) if i % every == 0)
