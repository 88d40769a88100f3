// The controls of a run that is being trained, and what was steered.

import { post } from "./api.js";
import { fill, h, note, say } from "./dom.js";
import { number } from "./format.js";
import { showExplore } from "./explore.js";
import { refusal } from "./sentences.js";
import * as state from "./state.js";
import { t, translated } from "./strings.js";

const FACTORS = ["g_lr", "d_lr", "gamma", "strength"];
// What helps against what the coach sees, as orders; the sentence says why.
const REMEDIES = {
  "d has won": [["d_lr", 0.5]],
  "g has won": [["g_lr", 0.5]],
  "exploding gradients": [["g_lr", 0.1], ["d_lr", 0.1]],
  collapse: [["g_lr", 0.5], ["d_lr", 0.5]],
  "flat output": [["g_lr", 0.5]],
  "saturated output": [["g_lr", 0.5]],
};

export function showSteering(box, run) {
  return new Steering(box, run);
}

class Steering {
  constructor(box, run) {
    Object.assign(this, { box, run, id: run.id, answer: h("div", { "data-live": true }) });
    this.log = h("ol", { class: "log", "aria-label": t("steer") });
    this.explore = h("div");
    this.heard([]);
    this.renew(run);
  }

  get can() {
    return this.run.row.state === "running" && this.run.row.steerable;
  }

  renew(run) {
    this.run = run;
    const shape = `${run.row.state} ${run.row.steerable} ${run.row.checkpoints.length}`;
    if (shape === this.shape) return;
    this.shape = shape;
    const why = run.row.state === "running" ? t("steer.refused") : t("steer.ended");
    const live = { "data-live": true };
    const head = [h("h2", live, t("steer")), this.can ? this.controls() : h("p", live, why)];
    fill(this.box, head, this.answer, this.log, this.fork(), this.explore);
    if (!this.explore.hasChildNodes()) showExplore(this.explore, this.run);
  }

  async send(order) {
    try {
      const { number: count } = await post(`/api/runs/${this.id}/orders`, order);
      fill(this.answer, note("good", t("steer.sent", { n: count })));
    } catch (error) {
      fill(this.answer, refusal(error));
    }
  }

  button(label, order) {
    const make = typeof order === "function" ? order : () => order;
    return h("button", { type: "button", onclick: () => this.send(make()) }, label);
  }

  controls() {
    const rounds = whole("steer-rounds", t("rounds"), 100);
    const slow = whole("steer-ms", t("steer.ms"), 200, 0);
    const only = whole("steer-only", t("rounds"), 10);
    return [
      group(t("steer.time"), [
        this.button(t("steer.pause"), { order: "pause" }),
        this.button(t("steer.go"), { order: "go" }),
        this.button(t("steer.one"), { order: "rounds", rounds: 1 }),
        rounds.label,
        this.button(t("steer.play"), () => ({ order: "rounds", rounds: rounds.value() })),
        slow.label,
        this.button(t("steer.slow"), () => ({ order: "slow", ms: slow.value() })),
      ]),
      group(t("steer.sides"), [
        only.label,
        this.button(t("steer.only_g"), () => ({ order: "only", side: "g", rounds: only.value() })),
        this.button(t("steer.only_d"), () => ({ order: "only", side: "d", rounds: only.value() })),
      ]),
      this.factors(),
      this.moves(),
      group(t("steer.now"), [
        this.button(t("steer.picture"), { order: "picture" }),
        this.button(t("steer.score"), { order: "score" }),
        this.button(t("steer.checkpoint"), { order: "checkpoint" }),
      ]),
      this.ending(),
    ];
  }

  factors() {
    const of = h("select", { id: "factor-of" }, FACTORS.map((name) => h("option", { value: name }, t(`factor.${name}`))));
    const value = h("input", { type: "number", id: "factor-value", value: "0.5", min: 0, step: "any" });
    return group(t("steer.factor"), [
      h("label", { for: "factor-of" }, t("steer.of")),
      of,
      h("label", { for: "factor-value" }, "×"),
      value,
      this.button(t("steer.set"), () => ({ order: "factor", of: of.value, value: value.valueAsNumber })),
      this.button(t("steer.release"), () => ({ order: "release", of: of.value })),
    ]);
  }

  moves() {
    const g = whole("moves-g", "G", 1);
    const d = whole("moves-d", "D", 1);
    return group(t("steer.moves"), [
      g.label,
      d.label,
      this.button(t("steer.set"), () => ({ order: "moves", g: g.value(), d: d.value() })),
      this.button(t("steer.release"), { order: "release", of: "moves" }),
    ]);
  }

  ending() {
    const unit = h("select", { id: "extend-unit" }, ["rounds", "epochs", "images"].map((name) => h("option", { value: name }, t(name))));
    const length = whole("extend-n", t("steer.length"), 1000);
    const stop = h("button", { type: "button", class: "danger", onclick: () => this.send({ order: "stop" }) }, t("steer.stop"));
    return group(t("steer.end"), [
      length.label,
      h("label", { for: "extend-unit", class: "hidden" }, t("unit")),
      unit,
      this.button(t("steer.extend"), () => ({ order: "extend", [unit.value]: length.value() })),
      h("details", {}, h("summary", {}, `${t("steer.stop")} …`), h("p", {}, t("steer.stop.sure")), stop),
    ]);
  }

  // The steer events of the journal.
  heard(marks) {
    if (marks.some(({ event }) => event === "steer")) say(t("steer.acted"));
    const steered = this.run.marks.filter(({ event }) => event === "steer").slice(-20);
    fill(this.log, steered.map((mark) => h("li", {}, `${t("round")} ${number(mark.round)}: ${words_of(mark)}`)));
  }

  // The remedy of a warning, as a button where the run can be steered.
  remedy(mark) {
    const orders = REMEDIES[mark.cause];
    if (!this.can || !orders) return null;
    const label = orders.map(([of, value]) => `${t(`factor.${of}`)} × ${value}`).join(", ");
    const act = () => orders.forEach(([of, value]) => this.send({ order: "factor", of, value }));
    return h("button", { type: "button", onclick: act }, label);
  }

  fork() {
    const { checkpoints } = this.run.row;
    const newest = checkpoints.at(-1);
    if (!newest) return h("p", { "data-live": true }, t("fork.none"));
    const from = h("select", { id: "fork-from" }, checkpoints.map((one) => h("option", { value: one.name }, `${t("round")} ${number(one.round)}`)));
    from.value = newest.name;
    const go = () => state.go({ view: "start", from: this.id, checkpoint: from.value });
    const parent = this.run.row.parent_id;
    const compare = () => state.set({ with: parent, fork: "1", band: null, zoom: null, t: null }, { view: true });
    return group(t("fork"), [
      h("label", { for: "fork-from" }, t("fork.from")),
      from,
      h("button", { type: "button", onclick: go }, t("fork.go")),
      parent && h("button", { type: "button", onclick: compare }, t("fork.compare")),
    ]);
  }
}

function words_of({ order, of, value, ms, rounds, side, g, d, refused }) {
  const parts = [of && t(`factor.${of}`), value !== undefined && `× ${value}`, side && side.toUpperCase(), ms !== undefined && `${ms} ms`];
  const counts = [rounds && `${number(rounds)} ${t("rounds")}`, g && `G ${g}`, d && `D ${d}`, refused && t("steer.not", { why: refused })];
  return [translated(`order.${order}`) ?? String(order), ...parts, ...counts].filter(Boolean).join(" ");
}

function whole(id, label, value, min = 1) {
  const input = h("input", { type: "number", id, value: String(value), min, step: 1 });
  return { label: h("label", { for: id }, `${label} `, input), value: () => Math.round(input.valueAsNumber) };
}

function group(name, children) {
  return h("fieldset", { "data-live": true }, h("legend", {}, name), children);
}
