// What D, the extractor and the training data say of a picture.

import { fill, h, note } from "./dom.js";
import { refusal } from "./sentences.js";
import { fromPixels } from "./subject.js";
import { fromBase64 } from "./forward.js";
import { number, percent } from "./format.js";
import { show, tiled } from "./pictures.js";
import { t } from "./strings.js";

const SIZE = [240, 70]; // pixels of the distributions

export class Verdict {
  constructor(box, subject, what) {
    Object.assign(this, { subject, box, what });
    this.words = h("div", { class: "verdict" });
    this.chart = h("canvas", { width: SIZE[0], height: SIZE[1], role: "img", "aria-label": what, hidden: true });
    this.legend = h("p", { class: "legend", hidden: true }, key("of-d", t("verdict.real")), " ", key("of-g", t("verdict.fake")));
    fill(box, this.words, this.chart, this.legend);
  }

  // Judge images [1, C, H, W]; while the server judges, only the last one waits.
  async show(images, class_) {
    this.waiting = { images, class_ };
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.waiting) {
        const { images: judged, class_: of } = this.waiting;
        this.waiting = null;
        this.render(await this.subject.judge(judged, of));
        await this.render_spread();
      }
    } catch (error) {
      fill(this.words, refusal(error));
    } finally {
      this.busy = false;
    }
  }

  render({ logit, probability, classes }) {
    this.logit = logit;
    const chance = probability === null ? "" : `, ${percent(probability)}`;
    const line = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
    const d = logit === null ? t("verdict.none") : `${t("verdict.logit")} ${number(+logit.toFixed(3))}${chance}`;
    const [first, ...others] = classes.filter(([, share], i) => i === 0 || share >= 0.01).map(([name, share]) => `${name} (${percent(share)})`);
    fill(this.words, h("dl", { class: "facts" }, line(t("verdict.d"), d), first && line(t("verdict.extractor"), [h("b", {}, first), ` ${others.join(" ")}`])));
  }

  async render_spread() {
    if (this.logit === null) return;
    const { low, high, real, fake } = await this.subject.spread();
    if (low === undefined) return;
    [this.chart.hidden, this.legend.hidden] = [false, false];
    this.chart.setAttribute("aria-label", t("verdict.chart", { what: this.what, logit: number(this.logit) }));
    const context = this.chart.getContext("2d");
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
    const [width, height] = SIZE;
    context.clearRect(0, 0, width, height);
    const margin = (high - low) * 0.25; // a drawing may lie outside
    const at = (value) => Math.min(width - 2, Math.max(2, ((value - low + margin) / (high - low + 2 * margin)) * width));
    const most = Math.max(...fake, ...(real ?? []));
    for (const [counts, name] of [[real, "--of-d"], [fake, "--of-g"]]) {
      if (!counts) continue;
      context.strokeStyle = colour(name);
      context.lineWidth = 2;
      context.setLineDash(name === "--of-g" ? [5, 3] : []);
      context.beginPath();
      counts.forEach((count, i) => context.lineTo(at(low + ((i + 0.5) / counts.length) * (high - low)), height - 4 - (count / most) * (height - 10)));
      context.stroke();
    }
    context.setLineDash([]);
    context.fillStyle = colour("--ink");
    context.fillRect(at(this.logit) - 1, 0, 3, height);
  }
}

// A button for the nearest training pictures, and where they are shown. image(): images [1, C, H, W].
export function nearestPictures(subject, image) {
  const found = h("div");
  const look = async () => {
    fill(found, note("", t("loading")));
    try {
      const { images, labels, by } = await subject.nearest(await image());
      if (!images) return fill(found, note("", t("nearest.none")));
      const canvas = h("canvas", { role: "img", class: "strip", "aria-label": `${t("nearest")} ${labels.join(", ")}` });
      const pixels = fromPixels(new Uint8Array(fromBase64(images)));
      show(canvas, tiled(pixels, subject.shape, pixels.length / subject.size, 1, 2));
      fill(found, canvas, h("p", {}, labels.length ? `${labels.join(", ")} · ` : "", by ? t("nearest.by", { by }) : t("nearest.pixels")));
    } catch (error) {
      fill(found, refusal(error));
    }
  };
  return h("div", {}, h("button", { type: "button", onclick: look }, t("nearest")), found);
}

function key(kind, name) {
  return h("span", {}, h("span", { class: `swatch ${kind}${kind === "of-g" ? " dashed" : ""}` }), name);
}
