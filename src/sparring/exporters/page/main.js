// Starts the page from the data in it.

import { createControls } from "./controls.js";
import { createGenerator, fromBase64 } from "./forward.js";
import { createImages } from "./images.js";
import { zOfSeed } from "./latents.js";
import { createPoints } from "./points.js";
import { inWords, number, setUpWords, words } from "./words.js";

const page = JSON.parse(document.getElementById("data").textContent);
const generator = createGenerator(page.program, fromBase64(document.getElementById("weights").textContent));
page.name = page.name.replace(/[^\p{L}\p{N}.]+/gu, "-"); // of files
const directions = page.program.directions ?? { num: 0, shares: [] };
setUpWords(page.strings, navigator.language);

let waiting = null;
const controls = createControls({ ...page, directions }, (what) => {
  if (waiting === null) requestAnimationFrame(draw);
  waiting = waiting === null || waiting === what ? what : "all";
});
const update = (generator.shape.length === 1 ? createPoints : createImages)(generator, page, controls);

function draw() {
  const what = waiting;
  waiting = null;
  update(what);
}

inWords(() => {
  const { num, levels, differing, difference } = page.parity;
  const kind = differing === null ? "parity_points" : "parity";
  const percent = { differing: number(100 * differing, 2), difference: number(100 * difference, 3) };
  document.getElementById("parity").textContent = words(kind, { num: number(num, 0), levels, ...percent });
  document.getElementById("made").textContent = words("made", page);
});
controls.setSeed(0);
waiting = "all";
window.sparring = { draw: generator.draw, shape: generator.shape, zOfSeed: (seed) => zOfSeed(page.noise, seed) };
