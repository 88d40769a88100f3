// Pictures that are kept, and the walk from each to the next.

import { fill, h } from "./dom.js";
import { encodeGif } from "./gif.js";
import { between } from "./latents.js";
import { enlargement, onWhite, show, tiled } from "./pictures.js";
import { download } from "./subject.js";
import { t } from "./strings.js";

const MOST = 12;
const STEPS = 16; // from one picture to the next, of an animation
const HUNDREDTHS = 6; // of a second a frame

export class Walk {
  // here(): the z that is shown; choose(z): show another.
  constructor(box, subject, { here, choose }) {
    Object.assign(this, { subject, here, choose, kept: [] });
    this.list = h("ul", { class: "kept" });
    this.range = h("input", { type: "range", id: "walk", min: 0, max: 1, step: 0.005, value: 0, oninput: () => this.go() });
    const button = (label, act) => h("button", { type: "button", onclick: act }, label);
    this.playing = button(t("play"), () => this.toggle());
    this.walk = h(
      "div",
      {},
      h("label", { for: "walk" }, t("walk")),
      this.range,
      h("div", { class: "row" }, this.playing, button(t("walk.gif"), () => this.gif()), button(t("walk.npz"), () => this.npz())),
    );
    this.command = h("p", { class: "command", hidden: true });
    fill(box, h("h2", {}, t("kept")), h("div", { class: "row" }, button(t("kept.keep"), () => this.keep(here()))), this.list, this.walk, this.command);
    this.render();
  }

  keep(z) {
    this.kept = [...this.kept, z].slice(-MOST);
    this.render();
  }

  async render() {
    this.walk.hidden = this.kept.length < 2;
    const items = this.kept.map((z, i) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      const shown = h("button", { type: "button", class: "tile", "aria-label": t("kept.show", { n: i + 1 }), onclick: () => this.choose(z) }, canvas);
      const remove = () => {
        this.kept.splice(i, 1);
        this.render();
      };
      this.subject.draw(z).then((image) => show(canvas, tiled(image, this.subject.shape, 1)));
      return h("li", {}, shown, h("button", { type: "button", class: "plain", "aria-label": t("kept.remove", { n: i + 1 }), onclick: remove }, "✕"));
    });
    fill(this.list, items);
  }

  // The z at a share in [0, 1] of the walk.
  at(share) {
    const place = share * (this.kept.length - 1);
    const i = Math.min(this.kept.length - 2, Math.floor(place));
    return between(this.subject.noise, this.kept[i], this.kept[i + 1], place - i);
  }

  go() {
    this.choose(this.at(this.range.valueAsNumber));
  }

  toggle() {
    if (this.timer) return this.stop();
    this.playing.textContent = t("pause");
    this.timer = setInterval(() => {
      this.range.value = (this.range.valueAsNumber + 1 / STEPS / (this.kept.length - 1)) % 1;
      if (this.kept.length > 1) this.go();
    }, 10 * HUNDREDTHS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.playing.textContent = t("play");
  }

  // There and back, one z after the other.
  frames() {
    const num = STEPS * (this.kept.length - 1);
    return Array.from({ length: num + 1 }, (_, i) => this.at(i / num));
  }

  async gif() {
    const drawn = [];
    for (const z of this.frames()) drawn.push(tiled(await this.subject.draw(z), this.subject.shape, 1, enlargement(this.subject.shape)));
    const pixels = [...drawn, ...drawn.slice(1, -1).reverse()].map(onWhite);
    download(encodeGif(pixels, drawn[0].width, drawn[0].height, HUNDREDTHS), `${this.subject.title}-walk.gif`, "image/gif");
  }

  async npz() {
    const frames = this.frames();
    const all = new Float32Array(frames.length * this.subject.num_z);
    frames.forEach((z, i) => all.set(z, i * z.length));
    const file = `${this.subject.title}-walk.npz`;
    download(await this.subject.npz(all), file, "application/octet-stream");
    this.command.hidden = false;
    this.command.textContent = this.subject.command("sample", "--z", file, "--out", "walk.png");
  }
}
