"""Small charts for the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.text import Text

from textcrm.records import CHANNELS

if TYPE_CHECKING:
    from textcrm.store.insights import Point

BARS = "▁▂▃▄▅▆▇█"


def net_bar(net: float | None) -> Text:
    """Return one bar for a net sentiment in [-1, 1]: height and colour say the same."""
    if net is None:
        return Text("·", style="dim")
    height = round((net + 1) / 2 * (len(BARS) - 1))
    style = "red" if net < -0.25 else "green" if net > 0.25 else "yellow"
    return Text(BARS[height], style=style)


def sentiment_by_week(points: Sequence[Point]) -> list[tuple[str, Text, str, str]]:
    """Return one row a channel: a bar a week, the messages, the net sentiment of all of them."""
    if not points:
        return []
    first, last = min(p.start for p in points), max(p.start for p in points)
    weeks: list[datetime] = [first]
    while weeks[-1] < last:
        weeks.append(weeks[-1] + timedelta(days=7))
    of_channel: dict[str, dict[datetime, Point]] = defaultdict(dict)
    for point in points:
        of_channel[point.channel][point.start] = point
    rows: list[tuple[str, Text, str, str]] = []
    for channel in CHANNELS:
        found = of_channel.get(channel)
        if not found:
            continue
        bars = Text()
        for week in weeks:
            point_of_week = found.get(week)
            bars.append_text(net_bar(point_of_week.net if point_of_week else None)).append(" ")
        negative, positive = sum(p.negative for p in found.values()), sum(p.positive for p in found.values())
        known = negative + positive + sum(p.neutral for p in found.values())
        net = f"{(positive - negative) / known:+.2f}" if known else ""
        rows.append((channel, bars, f"{sum(p.total for p in found.values()):,}", net))
    return rows
