// Draws the charts of the page with uPlot, from the JSON beside each. A chart
// can be pointed at, zoomed by dragging, and walked through with the keyboard.
// Everything it shows is on the page without it too.

const HINT = "Point or use the arrow keys to read values; drag or use + and \u2212 to zoom.";
const charts = [];

// Stacked series are drawn from the highest sum down, each over the last.
function rows(panel) {
  if (!panel.stack) return panel.series.map(s => s.y);
  const sums = [];
  panel.series.forEach((s, k) => sums.push(s.y.map((y, i) => (y || 0) + (k ? sums[k - 1][i] : 0))));
  return sums.reverse();
}

function seriesOptions(panel) {
  const list = panel.series.map(s => {
    const o = { label: s.name, points: { show: false }, width: 1.75, stroke: () => colour(s.role), spanGaps: true };
    const filled = alpha => () => colour(s.role) + alpha;
    switch (s.draw) {
      case "steps": o.paths = uPlot.paths.stepped({ align: 1 }); break;
      case "area": o.paths = uPlot.paths.stepped({ align: 1 }); o.fill = filled("22"); break;
      case "block": o.paths = uPlot.paths.stepped({ align: 1 }); o.fill = filled(""); o.width = 0; break;
      case "line": o.fill = filled("22"); o.width = 1.25; break;
      case "bars": o.paths = uPlot.paths.bars({ size: [0.64, 56] }); o.fill = filled(""); o.width = 0; break;
      default: o.paths = () => null;
    }
    return o;
  });
  return panel.stack ? list.reverse() : list;
}

function axes(chart, panel, last) {
  const { plot } = chart, log = { filter: (u, splits) => splits, splits: (u, i, min, max) => logTicks(min, max) };
  const look = { stroke: () => colour("slate"), font: FONT, grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
  const x = { ...look, grid: { show: scattered(plot), stroke: () => colour("grid"), width: 1 }, size: 30, space: 64, values: (u, s) => s.map(short) };
  if (plot.xKind === "clock") {
    x.incrs = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 28800, 86400];
    x.values = (u, splits) => splits.map(clock);
  } else if (plot.xKind === "label") {
    x.splits = (u, i, min, max) => plot.x.filter(v => v >= min && v <= max);
    x.values = (u, splits) => {
      const every = Math.ceil(splits.length * 34 / Math.max(u.bbox.width / uPlot.pxRatio, 1));
      return splits.map((v, i) => i % every ? "" : plot.labels[plot.x.indexOf(v)]);
    };
    x.filter = (u, splits) => splits;
  } else if (plot.xKind === "log") Object.assign(x, log);
  if (last) Object.assign(x, { label: plot.xLabel, labelFont: FONT, labelSize: 20 });
  else Object.assign(x, { values: (u, s) => s.map(() => ""), size: 8 });
  const y = { ...look, size: 52, space: 34, values: (u, s) => s.map(short) };
  return [x, panel.log ? Object.assign(y, log) : y];
}

// The range of a panel's y axis: as given, or while zoomed along x what is in sight.
function rangeY(chart, panel) {
  const { zoom, plot } = chart;
  if (zoom && zoom.y) return zoom.y;
  if (!zoom || panel.log) return [panel.yMin, panel.yMax];
  let top = 0;
  for (const values of rows(panel)) {
    plot.x.forEach((x, i) => {
      if (x >= zoom.x[0] && x <= zoom.x[1] && values[i] !== null) top = Math.max(top, values[i]);
    });
  }
  for (const line of panel.lines || []) top = Math.max(top, ...line.y);
  return [panel.yMin, panel.stack ? Math.min(Math.max(top, 4), 100) : top * 1.12 || panel.yMax];
}

// Scattered points are read out one by one, wherever they lie along x.
const scattered = plot => plot.xKind === "log" || plot.xKind === "linear";

// nearest is the point that lies closest to the cursor, -1 when none is near.
function nearest(chart, u, panel) {
  const { left, top } = u.cursor;
  let best = -1, least = 40 ** 2;
  for (const s of panel.series) {
    s.y.forEach((y, i) => {
      if (y === null) return;
      const d = (u.valToPos(chart.plot.x[i], "x") - left) ** 2 + (u.valToPos(y, "y") - top) ** 2;
      if (d < least) [best, least] = [i, d];
    });
  }
  return best;
}

function cursor(chart, panel) {
  const lone = scattered(chart.plot);
  return {
    x: !lone, y: false, sync: { key: chart.el.dataset.plot, scales: ["x", null] },
    drag: { setScale: false, x: true, y: lone, uni: lone ? 30 : null, dist: 4 },
    bind: { dblclick: () => () => (zoomTo(chart, null), null) },
    points: { show: !panel.stack && chart.plot.xKind === "clock", size: 7 },
  };
}

function makePanel(chart, panel, k) {
  const { plot, el } = chart, last = k === plot.panels.length - 1;
  element("p", "note", el).textContent = panel.yLabel;
  const size = () => ({ width: el.clientWidth, height: Math.round((el.clientWidth < 500 ? 240 : 300) * panel.share) + (last ? 50 : 8) });
  const u = new uPlot({
    ...size(), legend: { show: false }, padding: [8, 20, 0, 0], pxAlign: 1,
    scales: {
      x: { time: false, distr: plot.xKind === "log" ? 3 : 1, range: () => (chart.zoom && chart.zoom.x) || [plot.xMin, plot.xMax] },
      y: { distr: panel.log ? 3 : 1, range: () => rangeY(chart, panel) },
    },
    axes: axes(chart, panel, last),
    series: [{}, ...seriesOptions(panel)],
    cursor: cursor(chart, panel),
    hooks: {
      drawClear: [u => drawBelow(u, panel)],
      draw: [u => drawAbove(u, chart, panel)],
      setSelect: [u => select(chart, u, panel)],
      setCursor: [u => follow(chart, u, panel)],
    },
  }, [plot.x, ...rows(panel)], el);
  chart.panels.push({ u, panel, size });
}

// A selection becomes the zoom.
function select(chart, u, panel) {
  const { left, top, width, height } = u.select;
  if (width > 4) {
    const zoom = { x: [u.posToVal(left, "x"), u.posToVal(left + width, "x")] };
    if (panel.log && height > 4) zoom.y = [u.posToVal(top + height, "y"), u.posToVal(top, "y")];
    zoomTo(chart, zoom);
  }
  if (width || height) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function zoomTo(chart, zoom) {
  chart.zoom = zoom;
  chart.reset.hidden = !zoom;
  const [min, max] = (zoom && zoom.x) || [chart.plot.xMin, chart.plot.xMax];
  for (const { u, panel } of chart.panels) {
    u.batch(() => {
      u.setScale("x", { min, max });
      const [low, high] = rangeY(chart, panel);
      u.setScale("y", { min: low, max: high });
    });
  }
  const x = chart.plot.x[chart.at];
  if (zoom && x >= zoom.x[0] && x <= zoom.x[1]) walk(chart, chart.at);
  else {
    for (const { u } of chart.panels) u.setCursor({ left: -10, top: -10 }, false);
    read(chart, -1);
  }
}

// scaleBy zooms around the value that is read, or the middle.
function scaleBy(chart, factor) {
  const { plot, zoom } = chart, log = plot.xKind === "log";
  const to = log ? Math.log : v => v, from = log ? Math.exp : v => v;
  const [min, max] = ((zoom && zoom.x) || [plot.xMin, plot.xMax]).map(to);
  const at = chart.at >= 0 ? clamp(to(plot.x[chart.at]), min, max) : (min + max) / 2;
  const low = Math.max(at - (at - min) * factor, to(plot.xMin)), high = Math.min(at + (max - at) * factor, to(plot.xMax));
  const whole = low <= to(plot.xMin) && high >= to(plot.xMax);
  if (high > low) zoomTo(chart, whole ? null : { x: [from(low), from(high)] });
}

function follow(chart, u, panel) {
  if (u.cursor.left < 0) return;
  const i = scattered(chart.plot) ? nearest(chart, u, panel) : u.cursor.idx;
  if (i !== null && i !== undefined) read(chart, i);
}

// read writes what lies at index i below the chart.
function read(chart, i) {
  const { plot, text } = chart;
  while (plot.xKind === "clock" && plot.x[i + 1] === plot.x[i]) i++; // the last corner of a step
  chart.at = i;
  text.replaceChildren();
  if (i < 0) {
    text.textContent = HINT;
    return;
  }
  if (plot.names) {
    text.textContent = plot.names[i];
    return;
  }
  element("b", "", text).textContent = clock(plot.x[i]);
  for (const { panel } of chart.panels) {
    for (const s of panel.series) {
      if (s.y[i] === null || panel.stack && s.y[i] === 0) continue;
      text.append(` · ${s.name} ${number(s.y[i])}${panel.unit ? " " + panel.unit : ""}`);
    }
  }
}

// walk moves the cursor to index i by key.
function walk(chart, i) {
  read(chart, i);
  i = chart.at;
  for (const { u, panel } of chart.panels) {
    const s = panel.series.find(s => s.y[i] !== null);
    u.setCursor({ left: u.valToPos(chart.plot.x[i], "x"), top: s ? u.valToPos(s.y[i], "y") : 10 }, false);
  }
}

function onKey(chart, e) {
  if (e.target !== chart.el || e.ctrlKey || e.metaKey || e.altKey) return;
  const x = chart.plot.x, last = x.length - 1, step = e.shiftKey ? 10 : 1;
  const move = by => {
    let i = clamp(chart.at + by, 0, last);
    while (i > 0 && i < last && x[i] === x[chart.at]) i += Math.sign(by); // corners of one step
    walk(chart, i);
  };
  const keys = {
    ArrowRight: () => move(step), ArrowLeft: () => move(-step), Home: () => walk(chart, 0), End: () => walk(chart, last),
    "+": () => scaleBy(chart, 0.5), "=": () => scaleBy(chart, 0.5), "-": () => scaleBy(chart, 2),
    0: () => zoomTo(chart, null), Escape: () => zoomTo(chart, null),
  };
  if (!keys[e.key]) return;
  keys[e.key]();
  e.preventDefault();
}

function build(el) {
  const plot = JSON.parse(document.getElementById(el.dataset.plot).textContent);
  const chart = { el, plot, panels: [], zoom: null, at: -1 };
  el.hidden = false;
  el.parentElement.classList.add("is-live");
  el.tabIndex = 0;
  el.setAttribute("role", "application");
  el.setAttribute("aria-roledescription", "interactive chart");
  el.setAttribute("aria-labelledby", el.dataset.claim);
  plot.panels.forEach((panel, k) => makePanel(chart, panel, k));
  const readout = element("div", "readout", el);
  chart.reset = element("button", "", readout);
  chart.reset.type = "button";
  chart.reset.textContent = "Whole chart";
  chart.reset.hidden = true;
  chart.reset.addEventListener("click", () => zoomTo(chart, null));
  chart.text = element("span", "", readout);
  chart.text.setAttribute("role", "status");
  read(chart, -1);
  el.addEventListener("keydown", e => onKey(chart, e));
  new ResizeObserver(() => {
    if (el.clientWidth > 0 && el.clientWidth !== chart.panels[0].u.width) chart.panels.forEach(p => p.u.setSize(p.size()));
  }).observe(el);
  charts.push(chart);
}

for (const el of document.querySelectorAll(".live")) build(el);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const { panels } of charts) for (const { u } of panels) u.redraw(false, true);
});
