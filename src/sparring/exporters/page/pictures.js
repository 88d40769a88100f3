// Images as pixels: on a canvas, in a grid, as a file to save.

import { toBytes } from "./forward.js";

/** RGBA bytes of the images [num, C, H, W] in a grid of so many columns, each pixel enlarged, with a transparent gap. */
export function tiled(images, [channels, height, width], columns, scale = 1, gap = 0) {
  const bytes = toBytes(images);
  const area = height * width;
  const num = bytes.length / (channels * area);
  const size = [columns * (width * scale + gap) - gap, Math.ceil(num / columns) * (height * scale + gap) - gap];
  const pixels = new Uint8ClampedArray(4 * size[0] * size[1]);
  for (let i = 0; i < num; i++) {
    const [left, top] = [(i % columns) * (width * scale + gap), Math.floor(i / columns) * (height * scale + gap)];
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const from = i * channels * area + Math.floor(y / scale) * width + Math.floor(x / scale);
        const to = 4 * ((top + y) * size[0] + left + x);
        for (let c = 0; c < 3; c++) pixels[to + c] = bytes[from + (channels < 3 ? 0 : c) * area];
        pixels[to + 3] = channels === 4 ? bytes[from + 3 * area] : 255;
      }
    }
  }
  return new ImageData(pixels, size[0], size[1]);
}

/** Show an image of pixels on a canvas, which takes its size. */
export function show(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The pixels on white, where they are not opaque. */
export function onWhite({ data }) {
  const opaque = Uint8ClampedArray.from(data);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] / 255;
    for (let c = 0; c < 3; c++) opaque[i + c] = data[i + c] * alpha + 255 * (1 - alpha);
  }
  return opaque;
}

/** Save bytes, or what a canvas shows as a PNG, under a name in the browser's folder for downloads. */
export async function save(content, name) {
  const isCanvas = content instanceof HTMLCanvasElement;
  const blob = isCanvas ? await new Promise((done) => content.toBlob(done)) : new Blob([content], { type: "image/gif" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** How often a pixel is enlarged in a file: a picture is at least this large. */
export function enlargement([, height], least = 256) {
  return Math.max(1, Math.ceil(least / height));
}
