// What chooses a z: a seed, a class, continuous codes, and sliders along the principal directions.

import { classOf, withClass, zOfSeed } from "./latents.js";
import { inWords, number, words } from "./words.js";

const LARGEST_SEED = 2 ** 32 - 1;
const REACH = 3; // standard deviations to each side
const MOST_BUTTONS = 30; // classes that have a button each

/** The controls of a page. `changed(what)` is called with "seed", "class", "code" or "sliders" after each change. */
export function createControls({ noise, classes, directions }, changed) {
  const seedField = document.getElementById("seed");
  const state = { seed: 0, class: null, codes: new Float32Array(noise.continuous), sliders: new Float32Array(directions.num) };
  const codes = Array.from(state.codes, (_, i) => addSlider("codes", () => words("code", { number: i + 1 }), 1, (value) => {
    state.codes[i] = value;
    changed("code");
  }));
  const sliders = Array.from(state.sliders, (_, i) => addSlider("directions", () => directionName(i), REACH, (value) => {
    state.sliders[i] = value;
    changed("sliders");
  }));

  function directionName(i) {
    return words("direction", { number: i + 1, share: number(100 * directions.shares[i]) });
  }

  function setSeed(seed) {
    state.seed = Math.min(LARGEST_SEED, Math.max(0, Math.floor(seed) || 0));
    seedField.value = state.seed;
    zOfSeed(noise, state.seed).subarray(noise.columns + noise.one_hot).forEach((value, i) => {
      state.codes[i] = value;
      codes[i].set(value);
    });
    changed("seed");
  }

  function setSliders(values) {
    state.sliders.set(values);
    sliders.forEach((slider, i) => slider.set(values[i]));
    changed("sliders");
  }

  /** The z of a seed, in the chosen class; of the chosen seed with the chosen codes. */
  function z(seed = state.seed) {
    const drawn = zOfSeed(noise, seed);
    if (seed === state.seed) drawn.set(state.codes, noise.columns + noise.one_hot);
    return state.class === null ? drawn : withClass(noise, drawn, state.class);
  }

  function setClass(number) {
    state.class = number;
    changed("class");
  }

  seedField.addEventListener("change", () => setSeed(seedField.valueAsNumber));
  document.getElementById("before").addEventListener("click", () => setSeed(state.seed - 1));
  document.getElementById("after").addEventListener("click", () => setSeed(state.seed + 1));
  document.getElementById("another").addEventListener("click", () => setSeed(Math.random() * LARGEST_SEED));
  document.getElementById("reset").addEventListener("click", () => setSliders(new Float32Array(directions.num)));
  inWords(() => {
    document.getElementById("directions-help").textContent = words(directions.at ? "directions_help" : "z_help", {
      layer: directions.at, width: directions.width });
  });
  const buttons = noise.is_class ? addClasses(classes, setClass) : [];
  return { state, z, setSeed, setSliders, classButtons: buttons, className: () => classes[state.class ?? classOf(noise, z())] };
}

/** A labelled slider in a fieldset, which is shown. */
function addSlider(fieldset, name, reach, moved) {
  const group = document.getElementById(fieldset);
  group.hidden = false;
  const row = group.querySelector("template").content.firstElementChild.cloneNode(true);
  const [text, input, output] = [row.querySelector("span"), row.querySelector("input"), row.querySelector("output")];
  [input.min, input.max] = [-reach, reach];
  const set = (value) => {
    input.value = value;
    output.textContent = number(Number(value));
  };
  input.addEventListener("input", () => {
    output.textContent = number(input.valueAsNumber);
    moved(input.valueAsNumber);
  });
  input.addEventListener("dblclick", () => {
    set(0);
    moved(0);
  });
  set(0);
  inWords(() => {
    text.textContent = name();
    output.textContent = number(input.valueAsNumber);
  });
  group.querySelector(".rows").append(row);
  return { set };
}

/** A choice of class, each button with a canvas for its picture; for very many classes a list. "Any" is as the seed has it. */
function addClasses(classes, chosen) {
  const group = document.getElementById("classes");
  group.hidden = false;
  if (classes.length > MOST_BUTTONS) return addClassList(group, classes, chosen);
  return [null, ...classes.keys()].map((i) => {
    const button = group.querySelector("template").content.firstElementChild.cloneNode(true);
    const [input, canvas, text] = [button.querySelector("input"), button.querySelector("canvas"), button.querySelector("span")];
    input.checked = i === null;
    input.addEventListener("change", () => chosen(i));
    if (i === null) canvas.remove();
    inWords(() => (text.textContent = i === null ? words("any") : classes[i]));
    group.querySelector(".row").append(button);
    return canvas;
  }).slice(1);
}

function addClassList(group, classes, chosen) {
  const list = document.createElement("select");
  list.dataset.label = "class";
  inWords(() => list.setAttribute("aria-label", words("class")));
  list.append(...[null, ...classes].map((name) => new Option(name ?? words("any"))));
  list.addEventListener("change", () => chosen(list.selectedIndex ? list.selectedIndex - 1 : null));
  group.querySelector(".row").append(list);
  return [];
}
