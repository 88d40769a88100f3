// The frame of the page: its head, and the view that the address names.

import { h, fill } from "./dom.js";
import { setLanguage, language, t } from "./strings.js";
import * as state from "./state.js";
import { showFamily } from "./family.js";
import { showList } from "./list.js";
import { savePage } from "./save.js";
import { showRun } from "./run.js";
import { showStart } from "./start.js";
import { showGenerator } from "./explore.js";

let leave = () => {};

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // the address holds it
  }
}

function look() {
  return state.get("look") ?? remembered("look") ?? "auto";
}

function applyLook() {
  const dark = look() === "dark" || (look() === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function switchLanguage() {
  const other = language() === "ko" ? "en" : "ko";
  remember("lang", other);
  state.set({ lang: other });
  show();
}

function switchLook() {
  const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  remember("look", other);
  state.set({ look: other });
  show();
}

function link(text, view) {
  const go = (event) => {
    event.preventDefault();
    state.go(view);
  };
  return h("a", { href: `/?${new URLSearchParams(view)}`, onclick: go }, text);
}

function showTop() {
  const other = language() === "ko" ? "English" : "한국어";
  const dark = document.documentElement.dataset.theme === "dark";
  fill(
    document.getElementById("top"),
    h(
      "nav",
      { "aria-label": t("nav") },
      h("span", { class: "name" }, link("Sparring", {})),
      link(t("new"), { view: "start" }),
      link(t("explore"), { view: "explore" }),
      link(t("family"), { view: "family" }),
    ),
    h(
      "div",
      { class: "switches" },
      h("button", { type: "button", onclick: switchLanguage, lang: language() === "ko" ? "en" : "ko" }, other),
      h("button", { type: "button", onclick: savePage }, t("save")),
      h("button", { type: "button", onclick: switchLook }, t(dark ? "look.light" : "look.dark")),
    ),
  );
}

function show() {
  leave();
  const preferred = navigator.language.startsWith("ko") ? "ko" : "en";
  setLanguage(state.get("lang") ?? remembered("lang") ?? preferred);
  applyLook();
  showTop();
  document.title = "Sparring";
  const main = fill(document.getElementById("main"));
  const views = { start: showStart, explore: showGenerator, family: showFamily };
  const view = state.get("run") ? showRun : (views[state.get("view")] ?? showList);
  leave = view(main) ?? (() => {});
}

state.onView(show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
show();
