// Drawing: D and the extractor judge what is drawn, and G finds the z whose picture is nearest.

import { fill, h, note, say } from "./dom.js";
import { toBytes } from "./forward.js";
import { number } from "./format.js";
import { save, show, tiled } from "./pictures.js";
import { DrawingCanvas } from "./canvas.js";
import { refusal } from "./sentences.js";
import { floats, inBase64 } from "./subject.js";
import { t } from "./strings.js";
import { Verdict } from "./verdict.js";

const BORDER = 2; // pixels at the edge of generated pictures, whose mean is their ground

export class Drawing {
  // found(z): show the z that is nearest so far.
  constructor(box, subject, found) {
    Object.assign(this, { subject, found });
    this.seen = h("canvas", { class: "seen", role: "img", "aria-label": t("draw.seen") });
    this.board = h("div");
    this.verdictBox = h("div");
    this.answer = h("div");
    this.search = h("button", { type: "button", class: "main", onclick: () => this.invert() }, t("draw.invert"));
    this.cancel = h("button", { type: "button", onclick: () => this.stop(), hidden: true }, t("draw.cancel"));
    const png = h("button", { type: "button", onclick: () => this.save() }, t("draw.save"));
    fill(box, h("h2", {}, t("draw")), this.board, h("div", { class: "judged" }, this.seen, this.verdictBox), h("div", { class: "row" }, this.search, this.cancel, png), this.answer);
  }

  // images: some of the generator's own, by whose edges the ground is known.
  open(images) {
    const isDigit = this.subject.shape.join() === "1,28,28";
    this.verdict = new Verdict(this.verdictBox, this.subject, t("draw"));
    const settings = { ground: groundOf(images, this.subject.shape), centred: isDigit, changed: () => this.changed() };
    this.canvas = new DrawingCanvas(this.board, this.subject.shape, settings);
    this.changed();
  }

  changed() {
    if (!this.canvas) return;
    const image = this.canvas.image();
    show(this.seen, tiled(image, this.subject.shape, 1));
    this.search.disabled = this.verdictBox.hidden = this.canvas.isEmpty;
    if (!this.canvas.isEmpty) this.verdict.show(image, null);
  }

  async invert() {
    const turn = (this.turn = {});
    this.running(true);
    try {
      const { search } = await this.subject.ask("invert", { pixels: inBase64(toBytes(this.canvas.image())) });
      for (let step = -1, steps = 0; step < steps; ) {
        const best = await this.subject.ask("invert/go-on", { search });
        if (turn !== this.turn) return;
        ({ step, steps } = best);
        this.found(floats(best.z));
        const words = t("draw.step", { step: number(step), steps: number(steps), error: number(+best.error.toFixed(1)) });
        fill(this.answer, h("progress", { max: steps, value: step, "aria-label": t("draw.invert") }), h("p", { id: "draw-step" }, words));
        if (step === steps) this.finished(words);
      }
    } catch (error) {
      fill(this.answer, refusal(error));
    } finally {
      if (turn === this.turn) this.running(false);
    }
  }

  finished(words) {
    say(`${words} ${t("draw.found")}`);
    this.answer.append(note("good", t("draw.found")), h("p", { class: "command" }, this.subject.command("invert", this.file)));
  }

  // A search that is asked for no more does not go on.
  stop() {
    this.turn = null;
    this.running(false);
  }

  running(is) {
    this.search.disabled = is;
    this.cancel.hidden = !is;
  }

  get file() {
    return `${this.subject.title}-drawing.png`;
  }

  save() {
    const canvas = document.createElement("canvas");
    show(canvas, tiled(this.canvas.image(), this.subject.shape, 1));
    save(canvas, this.file);
  }
}

// 0 or 255: which is nearer to the mean of the generated pictures' edges; white for colours.
function groundOf(images, [channels, height, width]) {
  if (channels > 1) return 255;
  let [sum, num] = [0, 0];
  images.forEach((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    if (Math.min(x, y, width - 1 - x, height - 1 - y) >= BORDER) return;
    sum += value;
    num += 1;
  });
  return sum / num > 0 ? 255 : 0;
}
