// The time slider: one place in the run for pictures and charts, with the coach's sentences as marks on it.

import { fill, h } from "./dom.js";
import { remark } from "./health.js";
import { number } from "./format.js";
import { t } from "./strings.js";

const STEPS = 1000;
const FRAME = 400; // ms a picture is seen while time plays

// onMove(place): the slider stands there; null means at the end, which it then follows.
export class Time {
  constructor(box, { onMove, onMark, pictures }) {
    Object.assign(this, { onMove, onMark, pictures, extent: [0, 1], place: null, axis: "round" });
    this.range = h("input", { type: "range", min: 0, max: STEPS, value: STEPS, id: "time", oninput: () => this.dragged() });
    this.button = h("button", { type: "button", onclick: () => this.toggle() }, t("play"));
    this.end = h("button", { type: "button", onclick: () => this.move(null) }, t("follow"));
    this.text = h("output", { for: "time" });
    this.marks = h("div", { class: "marks" });
    const label = h("label", { for: "time", class: "hidden", "data-live": true }, t("time"));
    fill(box, label, this.button, h("div", { class: "track", "data-live": true }, this.range, this.marks), this.end, this.text);
    this.key = (event) => this.pressed(event);
    document.addEventListener("keydown", this.key);
  }

  close() {
    this.stop();
    document.removeEventListener("keydown", this.key);
  }

  show(axis, extent, warnings) {
    Object.assign(this, { axis, extent });
    fill(this.marks, warnings.map((mark) => this.mark_of(mark)));
    this.render();
  }

  mark_of(mark) {
    const place = this.share(mark[this.axis] ?? this.extent[1]);
    const label = `${t("coach")}: ${remark(mark).title}`;
    const button = h("button", { type: "button", class: "mark", title: label, "aria-label": label, onclick: () => this.onMark(mark) }, "⚠");
    button.style.left = `${100 * place}%`;
    return button;
  }

  share(place) {
    const [low, high] = this.extent;
    return high > low ? Math.min(1, Math.max(0, (place - low) / (high - low))) : 1;
  }

  dragged() {
    const share = this.range.valueAsNumber / STEPS;
    this.move(share >= 1 ? null : this.extent[0] + share * (this.extent[1] - this.extent[0]));
  }

  move(place) {
    this.place = place === null || place >= this.extent[1] ? null : Math.max(place, this.extent[0]);
    this.render();
    this.onMove(this.place);
  }

  render() {
    const place = this.place ?? this.extent[1];
    this.range.value = Math.round(STEPS * this.share(place));
    const words = `${t(this.axis)} ${number(this.axis === "seconds" ? Math.round(place) : Math.floor(place))}`;
    this.text.textContent = words;
    this.range.setAttribute("aria-valuetext", words);
    this.end.disabled = this.place === null;
  }

  // Keys of the page, unless a control has the focus.
  pressed(event) {
    const focused = document.activeElement;
    const free = !focused || focused === document.body || focused.id === "main";
    if (!free || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === " ") this.toggle();
    else if (event.key in steps) this.step(steps[event.key]);
    else return;
    event.preventDefault();
  }

  // To the picture before or after.
  step(by) {
    const places = [...new Set(this.pictures().map((mark) => mark[this.axis]))].sort((a, b) => a - b);
    const here = this.place ?? this.extent[1];
    const next = by > 0 ? places.find((place) => place > here) : places.findLast((place) => place < here);
    if (next !== undefined) this.move(next);
    else this.move(by > 0 ? null : this.extent[0]);
  }

  toggle() {
    if (this.timer) return this.stop();
    if (this.place === null) {
      const places = this.pictures().map((mark) => mark[this.axis]);
      this.move(places.length ? Math.min(...places) : this.extent[0]);
    }
    this.button.textContent = t("pause");
    this.timer = setInterval(() => {
      this.step(1);
      if (this.place === null) this.stop();
    }, FRAME);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = t("play");
  }
}
