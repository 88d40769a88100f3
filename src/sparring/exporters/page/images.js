// The page of a generator of images: one picture, a grid of 64, and the way between two kept pictures.

import { encodeGif } from "./gif.js";
import { between, joined, withClass } from "./latents.js";
import { enlargement, onWhite, save, show, tiled } from "./pictures.js";
import { inWords, number, words } from "./words.js";

const COLUMNS = 8;
const NUM = COLUMNS * COLUMNS;
const AT_ONCE = 8; // pictures of the grid between two looks at what the user does
const STEPS = 11; // pictures from A to B that are shown
const FRAMES = 24; // of the animation there, and as many back
const HUNDREDTHS = 6; // of a second a frame

export function createImages(generator, { noise, classes, name }, controls) {
  const at = (id) => document.getElementById(id);
  const [picture, grid, strip, way] = [at("picture"), at("grid"), at("strip"), at("way")];
  const scale = enlargement(generator.shape);
  const kept = { a: null, b: null };
  let [first, wanted, playing] = [0, 0, null];

  const here = () => ({ z: controls.z(), sliders: controls.state.sliders });
  const drawAll = (points) => generator.draw(joined(points.map(({ z }) => z)), joined(points.map(({ sliders }) => sliders)));
  const file = (what, ending) => `${name}-${what}.${ending}`;

  function drawPicture(point = here(), caption = null) {
    const start = performance.now();
    const image = generator.draw(point.z, point.sliders);
    const took = performance.now() - start;
    show(picture, tiled(image, generator.shape, 1));
    const shown = noise.is_class ? words("seed_and_class", { seed: controls.state.seed, class: controls.className() }) : null;
    caption ??= shown ?? words("of_seed", { seed: controls.state.seed });
    at("caption").textContent = caption;
    picture.setAttribute("aria-label", words("picture_label", { what: caption }));
    at("took").textContent = words("took", { ms: number(took) });
  }

  // Drawn a few at a time, and begun anew when something changes
  async function drawGrid() {
    const turn = ++wanted;
    const [, height, width] = generator.shape;
    const pitch = [width + 2, height + 2];
    if (grid.width !== COLUMNS * pitch[0]) [grid.width, grid.height] = [COLUMNS * pitch[0], COLUMNS * pitch[1]];
    for (let i = 0; i < NUM; i += AT_ONCE) {
      await new Promise((done) => setTimeout(done, 0));
      if (turn !== wanted) return;
      const zs = Array.from({ length: AT_ONCE }, (_, k) => controls.z(first + i + k));
      const images = tiled(generator.draw(joined(zs), controls.state.sliders), generator.shape, COLUMNS, 1, 2);
      grid.getContext("2d").putImageData(images, 1, 1 + Math.floor(i / COLUMNS) * pitch[1]);
    }
    mark();
  }

  function mark() {
    const place = controls.state.seed - first;
    const inside = place >= 0 && place < NUM;
    at("mark").hidden = !inside;
    at("mark").style.setProperty("--column", place % COLUMNS);
    at("mark").style.setProperty("--row", Math.floor(place / COLUMNS));
    const range = words("seeds", { first, last: first + NUM - 1 });
    at("seeds").textContent = range;
    grid.parentElement.setAttribute("aria-label", words("grid_label", { range }));
  }

  function drawClasses() {
    if (!controls.classButtons.length) return;
    const zs = controls.classButtons.map((_, i) => withClass(noise, controls.z(), i));
    const images = generator.draw(joined(zs), controls.state.sliders);
    const size = images.length / zs.length;
    controls.classButtons.forEach((canvas, i) => {
      show(canvas, tiled(images.subarray(i * size, (i + 1) * size), generator.shape, 1));
    });
  }

  function keep(letter) {
    const { z, sliders } = here();
    kept[letter] = { z, sliders: Float32Array.from(sliders) };
    drawWay();
  }

  function point(t) {
    const { a, b } = kept;
    return { z: between(noise, a.z, b.z, t), sliders: a.sliders.map((value, i) => (1 - t) * value + t * b.sliders[i]) };
  }

  function drawWay() {
    const points = Array.from({ length: STEPS }, (_, i) => point(i / (STEPS - 1)));
    show(strip, tiled(drawAll(points), generator.shape, STEPS, 1, 2));
    drawPoint();
  }

  function drawPoint() {
    show(at("between"), tiled(drawAll([point(way.valueAsNumber)]), generator.shape, 1));
  }

  function play() {
    if (playing === null) {
      const start = performance.now();
      const step = (now) => {
        way.value = (1 - Math.cos((Math.max(0, now - start) / 10 / HUNDREDTHS / FRAMES) * Math.PI)) / 2;
        drawPoint();
        playing = requestAnimationFrame(step);
      };
      playing = requestAnimationFrame(step);
    } else {
      cancelAnimationFrame(playing);
      playing = null;
    }
    sayPlaying();
  }

  function sayPlaying() {
    at("play").textContent = words(playing === null ? "play" : "stop");
  }

  function gif() {
    const there = Array.from({ length: FRAMES + 1 }, (_, i) => point((1 - Math.cos((i / FRAMES) * Math.PI)) / 2));
    const frames = there.map((p) => tiled(drawAll([p]), generator.shape, 1, scale));
    const pixels = [...frames, ...frames.slice(1, -1).reverse()].map(onWhite);
    save(encodeGif(pixels, frames[0].width, frames[0].height, HUNDREDTHS), file("a-to-b", "gif"));
  }

  function savePicture() {
    const canvas = document.createElement("canvas");
    show(canvas, tiled(generator.draw(controls.z(), controls.state.sliders), generator.shape, 1, scale));
    save(canvas, file(`seed-${controls.state.seed}`, "png"));
  }

  function choose(place) {
    controls.setSeed(first + Math.min(NUM - 1, Math.max(0, place)));
  }

  function page(step) {
    first = Math.max(0, first + step * NUM);
    drawGrid();
  }

  grid.parentElement.addEventListener("click", (event) => {
    const box = grid.getBoundingClientRect();
    const [column, row] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    choose(Math.floor(column * COLUMNS) + COLUMNS * Math.floor(row * COLUMNS));
  });
  grid.parentElement.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(controls.state.seed - first + step);
  });
  const clicks = { "keep-a": () => keep("a"), "keep-b": () => keep("b"), play, gif, "save-picture": savePicture };
  Object.assign(clicks, { "save-grid": () => save(grid, file("grid", "png")), earlier: () => page(-1), later: () => page(1) });
  for (const [id, act] of Object.entries(clicks)) at(id).addEventListener("click", act);
  way.addEventListener("input", drawPoint);
  kept.a = { z: controls.z(0), sliders: new Float32Array(controls.state.sliders.length) };
  kept.b = { ...kept.a, z: controls.z(NUM - 1) };
  inWords(() => {
    drawPicture();
    mark();
    sayPlaying();
  });
  drawWay();

  /** Draw what depends on the controls anew. */
  return function update(what) {
    drawPicture();
    drawClasses();
    if (what === "seed" || what === "code") mark();
    else drawGrid();
  };
}
