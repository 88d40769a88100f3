// The view that explores a generator: seeds, classes, directions, a plane of z, kept pictures, and drawing.

import { get } from "./api.js";
import { fill, h, note } from "./dom.js";
import { Drawing } from "./draw.js";
import { number } from "./format.js";
import { classOf } from "./latents.js";
import { enlargement, save, show, tiled } from "./pictures.js";
import { Plane } from "./plane.js";
import { scatter } from "./points.js";
import { refusal } from "./sentences.js";
import { Samples } from "./samples.js";
import { Sliders } from "./sliders.js";
import * as state from "./state.js";
import { t } from "./strings.js";
import { download, floats, Subject } from "./subject.js";
import { nearestPictures, Verdict } from "./verdict.js";
import { Walk } from "./walk.js";

const FIRST = "digits";
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
    this.since = null; // when the first change came that is not drawn
    const which = { checkpoint: state.get("checkpoint"), raw: state.get("raw") };
    this.subject = new Subject(this.of, Object.fromEntries(Object.entries(which).filter(([, value]) => value)));
    this.head = h("div", { class: "row" }, h("h1", {}, t("explore")));
    this.body = h("div", {}, note("", t("explore.loading")));
    fill(main, this.head, this.body);
  }

  fail(error) {
    fill(this.body, refusal(error));
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
    await this.samples.take();
    if (this.subject.drawsPictures) this.drawing.open(await this.subject.draw(this.samples.zs.subarray(0, 16 * this.subject.num_z)));
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
    this.sliders = new Sliders(directions, subject, () => this.changed());
    const chosen = { chosen: (z) => this.choose(z), changed: () => this.changed(), failed: (error) => this.fail(error) };
    this.samples = new Samples(choice, subject, chosen);
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

  // One of the seed's.
  choose(z) {
    Object.assign(this, { base: z, origin: null });
    this.sliders.reset();
  }

  // A z from elsewhere, shown as it is.
  take(z, origin) {
    Object.assign(this, { base: Float32Array.from(z), origin });
    this.samples.truncate(1);
    this.sliders.reset();
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
    for (let i = 0; i < this.subject.noise.columns; i++) z[i] *= this.samples.truncation;
    return this.sliders.move(z, others);
  }

  changed() {
    if (!this.base) return;
    this.since ??= performance.now();
    this.frame ??= requestAnimationFrame(() => this.render());
  }

  // Where the server draws, what has changed meanwhile is drawn next.
  async render() {
    this.frame = null;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.since !== null && !this.closed) {
        const since = this.since;
        this.since = null;
        if (this.subject.drawsPictures) await this.render_picture(since);
        else await this.render_points();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  async render_picture(since) {
    const { subject } = this;
    const image = await subject.draw(this.z());
    if (this.closed) return;
    show(this.canvas, tiled(image, subject.shape, 1));
    this.took = performance.now() - since;
    const class_ = this.classHere === null ? "" : ` · ${subject.classes[this.classHere]}`;
    const words = `${this.origin ?? this.samples.words}${class_}`;
    this.canvas.setAttribute("aria-label", words);
    this.caption.textContent = `${words} · ${t(subject.inBrowser ? "explore.took" : "explore.took.server", { ms: number(Math.round(this.took)) })}`;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(image), REST);
  }

  // What takes longer, once nothing has changed for a moment.
  async rest(image) {
    if (this.closed) return;
    this.samples.note();
    this.verdict.show(image, this.classHere);
    await this.samples.render_classes(this.z(), this.classHere, (i) => {
      this.base = this.subject.withClass(this.base, i);
      this.changed();
    });
    await this.plane.render();
  }

  async render_points() {
    const width = this.subject.num_z;
    const moved = Float32Array.from(this.samples.zs);
    for (let i = 0; i < moved.length; i += width) this.moved(moved.subarray(i, i + width));
    const points = await this.subject.draw(moved);
    scatter(this.canvas, points, this.subject.real && floats(this.subject.real), this.subject.shape[0]);
    this.canvas.setAttribute("aria-label", t("explore.points", { seed: number(this.samples.seed) }));
  }

  save() {
    const name = `${this.subject.title}-seed${this.samples.seed}-${this.samples.pick}.png`;
    if (!this.subject.drawsPictures) return save(this.canvas, name);
    const canvas = document.createElement("canvas");
    return this.subject.draw(this.z()).then((image) => {
      show(canvas, tiled(image, this.subject.shape, 1, enlargement(this.subject.shape)));
      return save(canvas, name);
    });
  }
}
