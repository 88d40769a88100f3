// Directions in z as sliders: those of the generator's early features and weights, and those that were named.

import { fill, h, note } from "./dom.js";
import { number, percent } from "./format.js";
import { refusal } from "./sentences.js";
import { t } from "./strings.js";

export const REACH = 3; // of z's own standard deviations to each side
const KINDS = ["features", "weights", "named"];

// The directions that are chosen, and how far each is moved along. `changed()` is called after each move.
export class Sliders {
  constructor(box, subject, changed) {
    Object.assign(this, { subject, changed });
    this.kind = KINDS.find((kind) => this.all(kind).length) ?? "named";
    this.rows = h("div", { class: "sliders" });
    this.answer = h("div");
    this.kinds = h("select", { id: "direction-kind", onchange: () => this.choose(this.kinds.value) });
    this.which = h("select", { id: "direction-which" });
    this.name = h("input", { type: "text", id: "direction-name", maxlength: 60 });
    const reset = h("button", { type: "button", onclick: () => this.reset() }, t("directions.reset"));
    const save = h("button", { type: "button", onclick: () => this.save() }, t("directions.save"));
    fill(
      box,
      h("h2", {}, t("directions")),
      h("div", { class: "row" }, h("label", { for: "direction-kind" }, t("directions.kind")), this.kinds, reset),
      this.rows,
      h(
        "fieldset",
        {},
        h("legend", {}, t("directions.name")),
        h("label", { for: "direction-which", class: "hidden" }, t("directions")),
        this.which,
        h("label", { for: "direction-name" }, t("directions.as")),
        this.name,
        save,
      ),
      this.answer,
    );
    this.choose(this.kind);
  }

  all(kind) {
    if (kind === "named") return this.subject.named.filter(({ vector }) => vector.length === this.subject.num_z);
    return this.subject.directions.filter((one) => one.kind === kind);
  }

  choose(kind) {
    this.kind = kind;
    this.shown = this.all(kind);
    fill(this.kinds, KINDS.map((name) => h("option", { value: name }, `${t(`directions.${name}`)} (${this.all(name).length})`)));
    this.kinds.value = kind;
    this.inputs = this.shown.map((one, i) => this.row(one, i));
    fill(this.rows, this.shown.length ? this.inputs.map(({ node }) => node) : h("p", {}, t("directions.none")));
    const together = h("option", { value: "" }, t("directions.together"));
    fill(this.which, this.shown.map((one, i) => h("option", { value: i }, this.title(one, i))), together);
    this.plane?.choose();
  }

  title({ name, share }, i) {
    return name ?? t("direction", { n: i + 1, share: percent(share) });
  }

  row(one, i) {
    const output = h("output", { for: `direction-${i}` });
    const set = (value) => {
      one.amount = value;
      output.textContent = number(Math.round(100 * value) / 100);
    };
    const moved = () => {
      set(input.valueAsNumber);
      this.plane?.mark();
      this.changed();
    };
    const input = h("input", { type: "range", id: `direction-${i}`, min: -REACH, max: REACH, step: 0.05, value: one.amount ?? 0, oninput: moved });
    set(one.amount ?? 0);
    const remove = one.name && h("button", { type: "button", class: "plain", "aria-label": t("directions.remove", one), onclick: () => this.store(one.name, null) }, "✕");
    const node = h("div", { class: "slider" }, h("label", { for: `direction-${i}` }, this.title(one, i)), input, output, remove);
    return { node, set: (value) => ((input.value = value), set(value)) };
  }

  reset() {
    KINDS.flatMap((kind) => this.all(kind)).forEach((one) => (one.amount = 0));
    this.inputs.forEach(({ set }) => set(0));
    this.plane?.mark();
    this.changed();
  }

  set(i, value) {
    this.inputs[i].set(Math.min(REACH, Math.max(-REACH, value)));
  }

  amount(i) {
    return this.shown[i]?.amount ?? 0;
  }

  // z moved along the directions of every kind, in place, by other amounts for some of those that are shown.
  move(z, others = {}) {
    for (const one of KINDS.flatMap((kind) => this.all(kind))) {
      const amount = others[this.shown.indexOf(one)] ?? one.amount ?? 0;
      if (amount !== 0) for (let j = 0; j < z.length; j++) z[j] += amount * one.vector[j];
    }
    return z;
  }

  save() {
    const vector = this.which.value === "" ? this.together() : this.shown[Number(this.which.value)].vector;
    if (!vector) return fill(this.answer, note("bad", t("directions.still")));
    return this.store(this.name.value.trim(), Array.from(vector, (x) => +x.toPrecision(7)));
  }

  // The sum of the sliders, as long as one of the directions; null where they stand at 0.
  together() {
    const sum = this.move(new Float64Array(this.subject.num_z));
    const length = (vector) => Math.hypot(...vector);
    return length(sum) > 0 ? sum.map((x) => (x * length(this.shown[0].vector)) / length(sum)) : null;
  }

  async store(name, vector) {
    try {
      const amounts = Object.fromEntries(this.all("named").map((one) => [one.name, one.amount]));
      const named = await this.subject.ask("directions", { name, vector });
      this.subject.named = named.map((one) => ({ ...one, amount: amounts[one.name] }));
      this.name.value = "";
      fill(this.answer, note("good", t(vector ? "directions.saved" : "directions.removed", { name })));
      this.choose(vector ? "named" : this.kind);
      this.changed();
    } catch (error) {
      fill(this.answer, refusal(error));
    }
  }
}
