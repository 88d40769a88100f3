// Where an exploration begins: the 64 samples of a seed, the class, the truncation, and the weights that draw them.

import { fill, h } from "./dom.js";
import { number } from "./format.js";
import { save, show, tiled } from "./pictures.js";
import * as state from "./state.js";
import { t } from "./strings.js";

const NUM = 64; // of a seed, as `sparring sample` draws them
const NUM_POINTS = 1000;
const COLUMNS = 8;
const LARGEST_SEED = 2 ** 31;

export class Samples {
  // on: `chosen(z)` one of the samples, `changed()` the truncation, `failed(error)`.
  constructor(box, subject, on) {
    Object.assign(this, { box, subject, on });
    this.seed = whole(state.get("seed"));
    this.pick = Math.min(NUM - 1, whole(state.get("pick")));
    this.class = state.get("class") === null ? null : whole(state.get("class"));
    this.truncation = Math.min(1, Math.max(0, Number(state.get("psi") ?? 1) || 0));
    this.build();
  }

  build() {
    const { subject } = this;
    this.grid = h("canvas");
    this.mark = h("div", { class: "marked" });
    const pad = { class: "pad grid", tabindex: 0, role: "application", "aria-label": t("explore.grid"), onclick: (event) => this.click(event), onkeydown: (event) => this.key(event) };
    this.input = h("input", { type: "number", id: "explore-seed", min: 0, step: 1, value: String(this.seed), onchange: () => this.change(this.input.valueAsNumber) });
    const another = h("button", { type: "button", onclick: () => this.change(Math.floor(Math.random() * 1e6)) }, t("explore.another"));
    const moved = () => {
      this.truncation = this.psi.valueAsNumber;
      this.on.changed();
    };
    this.psi = h("input", { type: "range", id: "explore-psi", min: 0, max: 1, step: 0.01, value: this.truncation, oninput: moved });
    this.classes = h("div", { class: "classes", role: "group", "aria-label": t("explore.class") });
    this.command = h("p", { class: "command" });
    const all = () => save(this.grid, `${subject.title}-seed${this.seed}.png`);
    const grid = [h("div", pad, this.grid, this.mark), h("div", { class: "row" }, h("button", { type: "button", onclick: all }, t("explore.save"))), this.command];
    fill(
      this.box,
      h("h2", {}, t("explore.samples")),
      h("div", { class: "row" }, h("label", { for: "explore-seed" }, t("seed")), this.input, another),
      h("div", { class: "row" }, h("label", { for: "explore-psi" }, t("explore.psi")), this.psi),
      this.weights(),
      subject.noise.is_class && this.classes,
      subject.drawsPictures && grid,
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

  get words() {
    return t("explore.one.of", { seed: number(this.seed), pick: this.pick });
  }

  // Keep what is chosen in the address.
  note() {
    state.set({ seed: this.seed || null, pick: this.pick || null, class: this.class, psi: this.truncation < 1 ? this.truncation : null });
  }

  change(seed) {
    Object.assign(this, { seed: whole(seed), pick: 0 });
    this.input.value = this.seed;
    this.take().catch(this.on.failed);
  }

  async take() {
    const { seed, subject } = this;
    const zs = await subject.latents(subject.drawsPictures ? NUM : NUM_POINTS, seed, null);
    if (seed !== this.seed) return;
    this.zs = zs;
    this.command.textContent = subject.command("sample", "--num", String(NUM), "--seed", String(seed));
    this.choose(this.pick);
    if (subject.drawsPictures) await this.render();
  }

  async render() {
    const { seed, subject, grid } = this;
    const [part, [, height, width]] = [COLUMNS * subject.num_z, subject.shape];
    [grid.width, grid.height] = [COLUMNS * width, COLUMNS * height];
    for (let row = 0; row < COLUMNS; row++) {
      await new Promise((done) => setTimeout(done, 0)); // a row at a time, so that the page answers meanwhile
      if (seed !== this.seed || !grid.isConnected) return;
      const images = await subject.draw(this.zs.subarray(row * part, (row + 1) * part));
      if (seed === this.seed) grid.getContext("2d").putImageData(tiled(images, subject.shape, COLUMNS), 0, row * height);
    }
  }

  // One of the seed's, in the class that was chosen.
  choose(pick) {
    this.pick = Math.min(NUM - 1, Math.max(0, pick));
    this.mark.style.left = `${(100 / COLUMNS) * (this.pick % COLUMNS)}%`;
    this.mark.style.top = `${(100 / COLUMNS) * Math.floor(this.pick / COLUMNS)}%`;
    const { num_z: width, classes } = this.subject;
    const z = this.zs.slice(this.pick * width, (this.pick + 1) * width);
    this.on.chosen(this.class < classes.length ? this.subject.withClass(z, this.class) : z);
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

  truncate(psi) {
    this.psi.value = this.truncation = psi;
  }

  // The same z in every class, as buttons.
  async render_classes(z, now, choose) {
    const { subject } = this;
    if (!subject.noise.is_class) return;
    const tiles = [];
    for (const [i, name] of subject.classes.slice(0, 100).entries()) {
      const canvas = h("canvas", { "aria-hidden": "true" });
      show(canvas, tiled(await subject.draw(subject.withClass(z, i)), subject.shape, 1));
      const act = () => {
        this.class = i;
        choose(i);
      };
      tiles.push(h("button", { type: "button", class: "tile", id: `class-${i}`, "aria-pressed": String(i === now), onclick: act }, canvas, h("span", {}, name)));
    }
    const focused = document.activeElement?.id;
    fill(this.classes, tiles);
    if (focused?.startsWith("class-")) document.getElementById(focused)?.focus();
  }
}

function whole(value) {
  const found = Math.floor(Number(value ?? 0));
  return found >= 0 ? Math.min(found, LARGEST_SEED) : 0;
}
