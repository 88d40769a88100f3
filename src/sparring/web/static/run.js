// One run, or several over each other: pictures, charts, what the coach says, and the controls.

import { get, Rows, Stream } from "./api.js";
import { Charts } from "./charts.js";
import { RunData } from "./data.js";
import { fill, h, say } from "./dom.js";
import { duration, number, score, secondsLeft } from "./format.js";
import { remark, setTitle, isSick } from "./health.js";
import { Picture } from "./picture.js";
import { population } from "./population.js";
import { refusal, sentence } from "./sentences.js";
import * as state from "./state.js";
import { showSteering } from "./steer.js";
import { t } from "./strings.js";
import { nearest, Then } from "./then.js";
import { Time } from "./time.js";
import { Toy } from "./toys.js";

const AXES = ["round", "epoch", "images", "seconds"];
const COLOURS = 4; // runs that a reader can tell apart
const MOST_SEEDS = 16; // of a population, as many as one stream tells of

export function showRun(main) {
  const view = new RunView(main);
  view.start().catch((error) => fill(main, h("h1", {}, t("run")), refusal(error)));
  return () => view.close();
}

class RunView {
  constructor(main) {
    this.banded = state.get("band") === "1"; // the runs are seeds: their mean with a band
    const ids = [state.get("run"), ...state.list("with")].slice(0, this.banded ? MOST_SEEDS : COLOURS);
    this.runs = [...new Set(ids)].map((id) => new RunData(id));
    this.axis = AXES.includes(state.get("x")) ? state.get("x") : "round";
    this.window = null;
    const [low, high] = state.list("zoom").map(Number);
    if (low < high) this.window = [low, high];
    this.head = h("div", { class: "head" });
    this.coach = h("section", { class: "coach", "aria-label": t("coach") });
    this.steering = h("section", { class: "steer", "aria-label": t("steer") });
    this.pictureBox = h("section", { class: "pictures", "aria-label": t("pictures") });
    this.thenBox = h("section", { "aria-label": t("then") });
    this.toyBox = h("section", { class: "toy", "aria-label": t("toy") });
    this.chartBox = h("div", { class: "charts" });
    this.timeBox = h("div", { class: "time" });
    const side = h("div", { class: "side" }, this.pictureBox, this.toyBox, this.thenBox, this.coach, this.steering);
    fill(main, this.head, h("div", { class: "columns" }, side, this.chartBox), this.timeBox);
    fill(this.head, h("p", {}, t("loading")));
  }

  get first() {
    return this.runs[0];
  }

  async start() {
    await Promise.all(this.runs.map((run) => run.load(this.axis, this.window)));
    if (this.closed) return;
    this.follow_parent();
    this.picture = new Picture(this.pictureBox, () => this.first);
    const moves = { onMove: (place) => this.move(place), onMark: (mark) => this.tell(mark), pictures: () => this.picture.shown() };
    this.time = new Time(this.timeBox, moves);
    const seen = { onZoom: (low, high) => this.zoom([low, high]), onReset: () => this.zoom(null) };
    this.charts = new Charts(this.chartBox, { ...seen, onPlace: (place, key) => this.pick(place, key) });
    this.then = new Then(this.thenBox, this.first);
    const { shape } = this.first.facts;
    if (Array.isArray(shape) && shape.length === 1 && shape[0] <= 2) this.toy = new Toy(this.toyBox, this.first);
    this.toyBox.hidden = !this.toy;
    const place = Number(state.get("t"));
    if (state.get("t") !== null && isFinite(place)) this.time.place = place;
    this.steer = showSteering(this.steering, this.first);
    this.render();
    this.all = new Rows();
    const on = { lines: (news) => this.add(news), runs: (news) => this.renew(this.all.take(news)) };
    this.stream = new Stream(() => this.reached(), on, () => this.ask());
  }

  close() {
    this.closed = true;
    this.stream?.close();
    this.time?.close();
    this.charts?.close();
    this.toy?.close();
  }

  // A fork beside its parent begins where that was then, and all is seen from there on.
  follow_parent() {
    const { parent, parent_id: id } = this.first.row;
    const found = this.runs.find((run) => run.id === id && run !== this.first);
    if (state.get("fork") !== "1" || !found || parent.kind !== "fork" || parent.round === null) return;
    this.first.follow(found, parent.round);
    this.begins = this.first.shift;
  }

  reached() {
    return Object.fromEntries(this.runs.map((run) => [run.id, run.offset]));
  }

  async add(news) {
    const run = this.runs.find(({ id }) => id === news.run);
    if (!run || news.offset === run.offset) return;
    if (news.cut) {
      Object.assign(run, { row: null, offset: news.offset });
      await run.load(this.axis, this.window);
    } else if (run.add(news)) await run.read_numbers(this.axis, this.window);
    (news.marks ?? []).forEach((mark) => this.announce(mark));
    this.steer?.heard(news.marks ?? []);
    this.render_soon();
  }

  announce(mark) {
    if (mark.event === "warning") say(`${t("coach")}: ${remark(mark).title}`);
    if (mark.event === "end") say(t(`state.${mark.ending}`));
  }

  renew(rows) {
    for (const run of this.runs) {
      const row = rows.find(({ id }) => id === run.id);
      if (row) run.row = row;
    }
    this.others = rows.filter(({ id }) => !this.runs.some((run) => run.id === id));
    this.steer?.renew(this.first);
    this.render_soon();
  }

  async ask() {
    try {
      this.first.row = await get(`/api/runs/${this.first.id}/state`);
      setTitle(this.first.row);
    } catch {
      // the server has ended; the title stays
    }
  }

  render_soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      if (!this.closed) this.render();
    });
  }

  render() {
    const extents = this.runs.map((run) => run.extent(this.axis));
    const extent = [this.begins?.[this.axis] ?? Math.min(...extents.map(([low]) => low)), Math.max(...extents.map(([, high]) => high))];
    this.time.show(this.axis, this.window ?? extent, this.first.warnings());
    this.charts.time = this.time.place;
    const shown = this.banded && this.runs.length > 1 ? [population(this.runs)] : this.runs;
    this.charts.show(shown, this.axis, this.window ?? extent);
    this.show_then();
    this.render_head();
    this.render_coach();
    setTitle(this.first.row);
  }

  move(place) {
    state.set({ t: place === null ? null : String(+place.toPrecision(10)) });
    this.charts.set_time(place);
    this.show_then();
  }

  // What the first run was at the slider's place.
  show_then() {
    const { axis, first } = this;
    this.picture.show(axis, this.time.place);
    this.then.show(axis, this.time.place);
    this.toy?.show(nearest(first, this.then.round ?? 0));
  }

  // A click in a chart moves the slider; one on a score also leads to what was kept next to it.
  pick(place, key) {
    this.time.move(place);
    if (key === "scores") this.then.focus();
  }

  async zoom(window) {
    this.window = window;
    state.set({ zoom: window && window.map((end) => +end.toPrecision(10)).join(",") });
    await this.read_again();
  }

  async read_again() {
    await Promise.all(this.runs.map((run) => run.read_numbers(this.axis, this.window)));
    this.render();
  }

  async change_axis(axis) {
    const index = this.time.place === null ? -1 : this.first.index_at(this.axis, this.time.place);
    this.axis = axis;
    this.window = null;
    this.time.place = index < 0 ? null : (this.first.axes[axis][index] ?? null);
    state.set({ x: axis, zoom: null, t: this.time.place });
    await this.read_again();
  }

  render_head() {
    const { row } = this.first;
    const left = secondsLeft(row);
    const facts = [
      [t("round"), number(row.place.round)],
      [t("epoch"), number(row.place.epoch)],
      [t("speed"), row.speed ? t("speed.both", { n: number(Math.round(row.speed.images)), m: number(+row.speed.round.toPrecision(3)) }) : "–"],
      [t("left"), duration(left)],
      [t("forecast.memory"), row.memory === null ? "–" : `${number(row.memory)} MiB`],
      [t("score"), score(row.score)],
    ];
    if (this.shape === JSON.stringify([row, this.axis, this.window, this.others?.length])) return;
    this.shape = JSON.stringify([row, this.axis, this.window, this.others?.length]);
    const focused = document.activeElement?.id;
    fill(
      this.head,
      h("h1", {}, this.banded ? `${this.first.row.name.replace(/\/seed\d+$/, "")} (${t("population.of", { n: this.runs.length })})` : this.runs.map((run) => run.row.name).join(" · ")),
      h("p", {}, h("span", { class: `badge ${isSick(row) ? "sick" : row.state}` }, t(`state.${row.state}`)), ` ${row.recipe}${row.reason ? ` · ${row.reason}` : ""}`),
      h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      this.controls(),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  controls() {
    const axis = h("select", { id: "axis", onchange: (event) => this.change_axis(event.target.value) }, AXES.map((name) => h("option", { value: name }, t(name))));
    axis.value = this.axis;
    const other = h("select", { id: "other", onchange: (event) => this.overlay(event.target.value) }, h("option", { value: "" }, t("overlay.none")));
    (this.others ?? []).slice(0, 200).forEach((row) => other.append(h("option", { value: row.id }, row.name)));
    const overlaid = this.runs.slice(1).map((run) => h("button", { type: "button", onclick: () => this.overlay(null, run.id) }, `${run.row.name} ✕`));
    const band = h("input", { type: "checkbox", id: "band", checked: this.banded, onchange: (event) => state.set({ band: event.target.checked ? "1" : null }, { view: true }) });
    if (this.runs.length > 1) overlaid.push(h("label", { for: "band" }, band, ` ${t("population.show")}`));
    const whole = this.window && h("button", { type: "button", id: "whole", onclick: () => this.zoom(null) }, t("whole"));
    return h("div", { class: "row", "data-live": true }, h("label", { for: "axis" }, t("axis")), axis, h("label", { for: "other" }, t("overlay")), other, overlaid, whole);
  }

  overlay(added, removed) {
    const kept = this.runs.slice(1).map(({ id }) => id).filter((id) => id !== removed);
    state.set({ with: [...kept, ...(added ? [added] : [])].join(","), fork: null }, { view: true });
  }

  render_coach() {
    const warnings = this.first.warnings();
    if (this.told === warnings.length) return;
    this.told = warnings.length;
    fill(this.coach, h("h2", {}, t("coach")), warnings.length ? warnings.map((mark) => this.sentence(mark)) : h("p", { class: "well" }, t("coach.well")));
  }

  sentence(mark) {
    const { title, text, advice } = remark(mark);
    return h(
      "div",
      { class: "remark", id: `remark-${mark.round}-${mark.cause}` },
      h("button", { type: "button", class: "plain", onclick: () => this.time.move(mark[this.axis] ?? null) }, `${t("round")} ${number(mark.round)}`),
      h("strong", {}, title),
      text && sentence("p", text),
      sentence("p", advice),
      this.steer.remedy(mark),
    );
  }

  tell(mark) {
    this.time.move(mark[this.axis] ?? null);
    document.getElementById(`remark-${mark.round}-${mark.cause}`)?.scrollIntoView({ block: "nearest" });
    say(remark(mark).title);
  }
}
