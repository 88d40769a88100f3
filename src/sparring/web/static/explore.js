// Samples of a run's generator: by seed and class, and on the way from one seed to another.

import { post } from "./api.js";
import { fill, h, note } from "./dom.js";
import { t } from "./strings.js";

export function showExplore(box, run) {
  if (!run.row.checkpoints.length) return;
  const seed = field("explore-seed", t("seed"), 0);
  const to = field("explore-to", t("explore.to"), 1);
  const of = h("select", { id: "explore-class" }, h("option", { value: "" }, t("explore.all")));
  const raw = h("input", { type: "checkbox", id: "explore-raw" });
  const drawn = h("div");
  const rows = h("option", { value: "rows" }, t("explore.rows"));
  const classes = h("label", { for: "explore-class" }, t("explore.class"), " ", of);
  classes.hidden = true;
  const draw = async (way) => {
    fill(drawn, note("", t("loading")));
    const asked = { seed: seed.value(), raw: raw.checked };
    if (of.value === "rows" && !way) Object.assign(asked, { rows: true, num: 8 });
    else if (/^\d+$/.test(of.value)) asked.class = Number(of.value);
    if (way) asked.to = to.value();
    try {
      const found = await post(`/api/runs/${run.id}/sample`, asked);
      if (found.classes.length && of.options.length === 1) {
        of.append(rows);
        found.classes.forEach((name, index) => of.append(h("option", { value: index }, name)));
        classes.hidden = false;
      }
      const name = way ? t("explore.way.of", { a: asked.seed, b: asked.to }) : t("explore.seed.of", { a: asked.seed });
      const address = `data:image/png;base64,${found.png}`;
      const save = h("a", { href: address, download: `${run.row.name.replaceAll("/", "-")}-seed${asked.seed}.png` }, t("explore.save"));
      fill(drawn, h("figure", {}, h("img", { src: address, alt: name }), h("figcaption", {}, `${name} `, save)));
    } catch (error) {
      fill(drawn, note("bad", error.message));
    }
  };
  const button = (label, way) => h("button", { type: "button", onclick: () => draw(way) }, label);
  fill(
    box,
    h(
      "fieldset",
      {},
      h("legend", {}, t("explore")),
      seed.label,
      classes,
      h("label", { for: "explore-raw" }, raw, ` ${t("explore.raw")}`),
      button(t("explore.draw"), false),
      to.label,
      button(t("explore.way"), true),
    ),
    drawn,
  );
}

function field(id, label, value) {
  const input = h("input", { type: "number", id, value: String(value), min: 0, step: 1 });
  return { label: h("label", { for: id }, `${label} `, input), value: () => Math.round(input.valueAsNumber) };
}
