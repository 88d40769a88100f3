// The page of a toy: how the generator bends the space of z, and the points that it draws.

import { joined, withClass, zOfSeed } from "./latents.js";
import { save } from "./pictures.js";
import { inWords, number, words } from "./words.js";

const SIZE = 960; // pixels of the canvas
const NUM_POINTS = 3000;
const NUM_VALUES = 4000; // points that a grid may have in all
const SPREAD = [2.5, 1.5]; // deviations of z that the grid covers, of a mixture's component
const BINS = 80;

export function createPoints(generator, { noise, name }, controls) {
  const at = (id) => document.getElementById(id);
  const canvas = at("plane");
  const context = canvas.getContext("2d");
  const dimensions = generator.shape[0];
  const grid = warpedGrid(noise, dimensions);
  let [view, seed, zs] = [null, null, []];

  // [x, y] for each z; of a single coordinate the z beside it
  function drawn(zs) {
    const out = generator.draw(joined(zs), controls.state.sliders);
    return zs.map((z, i) => (dimensions > 1 ? [out[i * dimensions], out[i * dimensions + 1]] : [z[0], out[i]]));
  }

  function update() {
    const start = performance.now();
    if (seed !== controls.state.seed) {
      seed = controls.state.seed;
      zs = Array.from({ length: NUM_POINTS }, (_, i) => zOfSeed(noise, (seed + i * 7919) >>> 0));
    }
    const points = drawn(zs);
    const bent = drawn(grid.flatMap((line) => line.zs));
    const lines = grid.map((line, i) => ({ ...line, points: bent.slice(i * line.zs.length, (i + 1) * line.zs.length) }));
    view = frame([...points, ...bent]);
    [canvas.width, canvas.height] = [SIZE, SIZE];
    context.clearRect(0, 0, SIZE, SIZE);
    if (at("show-points").checked) (dimensions > 1 ? scatter : histogram)(points);
    if (at("show-grid").checked) lines.forEach(stroke);
    at("plane-took").textContent = words("took", { ms: number(performance.now() - start) });
  }

  function place([x, y]) {
    return [((x - view.left) / view.width) * SIZE, SIZE - ((y - view.bottom) / view.height) * SIZE];
  }

  function stroke({ points, hue }) {
    context.strokeStyle = `hsl(${hue} 65% 50%)`;
    context.lineWidth = 2;
    context.beginPath();
    points.forEach((point, i) => (i ? context.lineTo(...place(point)) : context.moveTo(...place(point))));
    context.stroke();
  }

  function scatter(points) {
    context.fillStyle = colour();
    context.globalAlpha = 0.4;
    for (const [x, y] of points.map(place)) context.fillRect(x - 1.5, y - 1.5, 3, 3);
    context.globalAlpha = 1;
  }

  // Of the single coordinate, along the vertical axis at the right
  function histogram(points) {
    const counts = new Array(BINS).fill(0);
    for (const [, y] of points) {
      const bin = Math.floor(((y - view.bottom) / view.height) * BINS);
      counts[Math.min(BINS - 1, Math.max(0, bin))] += 1;
    }
    const most = Math.max(...counts);
    context.fillStyle = colour();
    counts.forEach((count, i) => {
      const width = (count / most) * SIZE * 0.3;
      context.fillRect(SIZE - width, SIZE - ((i + 1) * SIZE) / BINS, width, SIZE / BINS - 1);
    });
  }

  function colour() {
    return getComputedStyle(canvas).color;
  }

  for (const id of ["show-grid", "show-points"]) at(id).addEventListener("change", update);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  at("save-plane").addEventListener("click", () => save(canvas, `${name}-grid.png`));
  at("picture-panel").hidden = at("grid-panel").hidden = at("way-panel").hidden = true;
  at("plane-panel").hidden = false;
  inWords(() => (at("plane-help").textContent = words(dimensions > 1 ? "plane_help" : "line_help")));
  return update;
}

/** Lines of a square grid in z, a small one of each component: z along each line, with a hue. */
function warpedGrid(noise, dimensions) {
  const components = Math.max(1, noise.one_hot);
  const flat = noise.columns === 1 || dimensions === 1;
  const base = new Float32Array(noise.columns + noise.one_hot + noise.continuous);
  const reach = noise.is_uniform ? 1 : SPREAD[components > 1 ? 1 : 0] * noise.std;
  const perLine = Math.sqrt(NUM_VALUES / components / 2);
  const num = flat ? 1 : Math.min(17, Math.max(3, Math.floor(perLine / 2)));
  const steps = flat ? 400 : Math.min(60, Math.max(9, Math.floor(perLine * 2)));
  const lines = [];
  for (let component = 0; component < components; component++) {
    const start = noise.one_hot ? withClass(noise, base, component) : base;
    for (const axis of flat ? [0] : [0, 1]) {
      for (let line = 0; line < num; line++) {
        const across = flat ? 0 : reach * ((2 * line) / (num - 1) - 1);
        const zs = Array.from({ length: steps + 1 }, (_, i) => {
          const z = Float32Array.from(start);
          z[axis] = reach * ((2 * i) / steps - 1);
          if (!flat) z[1 - axis] = across;
          return z;
        });
        lines.push({ zs, hue: components > 1 ? (360 * component) / components : axis ? 25 + 3 * line : 200 + 4 * line });
      }
    }
  }
  return lines;
}

/** A square around all points, with a margin. */
function frame(points) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]).filter(Number.isFinite).sort((a, b) => a - b));
  const ends = [xs, ys].map((values) => [values[Math.floor(values.length * 0.001)], values[Math.floor(values.length * 0.999)]]);
  const side = Math.max(...ends.map(([low, high]) => high - low), 1e-6) * 1.1;
  const [left, bottom] = ends.map(([low, high]) => (low + high - side) / 2);
  return { left, bottom, width: side, height: side };
}
