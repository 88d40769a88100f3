// An animated GIF (89a): a palette of at most 256 colours for all frames, and LZW.

/** The bytes of an endless animation. frames: RGBA bytes, each [height, width]; delay: hundredths of a second a frame. */
export function encodeGif(frames, width, height, delay) {
  const { colours, indexOf } = palette(frames);
  const out = [];
  const short = (value) => out.push(value & 255, value >> 8);
  out.push(...ascii("GIF89a"));
  short(width);
  short(height);
  out.push(0xf7, 0, 0); // 256 colours of 8 bits for all frames
  for (let i = 0; i < 256; i++) out.push(...(colours[i] ?? [0, 0, 0]));
  out.push(0x21, 0xff, 11, ...ascii("NETSCAPE2.0"), 3, 1, 0, 0, 0); // again and again
  for (const frame of frames) {
    out.push(0x21, 0xf9, 4, 4);
    short(delay);
    out.push(0, 0, 0x2c, 0, 0, 0, 0);
    short(width);
    short(height);
    out.push(0);
    for (const byte of blocks(compress(indices(frame, indexOf)))) out.push(byte);
  }
  out.push(0x3b);
  return Uint8Array.from(out);
}

function ascii(text) {
  return Array.from(text, (character) => character.charCodeAt(0));
}

function indices(frame, indexOf) {
  const found = new Uint8Array(frame.length / 4);
  for (let i = 0; i < found.length; i++) found[i] = indexOf(frame[4 * i], frame[4 * i + 1], frame[4 * i + 2]);
  return found;
}

/** All grey levels where there is no colour; else the means of 256 boxes with about as many pixels each (Heckbert 1982). */
function palette(frames) {
  const counts = new Map();
  for (const frame of frames) {
    for (let i = 0; i < frame.length; i += 4) {
      const key = (frame[i] << 16) | (frame[i + 1] << 8) | frame[i + 2];
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const pixels = Array.from(counts, ([key, count]) => ({ key, count, colour: [key >> 16, (key >> 8) & 255, key & 255] }));
  if (pixels.every(({ colour: [r, g, b] }) => r === g && g === b)) {
    return { colours: Array.from({ length: 256 }, (_, i) => [i, i, i]), indexOf: (r) => r };
  }
  const boxes = cut(pixels);
  const numbers = new Map();
  boxes.forEach((box, i) => box.forEach(({ key }) => numbers.set(key, i)));
  return { colours: boxes.map(mean), indexOf: (r, g, b) => numbers.get((r << 16) | (g << 8) | b) };
}

function cut(pixels) {
  const boxes = [pixels];
  while (boxes.length < 256) {
    boxes.sort((a, b) => spread(a).weight - spread(b).weight);
    const box = boxes.pop();
    const { channel, weight } = spread(box);
    if (weight === 0) return [...boxes, box];
    box.sort((a, b) => a.colour[channel] - b.colour[channel]);
    const half = total(box) / 2;
    let [at, passed] = [0, 0];
    while (at < box.length - 1 && passed < half) passed += box[at++].count;
    boxes.push(box.slice(0, at), box.slice(at));
  }
  return boxes;
}

/** The channel in which a box is widest, and how much would be gained if it were cut there. */
function spread(box) {
  if (box.spread) return box.spread;
  const widths = [0, 1, 2].map((c) => {
    const values = box.map(({ colour }) => colour[c]);
    return values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  });
  const width = Math.max(...widths);
  return (box.spread = { channel: widths.indexOf(width), weight: width * Math.sqrt(total(box)) });
}

function total(box) {
  return box.reduce((sum, { count }) => sum + count, 0);
}

function mean(box) {
  const all = total(box);
  return [0, 1, 2].map((c) => Math.round(box.reduce((sum, { colour, count }) => sum + colour[c] * count, 0) / all));
}

/** LZW (Welch 1984) with codes of 9 to 12 bits, as GIF packs them. */
function compress(values) {
  const bytes = [];
  let [waiting, numBits, width] = [0, 0, 9];
  const write = (code) => {
    waiting |= code << numBits;
    for (numBits += width; numBits >= 8; numBits -= 8) {
      bytes.push(waiting & 255);
      waiting >>>= 8;
    }
  };
  const [clear, end] = [256, 257];
  let [table, next] = [new Map(), 258];
  write(clear);
  let prefix = values[0];
  for (let i = 1; i < values.length; i++) {
    const key = (prefix << 8) | values[i];
    const known = table.get(key);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    write(prefix);
    prefix = values[i];
    if (next === 4096) {
      write(clear);
      [table, next, width] = [new Map(), 258, 9];
    } else {
      if (next === 1 << width) width += 1;
      table.set(key, next++);
    }
  }
  write(prefix);
  write(end);
  if (numBits) bytes.push(waiting & 255);
  return bytes;
}

/** The smallest code's size, then blocks of at most 255 bytes, each after its length. */
function blocks(bytes) {
  const out = [8];
  for (let i = 0; i < bytes.length; i += 255) {
    const part = bytes.slice(i, i + 255);
    out.push(part.length, ...part);
  }
  out.push(0);
  return out;
}
