// A canvas to draw on, by pointer, touch or keys, or from a file; what is drawn has the size of the generator's pictures.

import { fill, h } from "./dom.js";
import { t } from "./strings.js";

const SIDE = 280; // pixels that are drawn on
const FILLED = 20 / 28; // of a picture's side that a centred digit fills, as in MNIST

export class DrawingCanvas {
  // ground: 0 for black, 255 for white, that of the generator's pictures; changed() is called after each stroke's part.
  constructor(box, shape, { ground, centred, changed }) {
    Object.assign(this, { shape, ground, changed, place: [SIDE / 2, SIDE / 2], down: false });
    this.isGrey = shape[0] === 1;
    this.canvas = h("canvas", { width: SIDE, height: (SIDE * shape[1]) / shape[2] });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.pen = h("div", { class: "pen", hidden: true });
    const pad = {
      class: "pad drawing",
      tabindex: 0,
      role: "application",
      "aria-label": t("draw.label"),
      onpointerdown: (event) => this.begin(event),
      onpointermove: (event) => this.drag(event),
      onkeydown: (event) => this.key(event),
      onfocus: () => (this.pen.hidden = false),
      onblur: () => (this.pen.hidden = true),
    };
    this.pad = h("div", pad, this.canvas, this.pen);
    this.width = h("input", { type: "range", id: "draw-width", min: 4, max: 60, value: 22 });
    this.colour = h("input", { type: "color", id: "draw-colour", value: ground > 127 ? "#000000" : "#ffffff" });
    this.centred = h("input", { type: "checkbox", id: "draw-centred", checked: centred, onchange: changed });
    this.file = h("input", { type: "file", id: "draw-file", accept: "image/*", onchange: () => this.read() });
    const labelled = (id, name, input) => h("label", { for: id }, name, " ", input);
    fill(
      box,
      this.pad,
      h("p", {}, t("draw.help")),
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", onclick: () => this.clear() }, t("draw.clear")),
        labelled("draw-width", t("draw.width"), this.width),
        !this.isGrey && labelled("draw-colour", t("draw.colour"), this.colour),
        centred && h("label", { for: "draw-centred" }, this.centred, ` ${t("draw.centred")}`),
        labelled("draw-file", t("draw.file"), this.file),
      ),
    );
    this.clear();
  }

  clear() {
    this.context.fillStyle = `rgb(${this.ground} ${this.ground} ${this.ground})`;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.isEmpty = true;
    this.mark();
    this.changed();
  }

  begin(event) {
    event.preventDefault();
    this.pad.focus({ preventScroll: true });
    this.pad.setPointerCapture(event.pointerId);
    this.place = this.of(event);
    this.line(this.place);
  }

  drag(event) {
    if (event.buttons) event.getCoalescedEvents().concat(event).forEach((part) => this.line(this.of(part)));
  }

  of(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * this.canvas.height];
  }

  // Arrows move the pen, and the space bar puts it down or lifts it.
  key(event) {
    const step = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] }[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (!step) this.down = !this.down;
    const limits = [SIDE, this.canvas.height];
    const next = this.place.map((x, i) => Math.min(limits[i], Math.max(0, x + (step?.[i] ?? 0))));
    if (this.down) this.line(next);
    this.place = next;
    this.mark();
  }

  line(to) {
    Object.assign(this.context, { lineWidth: this.width.valueAsNumber, lineCap: "round", lineJoin: "round", strokeStyle: this.colour.value });
    this.context.beginPath();
    this.context.moveTo(...this.place);
    this.context.lineTo(...to);
    this.context.stroke();
    this.place = to;
    this.isEmpty = false;
    this.mark();
    this.changed();
  }

  mark() {
    this.pen.style.left = `${(100 * this.place[0]) / SIDE}%`;
    this.pen.style.top = `${(100 * this.place[1]) / this.canvas.height}%`;
    this.pen.classList.toggle("down", this.down);
  }

  // A picture from a file, filling the canvas; dark ink on white paper becomes white on black where the generator draws so.
  async read() {
    const [file] = this.file.files;
    if (!file) return;
    const image = await createImageBitmap(file).catch(() => null);
    if (!image) return alert(t("draw.unreadable"));
    const [width, height] = [SIDE, this.canvas.height];
    const scale = Math.max(width / image.width, height / image.height);
    const [w, hgt] = [image.width * scale, image.height * scale];
    this.context.fillStyle = "#ffffff";
    this.context.fillRect(0, 0, width, height);
    this.context.drawImage(image, (width - w) / 2, (height - hgt) / 2, w, hgt);
    if (this.isGrey && Math.abs(this.border() - this.ground) > 127) this.invert();
    this.isEmpty = false;
    this.changed();
  }

  border() {
    const { data, width, height } = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    let [sum, num] = [0, 0];
    for (let i = 0; i < width * height; i++) {
      const [x, y] = [i % width, Math.floor(i / width)];
      if (x > 3 && x < width - 4 && y > 3 && y < height - 4) continue;
      sum += (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3;
      num += 1;
    }
    return sum / num;
  }

  invert() {
    const image = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    image.data.forEach((value, i) => i % 4 < 3 && (image.data[i] = 255 - value));
    this.context.putImageData(image, 0, 0);
  }

  // The drawing as an image [1, C, H, W] in [-1, 1].
  image() {
    const [channels, height, width] = this.shape;
    const small = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    Object.assign(small, { imageSmoothingEnabled: true, imageSmoothingQuality: "high", fillStyle: `rgb(${this.ground} ${this.ground} ${this.ground})` });
    small.fillRect(0, 0, width, height);
    small.drawImage(this.canvas, ...(this.centred.checked ? this.centring() : [0, 0, width, height]));
    const { data } = small.getImageData(0, 0, width, height);
    const area = width * height;
    return Float32Array.from({ length: channels * area }, (_, i) => {
      const [channel, place] = [Math.floor(i / area), 4 * (i % area)];
      if (channel === 3) return 1;
      return (channels === 1 ? 0.299 * data[place] + 0.587 * data[place + 1] + 0.114 * data[place + 2] : data[place + channel]) / 127.5 - 1;
    });
  }

  // Where the canvas lies in the small picture so that the ink fills a box of 20 of 28 pixels, centred by its mass.
  centring() {
    const [, height, width] = this.shape;
    const { data } = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    let [left, right, top, bottom, mass, x, y] = [SIDE, 0, this.canvas.height, 0, 0, 0, 0];
    for (let i = 0; i < data.length / 4; i++) {
      const ink = Math.abs(data[4 * i] - this.ground);
      if (ink < 64) continue;
      const [column, row] = [i % SIDE, Math.floor(i / SIDE)];
      [left, right, top, bottom] = [Math.min(left, column), Math.max(right, column), Math.min(top, row), Math.max(bottom, row)];
      mass += ink;
      x += ink * column;
      y += ink * row;
    }
    if (!mass) return [0, 0, width, height];
    const scale = (FILLED * width) / Math.max(right - left + 1, bottom - top + 1);
    return [width / 2 - (x / mass) * scale, height / 2 - (y / mass) * scale, SIDE * scale, this.canvas.height * scale];
  }
}
