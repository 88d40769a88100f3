// A form for a new training, made from the recipe's own settings; also for one that starts from another run's weights.

import { get, post } from "./api.js";
import { fill, h, note } from "./dom.js";
import { number } from "./format.js";
import { refusal, sentence } from "./sentences.js";
import * as state from "./state.js";
import { t, translated } from "./strings.js";

const FIRST = ["g_optim.lr", "d_optim.lr", "batch_size", "keep_checkpoints"];
const LEFT_OUT = new Set(["name", "source"]);
const RECIPE = "flash"; // where none is named: digits in a minute
const LOOK = 500; // ms between two looks at a training that begins

export function showStart(main) {
  const form = new Form(main);
  form.start().catch((error) => fill(main, h("h1", {}, t("new")), refusal(error)));
  return () => (form.left = true);
}

class Form {
  constructor(main) {
    this.main = main;
    this.parent = state.get("from");
    this.checkpoint = state.get("checkpoint");
    this.answer = h("div");
    fill(main, h("h1", {}, t(this.parent ? "fork" : "new")), note("", t("start.loading")));
  }

  async start() {
    const parent = this.parent && (await get(`/api/runs/${this.parent}`));
    const { recipes, data, folders } = await get("/api/recipes");
    if (this.left) return;
    this.recipes = h("select", { id: "recipe", onchange: () => this.choose() });
    fill(this.recipes, recipes.map(({ name, summary }) => h("option", { value: name, title: summary }, name)));
    const wanted = parent?.recipe ?? state.get("recipe") ?? RECIPE;
    if (recipes.some(({ name }) => name === wanted)) this.recipes.value = wanted;
    const names = [...folders, ...data];
    this.data = h("select", { id: "data" }, h("option", { value: "" }, t("start.own")), names.map((name) => h("option", { value: name }, name)));
    const lengthen = () => (this.length.disabled = !this.unit.value);
    this.unit = h("select", { id: "unit", onchange: lengthen }, h("option", { value: "" }, t("start.own")), ["epochs", "rounds", "images", "minutes"].map((name) => h("option", { value: name }, t(name))));
    this.length = h("input", { type: "number", id: "length", min: 0, step: "any", value: "1", disabled: true });
    this.seed = h("input", { type: "number", id: "seed", min: 0, step: 1, value: "0" });
    this.settings = h("div");
    this.about = h("p");
    this.inherited = parent?.facts.settings ?? {};
    const from = parent && note("", t("fork.note", { run: parent.name, checkpoint: this.checkpoint ?? "" }));
    fill(
      this.main,
      h("h1", {}, t(this.parent ? "fork" : "new")),
      from,
      h(
        "form",
        { onsubmit: (event) => event.preventDefault() },
        row("recipe", t("recipe"), this.recipes),
        this.about,
        row("data", t("data"), this.data),
        row("unit", t("start.length"), this.unit, h("label", { for: "length", class: "hidden" }, t("start.length")), this.length),
        row("seed", t("seed"), this.seed),
        this.settings,
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", onclick: () => this.act("check") }, t("start.check")),
          h("button", { type: "button", onclick: () => this.act("forecast") }, t("start.forecast")),
          h("button", { type: "submit", class: "main", onclick: () => this.begin() }, t("start.start")),
        ),
        this.answer,
      ),
    );
    await this.choose();
  }

  async choose() {
    const chosen = this.recipes.value;
    fill(this.settings, note("", t("loading")));
    const { settings, ranges, summary, measured } = await get(`/api/recipes/${chosen}`);
    if (chosen !== this.recipes.value) return; // another one has been chosen since
    const [unit, length] = Object.entries(settings.length).find(([, value]) => value) ?? [];
    this.unit.options[0].text = unit ? `${t("start.own")}: ${number(length)} ${t(unit)}` : t("start.own");
    this.data.options[0].text = `${t("start.own")}: ${settings.data?.name ?? settings.data}`;
    fill(this.about, sentence("span", summary), measured && h("small", {}, ` ${t("start.measured")} `, h("span", { lang: "en" }, measured)));
    const all = [...flat("", settings)].filter(([name]) => !LEFT_OUT.has(name) && !name.startsWith("data.path") && !name.startsWith("length."));
    this.fields = new Map();
    const first = all.filter(([name]) => FIRST.includes(name)).map(([name, value]) => this.field(name, value, ranges[name]));
    const rest = all.filter(([name]) => !FIRST.includes(name)).map(([name, value]) => this.field(name, value, ranges[name]));
    fill(this.settings, first, h("details", {}, h("summary", {}, t("start.all", { n: rest.length })), rest));
    for (const [name, text] of Object.entries(this.inherited)) if (this.fields.has(name)) this.fields.get(name).input.value = text;
  }

  // One setting as JSON, as --set takes it, with its range in words.
  field(name, value, range) {
    const id = `set-${name.replaceAll(".", "-")}`;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const input = h("input", { type: "text", id, value: text, spellcheck: "false", autocomplete: "off" });
    if (typeof value === "boolean") input.setAttribute("list", "truth");
    this.fields.set(name, { input, text });
    return row(id, name, input, h("small", {}, help(name), " ", range && sentence("span", range)));
  }

  body() {
    const settings = {};
    for (const [name, { input, text }] of this.fields) if (input.value.trim() !== text) settings[name] = input.value.trim();
    const found = { recipe: this.recipes.value, seed: Math.round(this.seed.valueAsNumber || 0), settings };
    if (this.data.value) found.data = this.data.value;
    if (this.unit.value) found.lengths = { [this.unit.value]: this.length.valueAsNumber };
    if (this.parent) Object.assign(found, { from: this.parent }, this.checkpoint && { checkpoint: this.checkpoint });
    return found;
  }

  async act(what) {
    fill(this.answer, note("", t(what === "forecast" ? "start.playing" : "loading")));
    try {
      const { command, forecast } = await post(`/api/${what}`, this.body());
      fill(this.answer, forecast ? facts(forecast) : note("good", t("start.fine")), line(command));
    } catch (error) {
      fill(this.answer, refusal(error));
    }
  }

  async begin() {
    fill(this.answer, note("", t("start.begins")));
    try {
      const { training } = await post("/api/trainings", this.body());
      for (let found = {}; !this.left; found = await get(`/api/trainings/${training}`)) {
        if (found.error) throw new Error(found.error);
        if (found.run) return state.go({ run: found.run, with: this.parent, fork: this.parent && "1" });
        await new Promise((done) => setTimeout(done, LOOK));
      }
    } catch (error) {
      fill(this.answer, refusal(error));
    }
  }
}

function facts(found) {
  const shown = [
    [t("forecast.time"), found.about],
    [t("forecast.round"), `${number(found.ms_per_round)} ms`],
    [t("forecast.memory"), `${number(Math.round(found.peak_memory_mib))} MiB`],
    [t("forecast.g"), number(found.generator_parameters)],
    [t("forecast.d"), number(found.discriminator_parameters)],
  ];
  return h("dl", { class: "facts" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function line(command) {
  const copy = () => navigator.clipboard?.writeText(command);
  return h("div", { class: "row" }, h("code", { class: "command" }, command), h("button", { type: "button", onclick: copy }, t("copy")));
}

function row(id, label, ...children) {
  return h("div", { class: "field" }, h("label", { for: id }, label), children);
}

// What a setting means, by the end of its name; the first side of penalties.0.gamma stands for the others.
function help(name) {
  const parts = name.split(".").filter((part) => !/^\d+$/.test(part));
  const ends = parts.map((_, index) => parts.slice(index).join("."));
  return ends.map((end) => translated(`help.${end}`)).find((text) => text) ?? "";
}

// Settings as dotted names and values, as --set takes them.
function* flat(prefix, value) {
  if (Array.isArray(value) && value.some((item) => item && typeof item === "object")) {
    for (const [index, item] of value.entries()) yield* flat(`${prefix}.${index}`, item);
  } else if (value && typeof value === "object" && !Array.isArray(value)) {
    for (const [name, item] of Object.entries(value)) {
      const part = prefix && name === "name";
      yield* flat(part ? prefix : prefix ? `${prefix}.${name}` : name, item);
    }
  } else yield [prefix, value];
}
