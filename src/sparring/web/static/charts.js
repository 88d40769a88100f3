// All charts of the page: one x axis and one cursor for all, envelopes for long runs, a table behind each.

import uPlot from "./uplot.js";
import { fill, h } from "./dom.js";
import { number } from "./format.js";
import { groups_of, lines_of, score_lines } from "./lines.js";
import { t } from "./strings.js";

const MOST_ROWS = 100; // of a table
const HEIGHT = 170;

// onZoom(from, to): a part was chosen by the pointer; onReset(): all is to be seen again; onPlace(place, key): a place of the
// chart `key` was clicked, of scores that of the nearest one.
export class Charts {
  constructor(box, { onZoom, onReset, onPlace }) {
    Object.assign(this, { box, onZoom, onReset, onPlace, shown: new Map(), time: null });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(box);
  }

  close() {
    this.observer.disconnect();
    this.shown.forEach(({ plot }) => plot.destroy());
    this.shown.clear();
  }

  resize() {
    this.shown.forEach(({ plot, holder }) => {
      const width = Math.max(200, holder.clientWidth);
      if (width !== plot.width) plot.setSize({ width, height: HEIGHT });
    });
  }

  // Draw these runs over each other; `range`: the part of the axis that is seen.
  show(runs, axis, range) {
    for (const [key, names, scale] of groups_of(runs)) {
      const found = key === "scores" ? score_lines(runs, axis) : lines_of(runs, names, axis, scale);
      if (!found.series.length) continue;
      const shape = JSON.stringify([found.series.map(({ label }) => label), axis]);
      const old = this.shown.get(key);
      if (old?.shape === shape) {
        Object.assign(old, { found });
        old.plot.batch(() => {
          old.plot.setData(found.data, false);
          old.plot.setScale("x", { min: range[0], max: range[1] });
        });
        this.told(old);
      } else this.make(key, found, shape, scale, range, axis);
    }
  }

  make(key, found, shape, scale, range, axis) {
    const old = this.shown.get(key);
    const section = old?.section ?? h("section", { class: "chart" });
    old?.plot.destroy();
    const holder = h("div", { class: "plot", role: "img" });
    const legend = h("ul", { class: "legend" });
    const table = h("details", {}, h("summary", {}, t("table")));
    const entry = { key, found, shape, section, holder, legend, axis };
    const complete = () => fill(table, h("summary", {}, t("table")), table_of(entry));
    table.addEventListener("toggle", () => table.open && complete());
    table.addEventListener("complete", complete); // the page is saved
    fill(section, h("h3", {}, t(`chart.${key}`)), holder, legend, table);
    if (!old) this.box.append(section);
    const options = this.options(found, scale, range, section.clientWidth || 340);
    entry.plot = new uPlot(options, found.data, holder);
    this.shown.set(key, entry);
    this.told(entry);
  }

  options(found, scale, range, width) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink-soft").trim();
    const line = style.getPropertyValue("--line").trim();
    const look = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px sans-serif" };
    return {
      width: Math.max(200, width),
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: "time" }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
      scales: {
        x: { time: false, range: (_, low, high) => (low === high ? [low - 0.5, high + 0.5] : [low, high]), min: range[0], max: range[1] },
        y: scale === "log" ? { distr: 3 } : {},
      },
      axes: [
        { ...look, size: 32, values: (_, ticks) => ticks.map(brief) },
        { ...look, size: 56, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : brief(tick))) },
      ],
      series: [{}, ...found.series.map((one) => series_of(one, style))],
      bands: found.bands,
      hooks: {
        setSelect: [(plot) => this.selected(plot)],
        draw: [(plot) => this.draw_time(plot, style.getPropertyValue("--ink").trim())],
        ready: [(plot) => this.listen(plot)],
        setCursor: [(plot) => this.hovered(plot)],
      },
    };
  }

  listen(plot) {
    let began = 0;
    plot.over.addEventListener("dblclick", () => this.onReset());
    plot.over.addEventListener("mousedown", (event) => (began = event.clientX));
    plot.over.addEventListener("click", (event) => Math.abs(event.clientX - began) < 4 && this.clicked(plot));
  }

  clicked(plot) {
    const entry = this.entry_of(plot);
    const { idx, left } = plot.cursor;
    const snaps = entry?.key === "scores" && idx !== null && idx !== undefined;
    if (entry) this.onPlace(snaps ? plot.data[0][idx] : plot.posToVal(left, "x"), entry.key);
  }

  entry_of(plot) {
    return [...this.shown.values()].find((one) => one.plot === plot);
  }

  selected(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    this.onZoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  draw_time(plot, ink) {
    if (this.time === null) return;
    const { ctx, bbox } = plot;
    const x = plot.valToPos(this.time, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  // The slider has been moved: all charts show the place, and the values there.
  set_time(time) {
    this.time = time;
    this.shown.forEach((entry) => {
      entry.plot.redraw(false, false);
      this.told(entry);
    });
  }

  hovered(plot) {
    const entry = this.entry_of(plot);
    if (entry) this.told(entry, plot.cursor.idx ?? undefined);
  }

  // The legend: every line's name, with its value under the pointer, or else at the slider's place.
  told(entry, index) {
    const { data, series } = entry.found;
    const place = index ?? index_before(data[0], this.time);
    const items = series.map((one, line) => (one.upper ? null : legend_item(one, values_at(data, line, place, one.envelope))));
    fill(entry.legend, items);
    const words = items.filter(Boolean).map((item) => item.textContent);
    entry.holder.setAttribute("aria-label", `${t(`chart.${entry.key}`)}: ${words.join(", ")}`);
  }
}

function brief(tick) {
  const size = Math.abs(tick);
  if (size >= 1e6) return `${+(tick / 1e6).toPrecision(4)}M`;
  if (size >= 1e4) return `${+(tick / 1e3).toPrecision(4)}k`;
  return size !== 0 && size < 1e-3 ? tick.toExponential(0) : String(+tick.toPrecision(6));
}

function series_of(one, style) {
  const stroke = style.getPropertyValue(one.colour).trim();
  return { label: one.label, stroke, width: one.envelope ? 0.8 : 1.6, dash: one.dash, spanGaps: true, points: { show: Boolean(one.points), size: 6 } };
}

function index_before(places, time) {
  if (time === null) return places.length - 1;
  let found = 0;
  for (let index = 0; index < places.length && places[index] <= time; index += 1) found = index;
  return found;
}

function values_at(data, line, place, envelope) {
  const value = (column) => {
    for (let index = place; index >= 0; index -= 1) if (column?.[index] !== null && column?.[index] !== undefined) return column[index];
    return null;
  };
  const low = number(value(data[line + 1]));
  return envelope ? `${low} … ${number(value(data[line + 2]))}` : low;
}

function legend_item(one, text) {
  const dashed = one.dash.length ? " dashed" : "";
  return h("li", {}, h("span", { class: `swatch ${one.colour.slice(2)}${dashed}`, "aria-hidden": "true" }), `${one.label} `, h("b", {}, text));
}

function table_of({ found, axis, key }) {
  const { data, series } = found;
  const step = Math.max(1, Math.ceil(data[0].length / MOST_ROWS));
  const rows = data[0].map((_, index) => index).filter((index) => index % step === 0 || index === data[0].length - 1);
  const lines = series.map((one, line) => [one, line]).filter(([one]) => !one.upper);
  const head = h("tr", {}, h("th", { scope: "col" }, t(axis)), lines.map(([one]) => h("th", { scope: "col" }, one.label)));
  const body = rows.map((index) =>
    h("tr", {}, h("th", { scope: "row" }, number(data[0][index])), lines.map(([one, line]) => h("td", {}, values_at(data, line, index, one.envelope)))),
  );
  const caption = h("caption", {}, step > 1 ? t("table.thinned", { n: rows.length, all: data[0].length }) : t(`chart.${key}`));
  return h("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": t("table") }, h("table", {}, caption, h("thead", {}, head), h("tbody", {}, body)));
}
