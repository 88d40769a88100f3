// The view that explores a generator: seeds, classes, directions, a plane of z, kept pictures, and drawing.

import { get } from "./api.js";
import { fill, h, note } from "./dom.js";
import { Drawing } from "./draw.js";
import { number } from "./format.js";
import { classOf } from "./latents.js";
import { enlargement, save, show, tiled } from "./pictures.js";
import { Plane } from "./plane.js";
import { scatter } from "./points.js";
import { Sliders } from "./sliders.js";
import * as state from "./state.js";
import { t } from "./strings.js";
import { download, floats, Subject } from "./subject.js";
import { nearestPictures, Verdict } from "./verdict.js";
import { Walk } from "./walk.js";

const FIRST = "digits";
const NUM = 64; // of a seed, as `sparring sample` draws them
const NUM_POINTS = 1000;
const COLUMNS = 8;
const REST = 150; // ms without a change before what takes longer is drawn

// In the view of a run: the way here.
export function showExplore(box, run) {
  if (!run.row.checkpoints.length) return;
  fill(box, h("button", { type: "button", onclick: () => state.go({ view: "explore", of: run.id }) }, t("explore.draw")));
}

export function showGenerator(main) {
  const view = new Explorer(main);
  view.start().catch((error) => view.fail(error));
  return () => view.close();
}

class Explorer {
  constructor(main) {
    this.of = state.get("of") ?? FIRST;
    const which = { checkpoint: state.get("checkpoint"), raw: state.get("raw") };
    this.subject = new Subject(this.of, Object.fromEntries(Object.entries(which).filter(([, value]) => value)));
    this.seed = whole(state.get("seed"), 0);
    this.pick = Math.min(NUM - 1, whole(state.get("pick"), 0));
    this.class = state.get("class") === null ? null : whole(state.get("class"), 0);
    this.truncation = Math.min(1, Math.max(0, Number(state.get("psi") ?? 1) || 0));
    this.head = h("div", { class: "row" }, h("h1", {}, t("explore")));
    this.body = h("div", {}, note("", t("explore.loading")));
    fill(main, this.head, this.body);
  }

  fail(error) {
    fill(this.body, note("bad", error.message));
  }

  close() {
    this.closed = true;
    this.walk?.stop();
    this.drawing?.stop();
  }

  async start() {
    const [rows, shipped] = await Promise.all([get("/api/runs"), get("/api/generators")]);
    this.render_head(rows, shipped);
    await this.subject.open();
    if (this.closed) return;
    this.build();
    await this.take_seed();
    if (this.subject.drawsPictures) this.drawing.open(await this.subject.draw(this.zs.subarray(0, 16 * this.subject.num_z)));
  }

  render_head(rows, shipped) {
    const runs = rows.filter(({ checkpoints }) => checkpoints.length).map(({ id, name }) => [id, name]);
    const all = [...shipped.map(({ name }) => [name, name]), ...runs];
    const go = (event) => state.go({ view: "explore", of: event.target.value });
    const of = h("select", { id: "explore-of", onchange: go }, all.map(([id, name]) => h("option", { value: id }, name)));
    of.value = this.of;
    this.head.append(h("label", { for: "explore-of" }, t("explore.of")), of);
    document.title = `Sparring · ${all.find(([id]) => id === this.of)?.[1] ?? this.of}`;
  }

  build() {
    const { subject } = this;
    const box = (name, label) => (this[name] = h("section", { "aria-label": t(label) }));
    const [picture, choice, directions] = [box("pictureBox", "explore.picture"), box("choiceBox", "explore.samples"), box("directionBox", "directions")];
    const parts = [h("div", {}, picture), h("div", {}, choice), h("div", {}, directions)];
    this.build_picture();
    this.build_choice();
    this.sliders = new Sliders(directions, subject, () => this.changed());
    if (subject.drawsPictures) {
      parts[1].append(box("drawBox", "draw"));
      parts[2].append(box("planeBox", "plane"), box("walkBox", "kept"));
      this.plane = new Plane(this.planeBox, subject, this.sliders, (others) => this.z(others));
      const here = { here: () => this.z(), choose: (z) => this.take(z, t("kept")) };
      this.walk = new Walk(this.walkBox, subject, here);
      this.drawing = new Drawing(this.drawBox, subject, (z) => this.take(z, t("explore.found")));
    }
    fill(this.body, h("div", { class: "explorer" }, parts));
  }

  build_picture() {
    const { subject } = this;
    this.canvas = h("canvas", { class: "picture", role: "img" });
    this.caption = h("p", { id: "explore-caption" });
    this.verdictBox = h("div");
    const npz = `${subject.title}-z.npz`;
    const button = (label, act) => h("button", { type: "button", onclick: act }, label);
    const saveZ = async () => download(await subject.npz(this.z()), npz, "application/octet-stream");
    const pictures = subject.drawsPictures && [button(t("explore.npz"), saveZ), h("p", { class: "command" }, subject.command("sample", "--z", npz))];
    fill(this.pictureBox, h("h2", {}, t("explore.picture")), h("figure", {}, this.canvas, h("figcaption", {}, this.caption)), h("div", { class: "row" }, button(t("explore.save"), () => this.save()), pictures), this.verdictBox);
    if (!subject.drawsPictures) return;
    this.verdict = new Verdict(this.verdictBox, subject, t("explore.picture"));
    this.pictureBox.append(nearestPictures(subject, () => subject.draw(this.z())));
  }

  build_choice() {
    const { subject } = this;
    this.grid = h("canvas");
    this.mark = h("div", { class: "marked" });
    const pad = { class: "pad grid", tabindex: 0, role: "application", "aria-label": t("explore.grid"), onclick: (event) => this.click(event), onkeydown: (event) => this.key(event) };
    const seed = h("input", { type: "number", id: "explore-seed", min: 0, step: 1, value: String(this.seed), onchange: () => this.change_seed(seed.valueAsNumber) });
    this.seedInput = seed;
    const another = h("button", { type: "button", onclick: () => this.change_seed(Math.floor(Math.random() * 1e6)) }, t("explore.another"));
    const psi = h("input", { type: "range", id: "explore-psi", min: 0, max: 1, step: 0.01, value: this.truncation, oninput: () => this.truncate(psi.valueAsNumber) });
    this.classRow = h("div", { class: "classes", role: "group", "aria-label": t("explore.class") });
    const all = () => save(this.grid, `${subject.title}-seed${this.seed}.png`);
    this.gridCommand = h("p", { class: "command" });
    const grid = subject.drawsPictures && [h("div", pad, this.grid, this.mark), h("div", { class: "row" }, h("button", { type: "button", onclick: all }, t("explore.save"))), this.gridCommand];
    fill(
      this.choiceBox,
      h("h2", {}, t("explore.samples")),
      h("div", { class: "row" }, h("label", { for: "explore-seed" }, t("seed")), seed, another),
      h("div", { class: "row" }, h("label", { for: "explore-psi" }, t("explore.psi")), psi),
      this.weights(),
      subject.noise.is_class && this.classRow,
      grid,
    );
  }

  // Averaged or last weights, and of which checkpoint.
  weights() {
    const { subject } = this;
    const set = (changes) => state.set(changes, { view: true });
    const raw = h("input", { type: "checkbox", id: "explore-raw", checked: subject.which.raw === "1", onchange: () => set({ raw: raw.checked ? "1" : null }) });
    const options = subject.checkpoints.map(({ name, round }) => h("option", { value: name }, `${t("round")} ${number(round)}`));
    const checkpoint = h("select", { id: "explore-checkpoint", onchange: () => set({ checkpoint: checkpoint.value }) }, options);
    checkpoint.value = subject.which.checkpoint ?? subject.checkpoints.findLast(({ name }) => !name.includes("/"))?.name ?? "";
    return h(
      "div",
      { class: "row" },
      options.length > 1 && [h("label", { for: "explore-checkpoint" }, t("steer.checkpoint")), checkpoint],
      subject.averages && h("label", { for: "explore-raw" }, raw, ` ${t("explore.raw")}`),
    );
  }

  change_seed(seed) {
    this.seed = whole(seed, 0);
    this.seedInput.value = this.seed;
    this.pick = 0;
    this.take_seed().catch((error) => this.fail(error));
  }

  async take_seed() {
    const { subject } = this;
    this.zs = await subject.latents(subject.drawsPictures ? NUM : NUM_POINTS, this.seed, null);
    if (this.closed) return;
    this.gridCommand.textContent = subject.command("sample", "--num", String(NUM), "--seed", String(this.seed));
    this.choose(this.pick);
    if (!subject.drawsPictures) return;
    const [seed, part, [, height, width]] = [this.seed, COLUMNS * subject.num_z, subject.shape];
    [this.grid.width, this.grid.height] = [COLUMNS * width, COLUMNS * height];
    for (let row = 0; row < COLUMNS && seed === this.seed && !this.closed; row++) {
      await new Promise((done) => setTimeout(done, 0)); // a row at a time, so that the page answers meanwhile
      const images = await subject.draw(this.zs.subarray(row * part, (row + 1) * part));
      if (seed === this.seed) this.grid.getContext("2d").putImageData(tiled(images, subject.shape, COLUMNS), 0, row * height);
    }
  }

  // One of the seed's 64.
  choose(pick) {
    this.pick = Math.min(NUM - 1, Math.max(0, pick));
    this.origin = null;
    this.mark.style.left = `${(100 / COLUMNS) * (this.pick % COLUMNS)}%`;
    this.mark.style.top = `${(100 / COLUMNS) * Math.floor(this.pick / COLUMNS)}%`;
    const width = this.subject.num_z;
    this.base = this.zs.slice(this.pick * width, (this.pick + 1) * width);
    if (this.class !== null && this.class < this.subject.classes.length) this.base = this.subject.withClass(this.base, this.class);
    this.sliders.reset();
  }

  click(event) {
    const box = this.grid.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    this.choose(Math.floor(x * COLUMNS) + COLUMNS * Math.floor(y * COLUMNS));
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
    if (!step) return;
    event.preventDefault();
    this.choose(this.pick + step);
  }

  // A z from elsewhere, shown as it is.
  take(z, origin) {
    this.base = Float32Array.from(z);
    this.origin = origin;
    this.truncation = 1;
    document.getElementById("explore-psi").value = 1;
    this.sliders.reset();
  }

  truncate(psi) {
    this.truncation = psi;
    this.changed();
  }

  // The class that is shown; null without classes, and between two.
  get classHere() {
    const place = this.subject.noise.is_class ? classOf(this.subject.noise, this.base) : -1;
    return place < 0 ? null : place;
  }

  // The z that is shown, with other amounts of some sliders: towards the mean of z first, then along the directions.
  z(others = {}) {
    return this.moved(Float32Array.from(this.base), others);
  }

  moved(z, others = {}) {
    for (let i = 0; i < this.subject.noise.columns; i++) z[i] *= this.truncation;
    return this.sliders.move(z, others);
  }

  changed() {
    if (!this.base) return;
    this.since ??= performance.now();
    this.frame ??= requestAnimationFrame(() => this.render());
  }

  async render() {
    this.frame = null;
    const { subject } = this;
    const turn = (this.turn = {});
    const since = this.since;
    this.since = null;
    if (!subject.drawsPictures) return this.render_points();
    const image = await subject.draw(this.z());
    if (turn !== this.turn || this.closed) return;
    show(this.canvas, tiled(image, subject.shape, 1));
    this.took = performance.now() - since;
    const class_ = this.classHere === null ? "" : ` · ${subject.classes[this.classHere]}`;
    const words = `${this.origin ?? t("explore.one.of", { seed: number(this.seed), pick: this.pick })}${class_}`;
    this.canvas.setAttribute("aria-label", words);
    this.caption.textContent = `${words} · ${t(subject.inBrowser ? "explore.took" : "explore.took.server", { ms: number(Math.round(this.took)) })}`;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(image), REST);
  }

  // What takes longer, once nothing has changed for a moment.
  async rest(image) {
    if (this.closed) return;
    state.set({ seed: this.seed || null, pick: this.pick || null, class: this.class, psi: this.truncation < 1 ? this.truncation : null });
    const { subject } = this;
    this.verdict.show(image, this.classHere);
    if (subject.noise.is_class) await this.render_classes();
    await this.plane.render();
  }

  async render_classes() {
    const { subject } = this;
    const here = this.z();
    const tiles = [];
    for (const [i, name] of subject.classes.slice(0, 100).entries()) {
      const canvas = h("canvas", { "aria-hidden": "true" });
      show(canvas, tiled(await subject.draw(subject.withClass(here, i)), subject.shape, 1));
      const choose = () => {
        this.class = i;
        this.base = subject.withClass(this.base, i);
        this.changed();
      };
      tiles.push(h("button", { type: "button", class: "tile", id: `class-${i}`, "aria-pressed": String(i === this.classHere), onclick: choose }, canvas, h("span", {}, name)));
    }
    const focused = document.activeElement?.id;
    fill(this.classRow, tiles);
    if (focused?.startsWith("class-")) document.getElementById(focused)?.focus();
  }

  async render_points() {
    const width = this.subject.num_z;
    const moved = Float32Array.from(this.zs);
    for (let i = 0; i < moved.length; i += width) this.moved(moved.subarray(i, i + width));
    const points = await this.subject.draw(moved);
    scatter(this.canvas, points, this.subject.real && floats(this.subject.real), this.subject.shape[0]);
    this.canvas.setAttribute("aria-label", t("explore.points", { seed: number(this.seed) }));
  }

  save() {
    const name = `${this.subject.title}-seed${this.seed}-${this.pick}.png`;
    if (!this.subject.drawsPictures) return save(this.canvas, name);
    const canvas = document.createElement("canvas");
    return this.subject.draw(this.z()).then((image) => {
      show(canvas, tiled(image, this.subject.shape, 1, enlargement(this.subject.shape)));
      return save(canvas, name);
    });
  }
}

function whole(value, otherwise) {
  const found = Math.floor(Number(value ?? otherwise));
  return Number.isFinite(found) && found >= 0 ? Math.min(found, 2 ** 31) : otherwise;
}
