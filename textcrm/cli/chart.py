"""Small charts for the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.text import Text

from textcrm.records import CHANNELS
from textcrm.store.trends import Mood

if TYPE_CHECKING:
    from textcrm.store.trends import Cell

BARS = "▁▂▃▄▅▆▇█"


def net_bar(net: float | None) -> Text:
    """Return one bar for a net sentiment in [-1, 1]: height and colour say the same."""
    if net is None:
        return Text("·", style="dim")
    height = round((net + 1) / 2 * (len(BARS) - 1))
    style = "red" if net < -0.25 else "green" if net > 0.25 else "yellow"
    return Text(BARS[height], style=style)


def sentiment_by_week(cells: Sequence[Cell]) -> list[tuple[str, Text, str, str]]:
    """Return one row a channel: a bar a week, the messages, the net sentiment of all of them."""
    if not cells:
        return []
    first, last = min(c.start for c in cells), max(c.start for c in cells)
    weeks: list[datetime] = [first]
    while weeks[-1] < last:
        weeks.append(weeks[-1] + timedelta(days=7))
    of_channel: dict[str, dict[datetime, Mood]] = defaultdict(dict)
    for cell in cells:
        of_channel[cell.key][cell.start] = cell.mood
    rows: list[tuple[str, Text, str, str]] = []
    for channel in CHANNELS:
        found = of_channel.get(channel)
        if not found:
            continue
        bars = Text()
        for week in weeks:
            bars.append_text(net_bar(found.get(week, Mood()).net)).append(" ")
        whole = sum(found.values(), Mood())
        rows.append((channel, bars, f"{whole.total:,}", "" if whole.net is None else f"{whole.net:+.2f}"))
    return rows
