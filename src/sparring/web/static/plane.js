// A plane of z: a map of pictures, on which a pointer or arrow keys move two sliders.

import { fill, h } from "./dom.js";
import { tiled } from "./pictures.js";
import { REACH } from "./sliders.js";
import { t } from "./strings.js";

const CELLS = 5; // of the map along each axis

// zOf(others): the z that is shown, with other amounts of some sliders.
export class Plane {
  constructor(box, subject, sliders, zOf) {
    Object.assign(this, { subject, sliders, zOf, turn: 0 });
    sliders.plane = this;
    this.x = h("select", { id: "plane-x", onchange: () => this.renew() });
    this.y = h("select", { id: "plane-y", onchange: () => this.renew() });
    this.canvas = h("canvas", {});
    this.dot = h("div", { class: "dot" });
    const moved = (event) => event.buttons && this.drag(event);
    this.pad = h(
      "div",
      { class: "pad", tabindex: 0, role: "application", "aria-label": t("plane.label"), onpointerdown: (event) => this.drag(event), onpointermove: moved, onkeydown: (event) => this.key(event) },
      this.canvas,
      this.dot,
    );
    const choice = (id, name, select) => [h("label", { for: id }, name), select];
    fill(box, h("h2", {}, t("plane")), h("div", { class: "row" }, choice("plane-x", "→", this.x), choice("plane-y", "↑", this.y)), this.pad, h("p", {}, t("plane.help")));
    this.box = box;
    this.choose();
  }

  choose() {
    const { shown } = this.sliders;
    this.box.hidden = shown.length < 2;
    if (this.box.hidden) return;
    [this.x, this.y].forEach((select, place) => {
      fill(select, shown.map((one, i) => h("option", { value: i }, this.sliders.title(one, i))));
      select.value = place;
    });
    this.mark();
  }

  get axes() {
    return [Number(this.x.value), Number(this.y.value)];
  }

  drag(event) {
    event.preventDefault();
    this.pad.focus();
    if (event.type === "pointerdown") this.pad.setPointerCapture(event.pointerId);
    const place = this.pad.getBoundingClientRect();
    this.move(REACH * ((2 * (event.clientX - place.left)) / place.width - 1), REACH * (1 - (2 * (event.clientY - place.top)) / place.height));
  }

  key(event) {
    const step = { ArrowLeft: [-0.25, 0], ArrowRight: [0.25, 0], ArrowUp: [0, 0.25], ArrowDown: [0, -0.25] }[event.key];
    if (!step) return;
    event.preventDefault();
    this.move(...this.axes.map((axis, i) => this.sliders.amount(axis) + step[i]));
  }

  move(x, y) {
    this.sliders.set(this.axes[0], x);
    this.sliders.set(this.axes[1], y);
    this.mark();
    this.sliders.changed();
  }

  mark() {
    const [x, y] = this.axes.map((axis) => this.sliders.amount(axis));
    this.dot.style.left = `${(50 * (x + REACH)) / REACH}%`;
    this.dot.style.top = `${(50 * (REACH - y)) / REACH}%`;
  }

  renew() {
    this.mark();
    this.drawn = null;
    this.render();
  }

  // The map, a row at a time; it stays where only the two sliders have moved.
  async render() {
    if (this.box.hidden) return;
    const [x, y] = this.axes;
    const here = this.zOf({ [x]: 0, [y]: 0 }).join();
    if (here === this.drawn) return;
    this.drawn = here;
    const turn = ++this.turn;
    const [, height, width] = this.subject.shape;
    [this.canvas.width, this.canvas.height] = [CELLS * width, CELLS * height];
    const amount = (i) => REACH * ((2 * i + 1) / CELLS - 1); // the middle of a cell
    for (let row = 0; row < CELLS; row++) {
      const zs = Array.from({ length: CELLS }, (_, i) => this.zOf({ [x]: amount(i), [y]: -amount(row) }));
      const all = new Float32Array(zs.length * this.subject.num_z);
      zs.forEach((z, i) => all.set(z, i * z.length));
      const images = await this.subject.draw(all);
      if (turn !== this.turn) return;
      this.canvas.getContext("2d").putImageData(tiled(images, this.subject.shape, CELLS), 0, row * height);
      await new Promise((done) => setTimeout(done, 0));
    }
  }
}
