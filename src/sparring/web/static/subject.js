// A generator that is explored: the browser draws with it where its network is known, else the server does.

import { get, post } from "./api.js";
import { createGenerator, fromBase64, toBytes } from "./forward.js";
import { withClass } from "./latents.js";

export class Subject {
  // which: `raw` and `checkpoint`, as the server takes them
  constructor(of, which) {
    Object.assign(this, { of, which, address: `/api/explore/${of}` });
  }

  async open() {
    const [about, found] = await Promise.all([get(this.address), get(`${this.address}/generator`, this.which)]);
    const { weights, ...facts } = found;
    Object.assign(this, about, facts);
    this.inBrowser = facts.program !== null;
    this.generator = this.inBrowser && createGenerator(facts.program, fromBase64(weights));
    const columns = { columns: this.num_z, std: 1, is_uniform: true, one_hot: 0, is_class: false, continuous: 0 };
    this.noise = facts.noise ?? columns; // of one's own: what lies between two z is a line
    this.size = this.shape.reduce((a, b) => a * b, 1);
    return this;
  }

  get drawsPictures() {
    return this.shape.length === 3;
  }

  ask(what, body) {
    return post(`${this.address}/${what}?${new URLSearchParams(this.which)}`, body);
  }

  // The z of `sparring sample`, one after the other.
  async latents(num, seed, class_) {
    return floats((await this.ask("latents", { num, seed, class: class_ })).z);
  }

  // Images [N, ...shape] in [-1, 1], or points, of z [N, num_z].
  async draw(z) {
    if (this.inBrowser) return this.generator.draw(z);
    const { pixels, points } = await this.ask("draw", { z: inBase64(z) });
    return points ? floats(points) : fromPixels(new Uint8Array(fromBase64(pixels)));
  }

  judge(images, class_) {
    return this.ask("judge", { pixels: inBase64(toBytes(images)), class: class_ });
  }

  nearest(images) {
    return this.ask("nearest", { pixels: inBase64(toBytes(images)) });
  }

  spread() {
    this.spreading ??= get(`${this.address}/spread`, this.which);
    return this.spreading;
  }

  async npz(z) {
    return fromBase64((await this.ask("arrays", { z: inBase64(z) })).npz);
  }

  withClass(z, class_) {
    return class_ === null || !this.noise.is_class ? z : withClass(this.noise, z, class_);
  }

  // The command line for what is shown; a path may hold anything.
  command(verb, ...words) {
    const name = this.which.checkpoint;
    const place = name ? `${this.place}/${name.includes("/") ? "" : "checkpoints/"}${name}.safetensors` : this.place;
    const all = ["sparring", verb, place, ...words, ...(this.which.raw ? ["--raw"] : [])];
    return all.map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
  }

  // The start of a file's name.
  get title() {
    return this.name.replace(/[^\p{L}\p{N}.]+/gu, "-");
  }
}

export function floats(text) {
  return new Float32Array(fromBase64(text));
}

export function inBase64(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

// Images in [-1, 1] of pixels.
export function fromPixels(pixels) {
  return Float32Array.from(pixels, (value) => value / 127.5 - 1);
}

// Save bytes as a file in the browser's folder for downloads.
export function download(bytes, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
