// All runs: newest picture, state, speed, score, and what the coach says.

import { fill, h, note } from "./dom.js";
import { pictureOf, Rows, showImage, Stream } from "./api.js";
import { duration, number, score, secondsLeft } from "./format.js";
import { setIcon, verdict } from "./health.js";
import * as state from "./state.js";
import { t } from "./strings.js";

export function showList(main) {
  const chosen = new Set();
  const cards = h("ul", { class: "runs" });
  const groups = h("div", { class: "row" });
  const compare = h("button", { type: "button", disabled: true, onclick: () => openRuns([...chosen]) }, t("list.compare"));
  fill(main, h("div", { class: "row" }, h("h1", {}, t("list.title")), compare), groups, cards);
  fill(cards, h("li", {}, t("loading")));
  const choose = (id, wanted) => {
    if (wanted) chosen.add(id);
    else chosen.delete(id);
    compare.disabled = chosen.size < 2;
  };
  const show = (rows) => {
    const focused = document.activeElement?.id;
    fill(groups, populations(rows));
    const known = rows.slice(0, 1000).map((row) => card(row, chosen, choose));
    fill(cards, known.length ? known : h("li", {}, note("", t("list.none"))));
    if (focused) document.getElementById(focused)?.focus();
    setIcon(rows.some((row) => row.state === "running") ? "run" : "idle");
  };
  let all = new Rows();
  const opened = () => {
    all = new Rows(); // a stream that begins tells of all runs
    return {};
  };
  const stream = new Stream(opened, { runs: (news) => show(all.take(news)) }, () => {});
  return () => stream.close();
}

// A button for each folder of seeds: all of them as their mean and a band.
function populations(rows) {
  const found = new Map();
  for (const row of rows) {
    const folder = /^(.*)\/seed\d+$/.exec(row.name)?.[1];
    if (folder !== undefined) found.set(folder, [row, ...(found.get(folder) ?? [])]);
  }
  return [...found].filter(([, seeds]) => seeds.length > 1).map(([folder, seeds]) => {
    const [first, ...others] = seeds.toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })).map(({ id }) => id);
    const open = () => state.go({ run: first, with: others.join(","), band: "1" });
    return h("button", { type: "button", id: `seeds-${first}`, onclick: open }, `${folder}: ${t("population.of", { n: seeds.length })}`);
  });
}

function openRuns([first, ...others]) {
  state.go({ run: first, with: others.join(",") });
}

function card(row, chosen, choose) {
  const open = (event) => {
    event.preventDefault();
    state.go({ run: row.id });
  };
  const left = secondsLeft(row);
  const picture = row.picture
    ? h("img", { alt: t("picture.of", { run: row.name }) })
    : h("div", { class: "no-picture" }, t("picture.none"));
  if (row.picture) showImage(picture, `${pictureOf(row.id, row.picture)}?${row.changed}`);
  return h(
    "li",
    { class: "card" },
    picture,
    h(
      "div",
      {},
      h("h2", {}, h("a", { href: `/?run=${row.id}`, id: `open-${row.id}`, onclick: open }, row.name)),
      h("p", {}, h("span", { class: `badge ${row.state}` }, t(`state.${row.state}`)), ` ${row.recipe}`),
      h("dl", {}, facts(row, left)),
      verdict(row),
      h(
        "label",
        { "data-live": true },
        h("input", {
          type: "checkbox",
          id: `choose-${row.id}`,
          checked: chosen.has(row.id),
          onchange: (event) => choose(row.id, event.target.checked),
        }),
        ` ${t("list.choose")}`,
      ),
    ),
  );
}

function facts(row, left) {
  const shown = [
    [t("round"), number(row.place.round)],
    [t("epoch"), number(row.place.epoch)],
    [t("score"), score(row.score)],
    [t("speed"), row.speed ? t("speed.images", { n: number(Math.round(row.speed.images)) }) : "–"],
  ];
  if (left !== null) shown.push([t("left"), duration(left)]);
  return shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}
