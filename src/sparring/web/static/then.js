// What was kept of a run next to the slider's place, to be explored; or the run played again up to that very round.

import { get, post } from "./api.js";
import { fill, h, note } from "./dom.js";
import { duration, number } from "./format.js";
import { refusal } from "./sentences.js";
import * as state from "./state.js";
import { t } from "./strings.js";

const LOOK = 500; // ms between two looks at a replay that begins
const STARTUP = 5; // seconds that a training takes to begin

// The kept checkpoint or snapshot nearest to a round by its logarithm; null where there is none.
export function nearest(run, round) {
  const apart = (one) => Math.abs(Math.log((one.round + 1) / (round + 1)));
  return run.row.kept.reduce((best, one) => (best && apart(best) <= apart(one) ? best : one), null);
}

export class Then {
  constructor(box, run) {
    Object.assign(this, { box, run, answer: h("div") });
    this.text = h("p", {});
    this.explore = h("button", { type: "button", onclick: () => this.open() }, t("then.explore"));
    this.replay = h("button", { type: "button", onclick: () => this.again() });
    fill(box, h("h2", {}, t("then")), this.text, h("div", { class: "row" }, this.explore, this.replay), this.answer);
  }

  show(axis, place) {
    const { row } = this.run;
    const { shift } = this.run; // of a fork that is shown where its parent was
    const at = place === null ? row.place.round : this.run.number_at("round", axis, place);
    this.round = place === null || at === null ? at : at - (shift.round ?? 0);
    this.kept = nearest(this.run, this.round ?? 0);
    this.explore.hidden = !this.kept;
    const kind = this.kept && t(this.kept.name.includes("/") ? "then.snapshot" : "then.checkpoint");
    this.text.textContent = this.kept ? t("then.nearest", { kind, round: number(this.kept.round) }) : t("then.none");
    this.replay.hidden = !this.round || this.kept?.round === this.round;
    const seconds = this.run.number_at("seconds", "round", (this.round ?? 0) + (shift.round ?? 0)) ?? shift.seconds ?? 0;
    this.replay.textContent = t("then.replay", { round: number(this.round), time: duration(STARTUP + seconds - (shift.seconds ?? 0)) });
  }

  focus() {
    this.box.scrollIntoView({ block: "nearest" });
    (this.kept ? this.explore : this.replay).focus();
  }

  open() {
    state.go({ view: "explore", of: this.run.id, checkpoint: this.kept.name });
  }

  async again() {
    fill(this.answer, note("", t("start.begins")));
    try {
      const { training } = await post(`/api/runs/${this.run.id}/replay`, { rounds: this.round });
      for (let found = {}; this.box.isConnected; found = await get(`/api/trainings/${training}`)) {
        if (found.error) throw new Error(found.error);
        if (found.run) return state.go({ run: found.run, with: this.run.id });
        await new Promise((done) => setTimeout(done, LOOK));
      }
    } catch (error) {
      fill(this.answer, refusal(error));
    }
  }
}
