// Which run started from which, as a tree: forks, fine-tuned runs and replays.

import { Rows, Stream } from "./api.js";
import { fill, h, note } from "./dom.js";
import { number } from "./format.js";
import * as state from "./state.js";
import { t } from "./strings.js";

const NS = "http://www.w3.org/2000/svg";
const [WIDE, TALL, GAP, INDENT] = [280, 44, 14, 60]; // of a run's box, between boxes, and of each generation

export function showFamily(main) {
  const box = h("div", { class: "family" });
  fill(main, h("h1", {}, t("family")), note("", t("loading")), box);
  let all = new Rows();
  let shape = "";
  const show = (rows) => {
    const known = JSON.stringify(rows.map(({ id, name, parent_id: parent, state: now }) => [id, name, parent, now]));
    if (known === shape) return;
    shape = known;
    const trees = families(rows);
    const alone = rows.length - trees.flat().length;
    const words = alone ? h("p", {}, t("family.alone", { n: number(alone) })) : null;
    fill(main, h("h1", {}, t("family")), trees.length ? box : note("", t("family.none")), words);
    fill(box, trees.map(drawing));
  };
  const opened = () => {
    all = new Rows();
    return {};
  };
  const stream = new Stream(opened, { runs: (news) => show(all.take(news)) }, () => {});
  return () => stream.close();
}

// Families of at least two runs, each a list of { row, depth, parent, line } from its oldest run down, children below it.
export function families(rows) {
  const ids = new Set(rows.map(({ id }) => id));
  const by_start = [...rows].sort((a, b) => String(a.started).localeCompare(String(b.started)) || a.name.localeCompare(b.name));
  const children = Map.groupBy(by_start, (row) => (ids.has(row.parent_id) && row.parent_id !== row.id ? row.parent_id : null));
  const found = [];
  const seen = new Set();
  for (const root of children.get(null) ?? []) {
    const tree = [];
    const add = (row, depth, parent) => {
      if (seen.has(row.id)) return;
      seen.add(row.id);
      const one = { row, depth, parent, line: tree.length };
      tree.push(one);
      (children.get(row.id) ?? []).forEach((child) => add(child, depth + 1, one));
    };
    add(root, 0, null);
    if (tree.length > 1) found.push(tree);
  }
  return found;
}

function drawing(tree) {
  const width = Math.max(...tree.map(({ depth }) => depth)) * INDENT + WIDE + 4;
  const height = tree.length * (TALL + GAP);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": t("family.of", { run: tree[0].row.name }) });
  tree.forEach((one) => svg.append(...(one.parent ? [branch(one)] : []), leaf(one)));
  return h("div", { class: "scrolled-wide" }, svg);
}

function place({ depth, line }) {
  return [2 + depth * INDENT, 2 + line * (TALL + GAP)];
}

function branch(one) {
  const [x, y] = place(one);
  const [from, top] = place(one.parent);
  return s("path", { class: "branch", d: `M ${from + 20} ${top + TALL} V ${y + TALL / 2} H ${x}` });
}

// A link to the run, or to both from the fork on.
function leaf(one) {
  const { row } = one;
  const [x, y] = place(one);
  const view = one.parent ? { run: row.id, with: one.parent.row.id, fork: "1" } : { run: row.id };
  const kind = row.parent && t(`family.${row.parent.kind}`, { round: row.parent.round === null ? "–" : number(row.parent.round) });
  const words = [kind, row.recipe, t(`state.${row.state}`)].filter(Boolean).join(" · ");
  const open = (event) => {
    event.preventDefault();
    state.go(view);
  };
  const link = s("a", { href: `/?${new URLSearchParams(view)}`, "aria-label": `${row.name}, ${words}` });
  link.addEventListener("click", open);
  const [name, small] = [s("text", { x: x + 10, y: y + 18 }), s("text", { class: "small", x: x + 10, y: y + 35 })];
  name.textContent = short(row.name, 28);
  small.textContent = short(words, 38);
  link.append(s("rect", { x, y, width: WIDE, height: TALL, rx: 6 }), name, small);
  return link;
}

function short(text, most) {
  return text.length > most ? `…${text.slice(1 - most)}` : text;
}

function s(tag, props) {
  const node = document.createElementNS(NS, tag);
  Object.entries(props).forEach(([name, value]) => node.setAttribute(name, value));
  return node;
}
