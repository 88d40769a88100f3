// Whether a run is well: the coach's last word, the page's title and its icon.

import { h } from "./dom.js";
import { number } from "./format.js";
import { t, translated } from "./strings.js";

const BROKEN = ["non-finite", "failed", "unreadable"];

export function isSick(row) {
  return row.warnings > 0 || BROKEN.includes(row.state);
}

export function verdict(row) {
  if (!row.warning) return h("p", { class: "well" }, t("coach.well"));
  return h("p", { class: "warned" }, `⚠ ${remark(row.warning).title}`, row.warnings > 1 ? ` (+${number(row.warnings - 1)})` : "");
}

// A warning of the journal: its title in the page's language, and the coach's own sentence with its advice.
export function remark(mark) {
  const text = String(mark.text ?? "");
  const known = translated(`sign.${mark.cause}`);
  return { title: known ?? text, text: known ? text : "", advice: String(mark.advice ?? "") };
}

export function setIcon(kind) {
  const address = `/static/icon-${kind}.svg`;
  const icon = document.getElementById("icon");
  if (icon.getAttribute("href") !== address) icon.setAttribute("href", address);
}

export function setTitle(row) {
  const sick = isSick(row);
  const running = row.state === "running";
  setIcon(sick ? "sick" : running ? "run" : "end");
  const sign = sick ? "⚠" : running ? "▶" : row.state === "finished" ? "✓" : "■";
  document.title = `${sign} ${number(row.place.round)} · ${row.name}`;
}
