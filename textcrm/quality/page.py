"""The quality report as one HTML page that needs nothing else: Plotly's script from its package stands inside."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from textcrm.errors import DependencyError
from textcrm.quality.outliers import Spread
from textcrm.quality.report import ColumnReport, Finding, QualityReport
from textcrm.quality.words import RULES, places, share

MOST_PLOTS = 12
BLUE, ORANGE, RED, GREY = "#3d6ae0", "#d9822b", "#b3261e", "#5c6676"
_LEVELS = {"stable": BLUE, "moderate": ORANGE, "large": RED}
_CSS = """
:root { color-scheme: light; }
body { font: 14px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; color: #1a1f29; margin: 32px auto;
  max-width: 960px; padding: 0 16px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 24px; margin: 0; letter-spacing: -0.01em; } h2 { font-size: 16px; margin: 32px 0 8px; }
p { margin: 4px 0; } .dim { color: #5c6676; }
table { width: 100%; border-collapse: collapse; } th, td { text-align: left; padding: 5px 10px 5px 0;
  border-bottom: 1px solid #e3e6ec; font-weight: 400; vertical-align: top; }
  thead th { color: #5c6676; font-size: 12px; }
.n { text-align: right; white-space: nowrap; } .bad { color: #b3261e; font-weight: 650; } .scroll { overflow-x: auto; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 12px; }
section { break-inside: avoid; } @media print { body { margin: 0; max-width: none; } }
"""
_DRAW = """
for (const figure of JSON.parse(document.getElementById("figures").textContent)) {
  Plotly.newPlot(figure.id, figure.data, figure.layout, {responsive: true, displaylogo: false, displayModeBar: false});
}
"""


def quality_html(report: QualityReport) -> str:
    """Return the page.

    Raises
    ------
    DependencyError
        Plotly is not installed.
    """
    shares, moved, boxes = _shares(report), _moved(report), _boxes(report)
    sample = f", of which {report.looked_at:,} were looked at" if report.looked_at < report.rows else ""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Data quality: {escape(report.source)}</title><style>{_CSS}</style></head><body>",
        f'<h1>Data quality</h1><p class="dim">{escape(report.source)}: {report.rows:,} rows{sample}.</p>',
        _section("Columns", COLUMN_HEADS, (_column_row(column) for column in report.columns)),
        _plots("Missing and invalid values", shares),
        _section("Impossible dates", FINDING_HEADS, (_finding_row(f) for f in report.impossible)),
        _section("Duplicates", FINDING_HEADS, (_finding_row(f) for f in report.duplicates)),
        _plots("Numbers: quartiles, and the range within the fences", boxes),
        _section(f"Odd rows: {report.odd_count:,} by isolation forest", ("Line", "Score"), report.odd),
        _drift_section(report, moved),
        f'<script type="application/json" id="figures">{_safe_json([*shares, *boxes, *moved])}</script>',
        f"<script>{_plotly()}</script><script>{_DRAW}</script></body></html>",
    ]
    return "\n".join(part for part in parts if part)


COLUMN_HEADS = ("Column", "Kind", "Missing", "Different", "Invalid", "Beyond fences", "Over 3 deviations", "Lines")
FINDING_HEADS = ("What", "Columns", "Rows", "Lines")
DRIFT_HEADS = ("Column", "Level", "PSI", "KS", "p", "Missing before", "now")


def _column_row(column: ColumnReport) -> tuple[object, ...]:
    measured = column.spread is not None
    return (
        column.name,
        column.kind,
        f"{column.missing:,} ({share(column.missing_share)})" if column.missing else "",
        f"{column.distinct:,}",
        f"{column.invalid:,}" if column.invalid else "",
        f"{column.outliers_iqr:,}" if measured else "",
        f"{column.outliers_zscore:,}" if measured else "",
        places(column.invalid_places or column.outlier_places),
    )


def _finding_row(finding: Finding) -> tuple[object, ...]:
    where = ", ".join(finding.columns)
    return RULES.get(finding.rule, finding.rule), where, f"{finding.rows:,}", places(finding.places)


def _drift_section(report: QualityReport, figures: Sequence[dict[str, Any]]) -> str:
    if report.drift_since is None:
        return '<section><h2>Drift</h2><p class="dim">There is no earlier import to compare with.</p></section>'
    if not report.drift:
        return '<section><h2>Drift</h2><p class="dim">The last import had other columns.</p></section>'
    rows = (
        (d.column, d.level, f"{d.psi:.3f}", "" if d.ks is None else f"{d.ks:.3f}", "" if d.p is None else f"{d.p:.2g}",
         share(d.missing_before), share(d.missing_now))
        for d in report.drift
    )  # fmt: skip
    title = f"Drift since the last import ({report.drift_since})"
    return _section(title, DRIFT_HEADS, rows) + _plots("", figures)


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    if not body:
        return f'<section><h2>{escape(title)}</h2><p class="dim">None was found.</p></section>'
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return (
        f'<section><h2>{escape(title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></section>"
    )


def _cell(value: object) -> str:
    text = escape(str(value))
    return f'<td class="bad">{text}</td>' if value == "large" else f"<td>{text}</td>"


def _plots(title: str, figures: Sequence[dict[str, Any]]) -> str:
    if not figures:
        return ""
    boxes = "".join(f'<div id="{figure["id"]}"></div>' for figure in figures)
    grid = "plots" if len(figures) > 1 else "scroll"
    head = f"<h2>{escape(title)}</h2>" if title else ""
    return f'<section>{head}<div class="{grid}">{boxes}</div></section>'


def _shares(report: QualityReport) -> list[dict[str, Any]]:
    names = [_short(column.name) for column in report.columns]
    bars = [
        _bar("missing", names, [100 * c.missing_share for c in report.columns], GREY),
        _bar("invalid", names, [100 * c.invalid / max(1, report.looked_at) for c in report.columns], RED),
    ]
    axis = {"title": {"text": "% of rows"}, "rangemode": "tozero"}
    return [_figure("missing", bars, height=320, barmode="stack", yaxis=axis)] if names else []


def _moved(report: QualityReport) -> list[dict[str, Any]]:
    if not report.drift:
        return []
    bars = _bar("PSI", [_short(d.column) for d in report.drift], [d.psi for d in report.drift], "")
    bars["marker"] = {"color": [_LEVELS[d.level] for d in report.drift]}
    return [_figure("drift", [bars], height=300, yaxis={"title": {"text": "PSI"}, "rangemode": "tozero"})]


def _boxes(report: QualityReport) -> list[dict[str, Any]]:
    measured = [(c.name, c.spread) for c in report.columns if c.spread is not None][:MOST_PLOTS]
    return [_figure(f"box{i}", [_box(name, spread)], height=240) for i, (name, spread) in enumerate(measured)]


def _bar(name: str, x: Sequence[str], y: Sequence[float], colour: str) -> dict[str, Any]:
    return {"type": "bar", "name": name, "x": list(x), "y": [round(v, 3) for v in y], "marker": {"color": colour}}


def _box(name: str, spread: Spread) -> dict[str, Any]:
    low, middle, high = spread.quartiles
    return {
        "type": "box",
        "x": [_short(name)],
        "q1": [low],
        "median": [middle],
        "q3": [high],
        "lowerfence": [max(spread.fences[0], spread.least)],
        "upperfence": [min(spread.fences[1], spread.most)],
        "marker": {"color": BLUE},
    }


def _figure(name: str, data: list[dict[str, Any]], *, height: int, **layout: Any) -> dict[str, Any]:
    plain = {"paper_bgcolor": "white", "plot_bgcolor": "white", "margin": {"l": 50, "r": 10, "t": 20, "b": 60}}
    return {"id": f"plot-{name}", "data": data, "layout": {**plain, "height": height, "font": {"size": 11}, **layout}}


def _short(name: str) -> str:
    """Return a name for an axis; Plotly reads some HTML, so that what could be a tag is written out."""
    return escape(name[:40], quote=False)


def _safe_json(value: Any) -> str:
    """Return JSON that cannot end the script it stands in."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")


def _plotly() -> str:
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        raise DependencyError("Plotly is missing", hint="pip install 'textcrm[api]'")
    script = Path(found.origin).parent / "package_data" / "plotly.min.js"
    return script.read_text(encoding="utf-8").replace("</script", "<\\/script")
