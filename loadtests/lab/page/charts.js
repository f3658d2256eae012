// Throughput and response times of both lanes over the last minute.
//
// Names stand at the ends of the lines, so that nobody has to look up a legend from the back row.

import { short } from "./format.js";

const SPAN_S = 60;
const LABELS = ["a", "b"];
// A ceiling far above the throughput would flatten everything: then only its name stands at the edge.
const MOST_ABOVE = 2.5;

const css = (name) => {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

export const colours = () => Object.fromEntries(["a", "b", "ink", "muted", "line", "panel"].map((name) => [name, css(name)]));

// The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten, so that the axis does not change with every point.
const roundUp = (value) => {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10);
};

// A new ceiling is a new line: nothing connects it with the old one.
function ceilingOf(now, before) {
  if (!now.ceiling) return null;
  const ratio = before?.ceiling ? now.ceiling.rps / before.ceiling.rps : 1;
  return now.ceiling.limit === (before?.ceiling ?? now.ceiling).limit && ratio > 0.8 && ratio < 1.25 ? now.ceiling.rps : null;
}

export class History {
  #points = [];

  // Takes a state; forgets what is older than a minute.
  add(state) {
    const point = { at: state.at };
    for (const label of LABELS) {
      const lane = state.lanes[label];
      point[label] = { ...lane.now, ceiling: lane.ceiling };
    }
    this.#points.push(point);
    while (this.#points[0].at < state.at - SPAN_S) this.#points.shift();
  }

  clear() {
    this.#points = [];
  }

  get latest() {
    return this.#points[this.#points.length - 1];
  }

  // Returns uPlot's columns: seconds before now, then what `take` makes of each point.
  columns(...take) {
    const last = this.latest?.at ?? 0;
    return [this.#points.map((point) => point.at - last), ...take.map((of) => this.#points.map(of))];
  }
}

export class Chart {
  #element;
  #history;
  #names;
  #kind;
  #plot = null;
  #colours = {};
  #top = 0;

  // kind: "throughput" or "latency"; names: of the lanes.
  constructor(element, history, names, kind) {
    [this.#element, this.#history, this.#names, this.#kind] = [element, history, names, kind];
    new ResizeObserver(() => this.#resize()).observe(element);
  }

  get canvas() {
    return this.#plot?.ctx.canvas;
  }

  // Draws what is known by now, if it can be seen.
  draw() {
    if (document.hidden || !this.#element.offsetWidth) return;
    if (this.#plot === null) this.restyle();
    else this.#plot.setData(this.#data());
    this.#describe();
  }

  // Rebuilds the chart in the colours and the size of the page.
  restyle() {
    this.#plot?.destroy();
    this.#colours = colours();
    if (this.#element.offsetWidth) this.#plot = new uPlot(this.#options(), this.#data(), this.#element);
  }

  #resize() {
    if (this.#plot === null || !this.#element.offsetWidth) return this.draw();
    this.#plot.setSize({ width: this.#element.clientWidth, height: this.#element.clientHeight });
  }

  #data() {
    if (this.#kind === "throughput")
      return this.#history.columns(
        ...LABELS.map((label) => (point) => point[label].rps ?? null),
        ...LABELS.map((label) => (point, index, all) => ceilingOf(point[label], all[index - 1]?.[label])),
      );
    const positive = (value) => (value > 0 ? value : null);
    return this.#history.columns(
      ...LABELS.map((label) => (point) => positive(point[label].p50_ms)),
      ...LABELS.map((label) => (point) => positive(point[label].p99_ms)),
    );
  }

  #options() {
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const font = `${Math.round(size * 0.85)}px system-ui, sans-serif`;
    const narrow = this.#element.clientWidth < 420 || this.#kind === "throughput";
    const axis = { font, stroke: this.#colours.muted, grid: { stroke: this.#colours.line, width: 1 }, ticks: { show: false } };
    const line = (label, style) => ({ stroke: this.#colours[label], points: { show: false }, ...style });
    const second = this.#kind === "throughput" ? { width: 1.5, dash: [8, 6] } : { width: 2.2, dash: [3, 4] };
    return {
      width: this.#element.clientWidth,
      height: this.#element.clientHeight,
      padding: [size * 0.6, size * (narrow ? 4.6 : 6), 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: [-SPAN_S, 0] },
        y: this.#kind === "throughput" ? { range: () => [0, this.#highest()] } : { distr: 3, range: () => this.#decades() },
      },
      axes: [
        {
          ...axis,
          size: size * 1.9,
          splits: () => (this.#element.clientWidth < 420 ? [-30, 0] : [-45, -30, -15, 0]),
          values: (_, splits) => splits.map((value) => (value ? `${-value} s ago` : "now")),
          grid: { show: false },
        },
        {
          ...axis,
          size: size * 3.3,
          values: (_, splits) => splits.map((value) => (value === null ? "" : value.toLocaleString("en"))),
          filter: (_, splits) => splits, // uPlot would leave out some of a logarithmic axis
          ...(this.#kind === "latency" && { splits: (_, __, low, high) => this.#steps(low, high) }),
        },
      ],
      series: [{}, ...LABELS.map((label) => line(label, { width: 3 })), ...LABELS.map((label) => line(label, second))],
      hooks: { draw: [(plot) => this.#label(plot, size)] },
    };
  }

  // The top of the axis: grows at once, and shrinks only when half of it is empty.
  #highest() {
    const [, a, b, ceilingA, ceilingB] = this.#data();
    const answered = Math.max(1, ...a, ...b);
    const ceilings = [...ceilingA, ...ceilingB].filter((value) => value !== null && value <= MOST_ABOVE * answered);
    const needed = roundUp(Math.max(answered, ...ceilings) * 1.08);
    if (needed > this.#top || needed < this.#top / 2) this.#top = needed;
    return this.#top;
  }

  #decades() {
    const [, ...columns] = this.#data();
    const values = columns.flat().filter((value) => value !== null);
    if (!values.length) return [1, 1000];
    const below = [1, 2, 5].map((step) => step * 10 ** Math.floor(Math.log10(Math.min(...values) * 0.85)));
    const low = below.filter((value) => value <= Math.min(...values) * 0.85).pop();
    return [low, Math.max(low * 10, roundUp(Math.max(...values) * 1.15))];
  }

  #steps(low, high) {
    const steps = [];
    for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10)
      for (const step of high / low > 300 ? [1] : [1, 2, 5])
        if (step * power >= low * 0.999 && step * power <= high * 1.001) steps.push(step * power);
    return steps;
  }

  // Writes the names of the lines at their ends, and those of the ceilings on them.
  #label(plot, size) {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio || 1;
    const text = size * 0.9 * scale;
    const at = (value) => Math.max(bbox.top, Math.min(bbox.top + bbox.height, plot.valToPos(value, "y", true)));
    const latest = this.#history.latest;
    if (!latest) return;
    ctx.save();
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    const ends = [];
    for (const label of LABELS) {
      const now = latest[label];
      const name = this.#names[label];
      const said = this.#kind === "throughput" ? [[now.rps, name]] : [[now.p50_ms, name], [now.p99_ms, `${name} p99`]];
      for (const [value, words] of said) if (value > 0 || (value === 0 && this.#kind === "throughput")) ends.push({ y: at(value), words, label });
    }
    ctx.font = `700 ${text}px system-ui, sans-serif`;
    for (const end of spread(ends, text * 1.15, bbox)) {
      ctx.fillStyle = this.#colours[end.label];
      ctx.fillText(fitted(ctx, end.words, plot.ctx.canvas.width - bbox.left - bbox.width - 0.4 * text), bbox.left + bbox.width + 0.35 * text, end.y);
    }
    if (this.#kind === "throughput") this.#nameCeilings(ctx, bbox, at, text);
    ctx.restore();
  }

  #nameCeilings(ctx, bbox, at, text) {
    const latest = this.#history.latest;
    ctx.font = `500 ${text * 0.9}px system-ui, sans-serif`;
    ctx.textBaseline = "bottom";
    const named = [];
    for (const label of LABELS) {
      const ceiling = latest[label].ceiling;
      if (!ceiling) continue;
      const above = ceiling.rps > this.#top ? " ↑" : "";
      named.push({ y: above ? bbox.top + text : at(ceiling.rps) - 0.15 * text, words: `${this.#names[label]}: at most ${short(ceiling.rps)}${above} = ${ceiling.text}`, label });
    }
    for (const { y, words, label } of spread(named, text * 1.1, { top: bbox.top + text * 0.6, height: bbox.height - text * 0.6 })) {
      const shown = fitted(ctx, words, bbox.width - text);
      ctx.lineWidth = 0.35 * text;
      ctx.lineJoin = "round";
      ctx.strokeStyle = this.#colours.panel;
      ctx.strokeText(shown, bbox.left + 0.4 * text, y);
      ctx.fillStyle = this.#colours[label];
      ctx.fillText(shown, bbox.left + 0.4 * text, y);
    }
  }

  #describe() {
    const latest = this.#history.latest;
    if (!latest) return;
    const parts = LABELS.map((label) => {
      const now = latest[label];
      if (this.#kind === "latency") return `${this.#names[label]} p50 ${short(now.p50_ms)} ms, p99 ${short(now.p99_ms)} ms`;
      const ceiling = now.ceiling ? `, at most ${short(now.ceiling.rps)} by the model (${now.ceiling.text})` : "";
      return `${this.#names[label]} ${short(now.rps)} requests/s${ceiling}`;
    });
    this.#element.setAttribute("aria-label", `${this.#kind === "latency" ? "Response time" : "Throughput"} over the last minute, now: ${parts.join("; ")}`);
  }
}

// Moves labels apart that would cover each other, and keeps them inside.
function spread(labels, gap, { top, height }) {
  labels.sort((x, y) => x.y - y.y);
  labels.forEach((each, index) => {
    each.y = Math.max(each.y, index ? labels[index - 1].y + gap : top);
  });
  for (let index = labels.length - 1, limit = top + height; index >= 0; index -= 1, limit -= gap)
    labels[index].y = Math.min(labels[index].y, limit);
  return labels;
}

function fitted(ctx, words, width) {
  let shown = words;
  while (shown.length > 4 && ctx.measureText(shown).width > width) shown = `${shown.slice(0, -2)}…`;
  return shown;
}
