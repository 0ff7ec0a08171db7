"use strict";
// Draws the trends with Plotly; a click on a point leads to the messages behind it.
(() => {
  const source = document.getElementById("chart-data");
  if (!source || !window.Plotly) return;
  const data = JSON.parse(source.textContent);
  const words = JSON.parse(document.getElementById("chart-words").textContent);
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name) => {
    probe.className = `probe-${name}`;
    return getComputedStyle(probe).color;
  };
  const ink = colour("ink"), faint = colour("line");
  const series = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => colour(`s${n}`));
  const accent = colour("accent");
  probe.remove();
  const chinese = document.documentElement.lang.startsWith("zh");
  const long = chinese ? "%Y年%-m月%-d日" : "%-d %b %Y";
  const narrow = matchMedia("(max-width: 640px)").matches;
  const name = (key) => (key ? words.labels[key] || key : words.unknown);
  const layout = (extra) => ({
    font: { family: style.getPropertyValue("--font") || "system-ui", size: 12, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { t: 8, r: 8, b: 36, l: 36 },
    height: narrow ? 230 : 260,
    hovermode: "closest",
    showlegend: true,
    legend: { orientation: "h", y: -0.18, x: 0, font: { size: 12 } },
    xaxis: { type: "date", showgrid: false, linecolor: faint, tickformat: chinese ? "%-m月%-d日" : "%-d %b", fixedrange: true, nticks: narrow ? 5 : 12 },
    yaxis: { gridcolor: faint, zerolinecolor: faint, fixedrange: true, rangemode: "tozero" },
    ...extra,
  });
  const config = { displayModeBar: false, responsive: true };
  const behind = (index, key) => {
    const query = new URLSearchParams(data.filters);
    if (key) query.set(data.split, key);
    query.set("state", "all");
    query.set("order", "newest");
    query.set("since", data.starts[index]);
    query.set("until", data.ends[index]);
    location.assign(`/desk?${query}`);
  };
  const keys = [""].concat(data.lines.map((line) => line.key));
  const lead = (chart, offset) => chart.on("plotly_click", (event) => {
    const point = event.points[0];
    behind(point.pointNumber, point.data.meta === "all" ? "" : keys[point.curveNumber + offset]);
  });
  const net = document.getElementById("chart-net");
  const lines = [{
    x: data.starts, y: data.all.net, customdata: data.all.n, name: words.all, meta: "all", mode: "lines+markers",
    line: { color: accent, width: 3 }, marker: { size: 7 }, connectgaps: true,
    hovertemplate: `%{x|${long}}<br>${words.net} %{y:.0f} · %{customdata} ${words.messages}<extra>${words.all}</extra>`,
  }].concat(data.lines.map((line, index) => ({
    x: data.starts, y: line.net, customdata: line.n, name: name(line.key), mode: "lines+markers", visible: index < 4 ? true : "legendonly",
    line: { color: series[index], width: 1.3 }, marker: { size: 4 }, opacity: 0.75, connectgaps: true,
    hovertemplate: `%{x|${long}}<br>${words.net} %{y:.0f} · %{customdata} ${words.messages}<extra>${name(line.key)}</extra>`,
  })));
  const volume = document.getElementById("chart-volume");
  const bars = data.lines.map((line, index) => ({
    type: "bar", x: data.starts, y: line.n, name: name(line.key), marker: { color: series[index] },
    hovertemplate: `%{x|${long}}<br>%{y} ${words.messages}<extra>${name(line.key)}</extra>`,
  }));
  Promise.all([
    Plotly.newPlot(net, lines, layout({ yaxis: { gridcolor: faint, zerolinecolor: ink, zerolinewidth: 1, fixedrange: true } }), config),
    Plotly.newPlot(volume, bars, layout({ barmode: "stack", bargap: 0.25 }), config),
  ]).then(() => {
    lead(net, 0);
    lead(volume, 1);
    for (const chart of [net, volume]) chart.classList.add("drawn");
    const save = document.querySelector("[data-png]");
    if (save) {
      save.hidden = false;
      save.addEventListener("click", () => {
        for (const [chart, filename] of [[net, "net-sentiment"], [volume, "messages"]])
          Plotly.downloadImage(chart, { format: "png", width: 1200, height: 500, scale: 2, filename });
      });
    }
  });
})();
