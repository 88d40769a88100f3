// The lines of the charts: which numbers share one, and what several runs or the seeds of a population make of them.

import uPlot from "./uplot.js";
import { t, translated } from "./strings.js";

const GROUPS = [
  ["losses", ["g_loss", "d_loss"]],
  ["logits", ["real_logit", "fake_logit"]],
  ["probabilities", ["d_real", "d_fake"]],
  ["gradients", ["g_gradient", "d_gradient"], "log"],
  ["rates", ["g_lr", "d_lr"], "log"],
  ["accuracies", ["d_accuracy_real", "d_accuracy_fake", "g_accuracy"]],
  ["penalties", ["d_penalty", "g_penalty", "gamma"]],
  ["strength", ["strength"]],
];
const KNOWN = new Set(GROUPS.flatMap(([, names]) => names));
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

export function groups_of(runs) {
  const names = new Set(runs.flatMap((run) => Object.keys(run.low)));
  const others = [...names].filter((name) => !KNOWN.has(name)).sort();
  const chosen = GROUPS.map(([key, all, scale]) => [key, all.filter((name) => names.has(name)), scale]);
  return [["scores", []], ...chosen, ["others", others]].filter(([key, found]) => key === "scores" || found.length);
}

// The lines of some numbers: one each where all rounds are there, the least and the greatest with a band where they are not.
export function lines_of(runs, names, axis, scale) {
  const tables = [];
  const series = [];
  const bands = [];
  runs.forEach((run, which) => {
    const here = names.filter((name) => name in run.low);
    if (!here.length || !run.axes[axis]?.length) return;
    const table = [ascending(run.axes[axis])];
    here.forEach((name) => {
      const common = { name, colour: colour_of(names.indexOf(name), name), dash: DASHES[which % DASHES.length] };
      const label = label_of(name, run, runs);
      if (run.high) {
        bands.push({ series: [series.length + 2, series.length + 1], colour: common.colour });
        const band = run.mean ? `${label}, ${t("population.band")}` : label;
        series.push({ ...common, label: band, envelope: true }, { ...common, label: band, envelope: true, upper: true });
        table.push(positive(run.low[name], scale), positive(run.high[name], scale));
        if (run.mean) {
          series.push({ ...common, label: `${label}, ${t("population.mean")}` });
          table.push(positive(run.mean[name], scale));
        }
      } else {
        series.push({ ...common, label });
        table.push(positive(run.low[name], scale));
      }
    });
    tables.push(table);
  });
  return { data: joined(tables), series, bands: bands.map(band_of) };
}

export function score_lines(runs, axis) {
  const tables = [];
  const series = [];
  if (runs[0].scores) return banded_scores(runs[0].scores, axis);
  runs.forEach((run, which) => {
    const points = new Map();
    for (const mark of run.marks.filter(({ event }) => event === "score")) points.set(mark[axis], mark[mark.headline]);
    if (!points.size) return;
    const places = [...points.keys()].sort((a, b) => a - b);
    const name = run.marks.find(({ event }) => event === "score").headline;
    series.push({ name, label: label_of(name, run, runs), colour: "--third", dash: DASHES[which % 4], points: true });
    tables.push([places, places.map((place) => points.get(place))]);
  });
  return { data: joined(tables), series, bands: [] };
}

function banded_scores(scores, axis) {
  if (!scores.length) return { data: [[]], series: [], bands: [] };
  const label = label_of(scores[0].headline, null, []);
  const [band, common] = [`${label}, ${t("population.band")}`, { name: scores[0].headline, colour: "--third", dash: [] }];
  const series = [{ ...common, label: band, envelope: true }, { ...common, label: band, envelope: true, upper: true }];
  series.push({ ...common, label: `${label}, ${t("population.mean")}`, points: true });
  const data = [axis, "low", "high", "mean"].map((name) => scores.map((score) => score[name]));
  return { data, series, bands: [band_of({ series: [2, 1], colour: common.colour })] };
}

function joined(tables) {
  if (!tables.length) return [[]];
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}

// A run that was rolled back journals some rounds twice; a chart needs places that never fall.
function ascending(column) {
  let last = -Infinity;
  return column.map((value) => (last = Math.max(last, value ?? last)));
}

function positive(column, scale) {
  return scale === "log" ? column.map((value) => (value > 0 ? value : null)) : column;
}

function colour_of(place, name) {
  if (name === "g_accuracy") return "--third";
  if (name.startsWith("g_") || name.includes("fake")) return "--of-g";
  if (name.startsWith("d_") || name.includes("real")) return "--of-d";
  return place % 2 ? "--of-d" : "--third";
}

function band_of({ series, colour }) {
  const style = getComputedStyle(document.documentElement);
  return { series, fill: `${style.getPropertyValue(colour).trim()}55` };
}

function label_of(name, run, runs) {
  const plain = translated(`number.${name}`) ?? name.replaceAll("_", " ");
  return runs.length > 1 ? `${plain} · ${run.row.name}` : plain;
}
