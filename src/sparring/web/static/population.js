// Several seeds as one: the mean of their numbers at every round, with a band from the least to the greatest.

import { t } from "./strings.js";

// Something that charts take for a run. Rounds count that all seeds have journalled.
export function population(runs) {
  const rows = runs.map(({ axes }) => new Map((axes.round ?? []).map((round, at) => [round, at])));
  const rounds = [...(rows[0]?.keys() ?? [])].filter((round) => rows.every((known) => known.has(round)));
  const names = Object.keys(runs[0].low).filter((name) => runs.every((run) => name in run.low));
  const over = (column_of, combine) => rounds.map((round) => combine(runs.map((run, which) => column_of(run)?.[rows[which].get(round)])));
  const of = (source, combine) => Object.fromEntries(names.map((name) => [name, over((run) => source(run)[name], combine)]));
  return {
    row: { name: t("population.of", { n: runs.length }) },
    axes: Object.fromEntries(Object.keys(runs[0].axes).map((name) => [name, over((run) => run.axes[name], mean)])),
    low: of((run) => run.low, least),
    high: of((run) => run.high ?? run.low, greatest),
    mean: of((run) => (run.high ? middle(run) : run.low), mean),
    scores: scores_of(runs),
  };
}

// Quick scores at the rounds at which all seeds have one: [{ ...place, headline, low, high, mean }].
function scores_of(runs) {
  const taken = runs.map((run) => new Map(run.marks.filter(({ event }) => event === "score").map((mark) => [mark.round, mark])));
  const rounds = [...(taken[0]?.keys() ?? [])].filter((round) => taken.every((known) => known.has(round)));
  return rounds.map((round) => {
    const marks = taken.map((known) => known.get(round));
    const values = marks.map((mark) => mark[mark.headline]);
    const places = Object.fromEntries(["round", "epoch", "images", "seconds"].map((name) => [name, mean(marks.map((mark) => mark[name]))]));
    return { ...places, headline: marks[0].headline, low: least(values), high: greatest(values), mean: mean(values) };
  });
}

// The middle of a long run's envelopes, which stands for its values there.
function middle({ low, high }) {
  return Object.fromEntries(Object.keys(low).map((name) => [name, low[name].map((value, at) => mean([value, high[name][at]]))]));
}

function known(values) {
  return values.filter((value) => value !== null && value !== undefined);
}

function least(values) {
  return known(values).length ? Math.min(...known(values)) : null;
}

function greatest(values) {
  return known(values).length ? Math.max(...known(values)) : null;
}

function mean(values) {
  const found = known(values);
  return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
}
