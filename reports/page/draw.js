// How numbers read and how marks look on a chart's canvas. All scripts of the
// page share one scope of their own.

const FONT = "12px system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif";
const ALIAS = { void: "offered", interval: "request-rate", region: "accepted" };
const ALPHA = { interval: 0.25, region: 0.11 };
const root = document.documentElement;

const colour = role => getComputedStyle(root).getPropertyValue("--" + (ALIAS[role] || role)).trim();
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

// Numbers as the report writes them: 16,667, 12.5, 1.25.
function number(v) {
  const abs = Math.abs(v);
  const digits = abs >= 99.95 ? 0 : abs >= 9.995 ? 1 : abs >= 0.995 || abs === 0 ? 2 : 1 - Math.floor(Math.log10(abs));
  return v.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 20) });
}

function short(v) {
  for (const [name, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (Math.abs(v) >= size) return number(Number((v / size).toPrecision(3))) + name;
  }
  return number(v);
}

function clock(seconds) {
  const tenths = Math.round(seconds * 10), whole = Math.floor(tenths / 10);
  const pad = v => String(v).padStart(2, "0");
  const minutes = Math.floor(whole / 60), tail = pad(whole % 60) + (tenths % 10 ? "." + tenths % 10 : "");
  return minutes >= 60 ? `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${tail}` : `${minutes}:${tail}`;
}

// Ticks of a logarithmic axis: 1, 2, 5, or powers of ten alone where those
// would be many.
function logTicks(min, max) {
  const ticks = steps => {
    const out = [];
    for (let e = Math.floor(Math.log10(min)); 10 ** e <= max; e++) {
      for (const s of steps) if (s * 10 ** e >= min && s * 10 ** e <= max) out.push(s * 10 ** e);
    }
    return out;
  };
  const fine = ticks([1, 2, 5]);
  return fine.length > 9 ? ticks([1]) : fine;
}

function element(tag, className, parent) {
  const e = document.createElement(tag);
  e.className = className;
  parent.append(e);
  return e;
}

// within runs f with the canvas clipped to the panel's data area.
function within(u, f) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  f(ctx, x => u.valToPos(x, "x", true), y => u.valToPos(y, "y", true), uPlot.pxRatio);
  ctx.restore();
}

function trace(ctx, line, px, py) {
  ctx.beginPath();
  line.x.forEach((x, i) => ctx.lineTo(px(x), py(line.y[i])));
}

// What lies below the grid: spans and areas.
function drawBelow(u, panel) {
  within(u, (ctx, px, py, dpr) => {
    const { top, height } = u.bbox;
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    ctx.font = FONT.replace("12px", 11 * dpr + "px");
    for (const s of panel.spans || []) {
      const from = px(s.from) + dpr / 2, width = Math.max(px(s.to) - dpr / 2 - from, dpr);
      ctx.fillStyle = colour("band");
      ctx.fillRect(from, top, width, height);
      ctx.fillStyle = colour("slate");
      if (s.label && ctx.measureText(s.label).width < width * 0.8) ctx.fillText(s.label, from + width / 2, top + 3 * dpr);
    }
    for (const a of panel.areas || []) {
      trace(ctx, a, px, py);
      ctx.closePath();
      ctx.globalAlpha = ALPHA[a.role] || 1;
      ctx.fillStyle = colour(a.role);
      ctx.fill();
      ctx.globalAlpha = 1;
    }
  });
}

// What lies above the series: limits, points, and marks at a cut.
function drawAbove(u, chart, panel) {
  within(u, (ctx, px, py, dpr) => {
    for (const line of panel.lines || []) drawLine(u, ctx, line, px, py, dpr);
    for (const s of panel.series) {
      if (s.draw !== "points") continue;
      s.y.forEach((y, i) => {
        if (y !== null) drawPoint(ctx, s, i, px(chart.plot.x[i]), py(y), dpr);
      });
    }
    if (scattered(chart.plot) && chart.plot.labels) drawNames(u, ctx, chart, panel, px, py, dpr);
    if (panel.cut) drawCut(u, ctx, chart, panel, px, dpr);
  });
}

// The names of points stand beside them, on the side that has more room. One
// that would lie on another gives way upwards or, at the top, downwards.
function drawNames(u, ctx, chart, panel, px, py, dpr) {
  const { plot } = chart, { left, top, width } = u.bbox, line = 15 * dpr, placed = [];
  ctx.font = FONT.replace("12px", 11.5 * dpr + "px");
  ctx.textBaseline = "middle";
  const spots = [];
  for (const s of panel.series) s.y.forEach((y, i) => y !== null && spots.push({ x: px(plot.x[i]), y: py(y), name: plot.labels[i] }));
  spots.sort((a, b) => b.y - a.y);
  for (const p of spots) {
    const right = p.x > left + width / 2, wide = ctx.measureText(p.name).width;
    const from = right ? p.x - 9 * dpr - wide : p.x + 9 * dpr, gap = 8 * dpr;
    const free = y => placed.every(o => Math.abs(o.y - y) >= line || o.from > from + wide + gap || from > o.from + o.wide + gap);
    let y = p.y;
    while (!free(y) && y - line > top) y -= line / 3;
    while (!free(y)) y += line / 3;
    placed.push({ from, wide, y });
    ctx.textAlign = "left";
    ctx.fillStyle = colour("ink");
    ctx.fillText(p.name, from, y);
  }
}

function drawLine(u, ctx, line, px, py, dpr) {
  trace(ctx, line, px, py);
  ctx.strokeStyle = colour(line.role);
  ctx.lineWidth = 1.5 * dpr;
  ctx.setLineDash(line.dash ? [5 * dpr, 4 * dpr] : []);
  ctx.stroke();
  ctx.setLineDash([]);
  if (!line.label) return;
  ctx.font = "600 " + FONT.replace("12px", 11.5 * dpr + "px");
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  const { left, top, width, height } = u.bbox, end = line.x.length - 1, room = ctx.measureText(line.label).width;
  const x0 = px(line.x[end - 1]), x1 = px(line.x[end]), y0 = py(line.y[end - 1]), y1 = py(line.y[end]);
  const x = clamp(x1, left, left + width) - 8 * dpr;
  // The name stands above its line, or below one that falls to the right.
  const at = y0 + (y1 - y0) * clamp((x - x0) / (x1 - x0), 0, 1);
  const y = y0 < y1 ? Math.min(at + 24 * dpr, top + height - 3 * dpr) : Math.max(at - 5 * dpr, top + 15 * dpr);
  ctx.globalAlpha = 0.85;
  ctx.fillStyle = colour("paper");
  ctx.fillRect(x - room - 3 * dpr, y - 13 * dpr, room + 6 * dpr, 14 * dpr);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour(line.role);
  ctx.fillText(line.label, x, y);
}

const SHAPES = {
  square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  triangle: [[0, -1.3], [1.25, 0.9], [-1.25, 0.9]],
  wedge: [[0, 1.3], [1.25, -0.9], [-1.25, -0.9]],
  diamond: [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
};

function drawPoint(ctx, series, i, x, y, dpr) {
  const r = (series.hollow ? 5 : 3) * dpr, ink = colour(series.role), paper = colour("paper");
  ctx.beginPath();
  if (series.shape === "cross" || series.shape === "plus") {
    const turn = series.shape === "cross" ? Math.PI / 4 : 0;
    for (const a of [turn, turn + Math.PI / 2]) {
      ctx.moveTo(x - r * Math.cos(a), y - r * Math.sin(a));
      ctx.lineTo(x + r * Math.cos(a), y + r * Math.sin(a));
    }
    ctx.lineWidth = 2 * dpr;
    ctx.strokeStyle = ink;
    ctx.stroke();
    return;
  }
  if (SHAPES[series.shape]) SHAPES[series.shape].forEach(([dx, dy]) => ctx.lineTo(x + dx * r, y + dy * r));
  else ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.closePath();
  const hollow = series.hollow && series.hollow[i];
  ctx.fillStyle = hollow ? paper : ink;
  ctx.strokeStyle = hollow ? ink : paper;
  ctx.lineWidth = (hollow ? 1.75 : 1) * dpr;
  ctx.fill();
  ctx.stroke();
}

function drawCut(u, ctx, chart, panel, px, dpr) {
  const top = u.bbox.top, edge = u.scales.y.max, x = chart.plot.x;
  ctx.fillStyle = colour("offered");
  for (let i = 0; i + 1 < x.length; i++) {
    if (!panel.series.some(s => s.y[i] > edge)) continue;
    const at = px((x[i] + x[i + 1]) / 2);
    ctx.beginPath();
    ctx.moveTo(at - 4 * dpr, top + 7 * dpr);
    ctx.lineTo(at + 4 * dpr, top + 7 * dpr);
    ctx.lineTo(at, top + dpr);
    ctx.fill();
  }
}
