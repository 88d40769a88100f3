// The pictures of a run at the slider's place.

import { pictureOf, showImage } from "./api.js";
import { fill, h } from "./dom.js";
import { number } from "./format.js";
import * as state from "./state.js";
import { t, translated } from "./strings.js";

export class Picture {
  constructor(box, run) {
    this.run = run;
    this.kind = state.get("kind");
    this.image = h("img", { alt: "" });
    this.caption = h("p", {});
    this.kinds = h("select", { id: "kind", onchange: () => this.choose() });
    this.choice = h("p", { "data-live": true }, h("label", { for: "kind" }, t("picture.kind")), " ", this.kinds);
    fill(box, this.choice, h("figure", {}, this.image, h("figcaption", {}, this.caption)));
  }

  choose() {
    this.kind = this.kinds.value;
    state.set({ kind: this.kind });
    this.show(this.axis, this.place);
  }

  // The pictures of the chosen kind.
  shown() {
    const all = this.run().pictures();
    const kind = all.some((one) => one.kind === this.kind) ? this.kind : all[0]?.kind;
    return all.filter((one) => one.kind === kind);
  }

  show(axis, place) {
    Object.assign(this, { axis, place });
    const kinds = [...new Set(this.run().pictures().map(({ kind }) => kind))];
    if (kinds.join() !== this.known) {
      this.known = kinds.join();
      fill(this.kinds, kinds.map((kind) => h("option", { value: kind }, translated(`kind.${kind}`) ?? kind)));
    }
    this.choice.hidden = kinds.length < 2;
    const pictures = this.shown();
    if (pictures.length) this.kinds.value = pictures[0].kind;
    const found = place === null ? pictures.at(-1) : (pictures.findLast((one) => one[axis] <= place) ?? pictures[0]);
    this.image.hidden = !found;
    if (!found) {
      this.caption.textContent = t("picture.none");
      return;
    }
    const address = pictureOf(this.run().id, found.name);
    const words = t("picture.at", { round: number(found.round), epoch: number(found.epoch) });
    showImage(this.image, address);
    this.image.alt = `${t("picture.of", { run: this.run().row.name })}, ${words}`;
    this.caption.textContent = words;
  }
}
