// A toy on a canvas, at the slider's place: real and generated points, D or D* behind them, G's grid of z, D's slope.

import { get } from "./api.js";
import { fill, h, note } from "./dom.js";
import { number } from "./format.js";
import { refusal } from "./sentences.js";
import * as state from "./state.js";
import { t } from "./strings.js";

const SIZE = 768; // pixels of the canvas
const LAYERS = ["real", "fake", "grid", "slope"];
const BEHIND = ["d", "best", "none"];
const WAIT = 120; // ms for which the slider rests before the server is asked
const MOST_KNOWN = 40;

export class Toy {
  constructor(box, run) {
    Object.assign(this, { box, run, known: new Map() });
    const chosen = state.get("toy") === null ? ["d", "real", "fake"] : state.list("toy");
    this.behind = h("select", { id: "toy-behind", onchange: () => this.chosen() }, BEHIND.map((name) => h("option", { value: name }, t(`toy.${name}`))));
    this.behind.value = BEHIND.find((name) => chosen.includes(name)) ?? "none";
    this.layers = LAYERS.map((name) => h("input", { type: "checkbox", id: `toy-${name}`, checked: chosen.includes(name), onchange: () => this.chosen() }));
    this.canvas = h("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": t("toy") });
    this.legend = h("ul", { class: "legend" });
    this.caption = h("p", {});
    this.figures = h("div");
    this.answer = h("div");
    this.boxes = this.layers.map((input, at) => h("label", { for: input.id }, input, ` ${t(`toy.${LAYERS[at]}`)}`));
    fill(
      box,
      h("h2", {}, t("toy")),
      h("div", { class: "row" }, h("label", { for: "toy-behind" }, t("toy.behind")), this.behind, this.boxes),
      h("figure", {}, this.canvas, this.legend, h("figcaption", {}, this.caption)),
      h("details", {}, h("summary", {}, t("table")), this.figures),
      this.answer,
    );
  }

  chosen() {
    const names = LAYERS.filter((_, at) => this.layers[at].checked);
    state.set({ toy: [this.behind.value, ...names].join(",") });
    this.render();
  }

  // Show the file that was kept next to this round.
  show(kept) {
    this.box.hidden = !kept;
    if (!kept || kept.name === this.name) return;
    this.name = kept.name;
    clearTimeout(this.timer);
    if (this.known.has(kept.name)) this.render();
    else this.timer = setTimeout(() => this.ask(kept.name), WAIT);
  }

  async ask(name) {
    if (!this.view) fill(this.answer, note("", t("loading")));
    try {
      const found = await get(`/api/runs/${this.run.id}/toy`, { at: name });
      if (this.known.size >= MOST_KNOWN) this.known.delete(this.known.keys().next().value);
      this.known.set(name, found);
      fill(this.answer);
      if (name === this.name) this.render();
    } catch (error) {
      fill(this.answer, refusal(error));
    }
  }

  close() {
    clearTimeout(this.timer);
  }

  render() {
    this.view = this.known.get(this.name) ?? this.view;
    if (!this.view) return;
    const { view } = this;
    const isLine = view.low.length === 1;
    this.boxes.forEach((label) => (label.hidden = isLine));
    this.behind.parentElement.hidden = isLine;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const pen = new Pen(this.canvas, view, colour);
    if (isLine) pen.line();
    else pen.plane(this.behind.value, Object.fromEntries(LAYERS.map((name, at) => [name, this.layers[at].checked])));
    fill(this.legend, isLine ? legend_of_line() : this.legend_of_plane());
    const best = t(view.exact ? "toy.best.exact" : "toy.best.kernel", { h: number(view.bandwidth), n: number(view.num) });
    this.caption.textContent = `${t("round")} ${number(view.round)}. ${t("toy.outside", { n: number(view.outside), all: number(view.num) })} ${best}`;
    this.canvas.setAttribute("aria-label", `${t("toy")}, ${t("round")} ${number(view.round)}`);
    fill(this.figures, figures(view));
  }

  legend_of_plane() {
    const points = LAYERS.filter((_, at) => this.layers[at].checked).map((name) => h("li", {}, h("span", { class: `toy-dot toy-${name}`, "aria-hidden": "true" }), t(`toy.${name}`)));
    const { d } = this.view;
    if (this.behind.value === "none") return points;
    if (this.behind.value === "d" && d === null) return [...points, h("li", {}, t("toy.packs"))];
    const values = range_of(this.behind.value, this.view).map(number);
    const scale = h("li", {}, `${t(`toy.${this.behind.value}`)}: ${values[0]} `, h("span", { class: "heat", "aria-hidden": "true" }), ` ${values[1]}`);
    return [...points, scale];
  }
}

class Pen {
  constructor(canvas, view, colour) {
    Object.assign(this, { view, colour, size: canvas.width, on: canvas.getContext("2d") });
    this.on.fillStyle = colour("ground");
    this.on.fillRect(0, 0, this.size, this.size);
  }

  // Places in pixels of a point; y grows upwards.
  at([x, y]) {
    const share = (value, axis) => (value - this.view.low[axis]) / (this.view.high[axis] - this.view.low[axis]);
    return [this.size * share(x, 0), this.size * (1 - share(y, 1))];
  }

  plane(behind, shown) {
    const { view } = this;
    if (behind !== "none" && view[behind]) this.heat(view[behind], range_of(behind, view));
    if (shown.grid) view.patches.forEach((patch) => this.patch(patch));
    if (shown.slope) view.arrows.forEach((arrow) => this.arrow(arrow));
    if (shown.real) this.dots(view.real, "of-d");
    if (shown.fake) this.dots(view.fake, "of-g");
  }

  // Values on the grid of places, x first; where there is none, the panel's colour.
  heat(values, [low, high]) {
    const { cells } = this.view;
    const step = this.size / cells;
    const ends = ["of-g", "ground", "of-d"].map((name) => channels(this.colour(name)));
    values.forEach((value, index) => {
      const share = value === null ? null : Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
      this.on.fillStyle = share === null ? this.colour("line") : mixed(ends, share);
      this.on.fillRect(Math.floor(index / cells) * step, this.size - ((index % cells) + 1) * step, step + 0.5, step + 0.5);
    });
  }

  dots(points, name) {
    this.on.fillStyle = this.colour(name);
    this.on.strokeStyle = this.colour("ground");
    for (const point of points) {
      const [x, y] = this.at(point);
      this.on.beginPath();
      this.on.arc(x, y, 3, 0, 2 * Math.PI);
      this.on.fill();
      this.on.stroke();
    }
  }

  patch(rows) {
    const columns = rows[0].map((_, at) => rows.map((row) => row[at]));
    this.on.strokeStyle = this.colour("ink");
    this.on.lineWidth = 1.5;
    [...rows, ...columns].forEach((line) => this.path(line.map((point) => this.at(point))));
  }

  arrow([x, y, dx, dy]) {
    const long = this.size / 18;
    const [left, top] = this.at([x, y]);
    const size = Math.hypot(dx, dy);
    if (size < 1e-3) return;
    const length = long * Math.sqrt(size); // so that small slopes are seen beside large ones
    const [right, bottom] = [left + (length * dx) / size, top - (length * dy) / size];
    const wing = (turn) => {
      const angle = Math.atan2(bottom - top, right - left) + turn;
      return [right - 6 * Math.cos(angle), bottom - 6 * Math.sin(angle)];
    };
    this.on.strokeStyle = this.colour("ink");
    this.on.lineWidth = 1.5;
    this.path([[left, top], [right, bottom]]);
    this.path([wing(0.5), [right, bottom], wing(-0.5)]);
  }

  path(places) {
    this.on.beginPath();
    places.forEach(([x, y], at) => (at ? this.on.lineTo(x, y) : this.on.moveTo(x, y)));
    this.on.stroke();
  }

  // Densities above, D and D* below.
  line() {
    const { p_data: real, p_g: fake, d, best, probable } = this.view;
    const most = 1.2 * Math.max(...real);
    this.curve(real, [0, most], 0, "of-d");
    this.curve(fake, [0, most], 0, "of-g");
    if (d) this.curve(d, probable ? [0, 1] : spread(d), 1, "third");
    if (probable) this.curve(best, [0, 1], 1, "ink", [8, 5]);
  }

  curve(values, [low, high], half, name, dash = []) {
    const tall = this.size / 2;
    const place = (value, at) => [(this.size * at) / (values.length - 1), tall * (half + 1 - (0.95 * (Math.min(value, high) - low)) / (high - low || 1)) - 4];
    this.on.strokeStyle = this.colour(name);
    this.on.lineWidth = 2.5;
    this.on.setLineDash(dash);
    this.path(values.map((value, at) => value !== null && place(value, at)).filter(Boolean));
    this.on.setLineDash([]);
  }
}

function legend_of_line() {
  const lines = [["of-d", "toy.p_data"], ["of-g", "toy.p_g"], ["third", "toy.d"], ["ink dashed", "toy.best"]];
  return lines.map(([name, key]) => h("li", {}, h("span", { class: `swatch ${name}`, "aria-hidden": "true" }), t(key)));
}

function figures(view) {
  const [real, fake] = view.means;
  const words = (values) => values.map(number).join(", ");
  const rows = [
    [t("toy.mean"), words(real[0]), words(fake[0])],
    [t("toy.deviation"), words(real[1]), words(fake[1])],
    [t("toy.judged"), number(view.judged?.[0]), number(view.judged?.[1])],
    ...view.fake.slice(0, 10).map((point, at) => [t("toy.point", { n: at + 1 }), words(view.real[at] ?? []), words(point)]),
  ];
  const head = h("tr", {}, [t("toy.figure"), t("toy.real"), t("toy.fake")].map((name) => h("th", { scope: "col" }, name)));
  const body = rows.map(([name, ...values]) => h("tr", {}, h("th", { scope: "row" }, name), values.map((value) => h("td", {}, value))));
  return h("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": t("toy") }, h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

// From which value to which the colours go: those of D about 1/2 alike on both sides, so that they show what D tells apart.
function range_of(behind, { d, probable }) {
  if (behind !== "d") return [0, 1];
  const [low, high] = spread(d);
  const half = Math.max(0.5 - low, high - 0.5, 0.01);
  return probable ? [0.5 - half, 0.5 + half] : [low, high];
}

function spread(values) {
  const found = values.filter((value) => value !== null);
  return [Math.min(...found), Math.max(...found)];
}

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mixed([low, middle, high], share) {
  const [from, to, part] = share < 0.5 ? [low, middle, 2 * share] : [middle, high, 2 * share - 1];
  return `rgb(${from.map((value, at) => Math.round(value + part * (to[at] - value))).join()})`;
}
