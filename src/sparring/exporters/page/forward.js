// The forward pass of a generator: a flat list of operations over Float32Arrays, images in NCHW. Needs nothing else.
//
// A program is {num_z, shape, ops, tensors, directions}. Register 0 is z; operation i reads the registers `from` and writes
// register i + 1, whose values have `shape` for each sample. Sums are taken in float64, and rounded once.

const TOGETHER = 16; // samples of a batch that are computed at once, which bounds the memory
const PATCHES = 1 << 15; // values of a convolution's patches that are laid out at once, so that they stay in the cache

/** @param {object} program  @param {ArrayBuffer} bytes the weights, as `tensors` describes them */
export function createGenerator(program, bytes) {
  const tensors = program.tensors.map((tensor) => readTensor(tensor, bytes));
  const ops = program.ops.map((op) => ({ ...op, size: product(op.shape), ...withTensors(op, tensors) }));
  const directions = program.directions && { ...program.directions, vectors: tensors[program.directions.vectors] };
  const size = product(program.shape);
  const buffers = [];

  /**
   * Images [num, ...shape] of z [num, num_z]. `sliders` [num, K] moves each sample along the program's directions, in standard
   * deviations; one row [K] is for all samples.
   */
  function draw(z, sliders = null) {
    const num = z.length / program.num_z;
    if (!Number.isInteger(num)) throw new RangeError(`z has ${z.length} values, which is no multiple of ${program.num_z}`);
    const images = new Float32Array(num * size);
    for (let start = 0; start < num; start += TOGETHER) {
      const count = Math.min(TOGETHER, num - start);
      const part = z.subarray(start * program.num_z, (start + count) * program.num_z);
      images.set(run(part, rowsOf(sliders, start), count), start * size);
    }
    return images;
  }

  function rowsOf(sliders, start) {
    if (!sliders || !directions) return null;
    const width = directions.num;
    return (i) => (sliders.length === width ? sliders : sliders.subarray((start + i) * width, (start + i + 1) * width));
  }

  function run(z, sliders, num) {
    const registers = [Float32Array.from(z)];
    const moved = sliders ? directions.at : -1;
    if (moved === 0) move(registers[0], sliders, num);
    ops.forEach((op, i) => {
      const out = buffer(i, num * op.size);
      const shapes = op.from.map((at) => (at ? ops[at - 1].shape : [program.num_z]));
      LAYERS[op.op](op, op.from.map((at) => registers[at]), out, num, shapes);
      registers.push(out);
      if (moved === i + 1) move(out, sliders, num);
    });
    return registers[ops.length];
  }

  function move(values, sliders, num) {
    const width = values.length / num;
    for (let i = 0; i < num; i++) {
      sliders(i).forEach((amount, k) => {
        if (amount === 0) return;
        for (let j = 0; j < width; j++) values[i * width + j] += amount * directions.vectors[k * width + j];
      });
    }
  }

  function buffer(i, length) {
    if (!buffers[i] || buffers[i].length < length) buffers[i] = new Float32Array(length);
    return buffers[i].subarray(0, length);
  }

  return { draw, shape: program.shape, numZ: program.num_z, numDirections: directions ? directions.num : 0 };
}

/** Grey levels of images in [-1, 1]: (x + 1) * 127.5, rounded half to even, as a Uint8ClampedArray does. */
export function toBytes(images) {
  const bytes = new Uint8ClampedArray(images.length);
  for (let i = 0; i < images.length; i++) {
    const x = Math.min(1, Math.max(-1, images[i]));
    bytes[i] = Math.fround(Math.fround(x + 1) * 127.5);
  }
  return bytes;
}

/** The bytes that a base64 text stands for. */
export function fromBase64(text) {
  const characters = atob(text.trim());
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < characters.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes.buffer;
}

function readTensor({ type, offset, count, scale }, bytes) {
  if (type === "float32") return new Float32Array(bytes, offset, count);
  const halves = new Uint16Array(bytes, offset, count);
  return Float32Array.from(halves, (half) => halfToNumber(half) * scale);
}

function halfToNumber(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

function withTensors(op, tensors) {
  const names = ["weight", "bias", "scale", "shift", "map", "rows", "columns"].filter((name) => name in op);
  return Object.fromEntries(names.map((name) => [name, tensors[op[name]]]));
}

function product(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

// Layers: (op, inputs, out, num, shapes of the inputs)

const LAYERS = {
  linear: (op, [x], out, num, [[width]]) => multiply(x, op.weight, out, num, op.size, width, op.size, 0, op.bias, false),

  conv(op, [x], out, num, [shape]) {
    const [channels, height, width] = shape;
    const [numOut, outHeight, outWidth] = op.shape;
    const [depth, filters, places] = [(channels / op.groups) * op.kernel ** 2, numOut / op.groups, outHeight * outWidth];
    const rows = Math.max(1, Math.min(outHeight, Math.floor(PATCHES / (depth * outWidth))));
    const patches = new Float32Array(rows * outWidth * depth);
    for (let i = 0; i < num * op.groups; i++) {
      const [sample, group] = [Math.floor(i / op.groups), i % op.groups];
      const image = x.subarray((sample * channels + (group * channels) / op.groups) * height * width);
      const weight = op.weight.subarray(group * filters * depth, (group + 1) * filters * depth);
      const bias = op.bias && op.bias.subarray(group * filters, (group + 1) * filters);
      const target = out.subarray((sample * numOut + group * filters) * places);
      for (let top = 0; top < outHeight; top += rows) {
        const count = Math.min(rows, outHeight - top);
        layPatches(image, [channels / op.groups, height, width], op, top, count, patches);
        multiply(weight, patches, target, filters, count * outWidth, depth, places, top * outWidth, bias, true);
      }
    }
  },

  // Every place is multiplied by the whole kernel, and what overlaps is added up; `padding` is cut off before, the rest after.
  conv_transposed(op, [x], out, num, [[channels, height, width]]) {
    const [numOut, outHeight, outWidth] = op.shape;
    const [taps, places] = [numOut * op.kernel ** 2, height * width];
    const across = new Float32Array(places * channels);
    const parts = new Float32Array(taps * places);
    for (let i = 0; i < num; i++) {
      transpose(x.subarray(i * channels * places), across, channels, places);
      multiply(op.weight, across, parts, taps, places, channels, places, 0, null, true);
      const target = out.subarray(i * op.size, (i + 1) * op.size);
      const area = outHeight * outWidth;
      for (let c = 0; c < numOut; c++) target.fill(op.bias ? op.bias[c] : 0, c * area, (c + 1) * area);
      addUp(parts, target, op, [height, width]);
    }
  },

  // x * scale + shift, one value of each for a channel
  affine(op, [x], out) {
    const [channels, area] = [op.shape[0], op.size / op.shape[0]];
    for (let i = 0; i < out.length; i++) {
      const channel = Math.floor(i / area) % channels;
      out[i] = x[i] * op.scale[channel] + op.shift[channel];
    }
  },

  // Each channel of a learned map times a number
  map(op, [x], out) {
    const [channels, area] = [op.shape[0], op.size / op.shape[0]];
    for (let i = 0; i < out.length; i++) out[i] = x[Math.floor(i / area)] * op.map[i % (channels * area)];
  },

  nearest(op, [x], out, num, [[channels, height, width]]) {
    const times = op.times;
    for (let i = 0, row = 0; row < num * channels * height * times; row++) {
      const start = Math.floor(row / times) * width;
      for (let column = 0; column < width * times; column++) out[i++] = x[start + Math.floor(column / times)];
    }
  },

  // rows^T x columns, for matrices [height, new height] and [width, new width]
  resample(op, [x], out, num, [[channels, height, width]]) {
    const [, newHeight, newWidth] = op.shape;
    const [down, right] = [transposed(op.rows, height, newHeight), transposed(op.columns, width, newWidth)];
    const turned = new Float32Array(newWidth * height);
    for (let i = 0; i < num * channels; i++) {
      multiply(right, x.subarray(i * height * width), turned, newWidth, height, width, height, 0, null, true);
      multiply(down, turned, out.subarray(i * newHeight * newWidth), newHeight, newWidth, height, newWidth, 0, null, true);
    }
  },

  add(op, [a, b], out) {
    for (let i = 0; i < out.length; i++) out[i] = a[i] + b[i];
  },

  reshape: (op, [x], out) => out.set(x),

  relu(op, [x], out) {
    for (let i = 0; i < out.length; i++) out[i] = x[i] > 0 ? x[i] : 0;
  },

  leaky_relu(op, [x], out) {
    for (let i = 0; i < out.length; i++) out[i] = x[i] > 0 ? x[i] : x[i] * op.slope;
  },

  tanh(op, [x], out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.tanh(x[i]);
  },

  sigmoid(op, [x], out) {
    for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-x[i]));
  },
};

/** patches [rows * outWidth, C k k] of the output's rows from `top` on; zeros where the kernel is outside the image */
function layPatches(image, [channels, height, width], op, top, rows, patches) {
  const { kernel, padding } = op;
  const outWidth = op.shape[2];
  let i = 0;
  for (let y = top; y < top + rows; y++) {
    for (let x = 0; x < outWidth; x++) {
      for (let c = 0; c < channels; c++) {
        for (let ky = y - padding; ky < y - padding + kernel; ky++) {
          const row = (c * height + ky) * width;
          const inside = ky >= 0 && ky < height;
          for (let kx = x - padding; kx < x - padding + kernel; kx++) {
            patches[i++] = inside && kx >= 0 && kx < width ? image[row + kx] : 0;
          }
        }
      }
    }
  }
}

/** out[C', H, W] += parts [C' k k, h w], each tap shifted to its place */
function addUp(parts, out, op, [height, width]) {
  const { kernel, stride, padding } = op;
  const [numOut, outHeight, outWidth] = op.shape;
  for (let tap = 0; tap < numOut * kernel * kernel; tap++) {
    const plane = Math.floor(tap / (kernel * kernel)) * outHeight * outWidth;
    const down = (Math.floor(tap / kernel) % kernel) - padding;
    const right = (tap % kernel) - padding;
    for (let y = Math.ceil(Math.max(0, -down) / stride); y < height && y * stride + down < outHeight; y++) {
      const to = plane + (y * stride + down) * outWidth + right;
      const from = (tap * height + y) * width;
      for (let x = Math.ceil(Math.max(0, -right) / stride); x < width && x * stride + right < outWidth; x++) {
        out[to + x * stride] += parts[from + x];
      }
    }
  }
}

function transpose(x, out, rows, columns) {
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) out[c * rows + r] = x[r * columns + c];
}

function transposed(x, rows, columns) {
  const out = new Float32Array(rows * columns);
  transpose(x, out, rows, columns);
  return out;
}

/**
 * out[i * stride + start + j] = bias + sum over k of a[i, k] b[j, k], for a [m, depth] and b [n, depth].
 * `bias` is one for each row where `byRow`, else one for each column; null for none.
 */
function multiply(a, b, out, m, n, depth, stride, start, bias, byRow) {
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    let j = 0;
    for (; j + 2 <= n; j += 2) fourByTwo(a, b, out, i, j, depth, stride, start);
    for (; j < n; j++) {
      for (let r = i; r < i + 4; r++) out[r * stride + start + j] = dot(a, b, r * depth, j * depth, depth);
    }
  }
  for (; i < m; i++) {
    let j = 0;
    for (; j + 4 <= n; j += 4) oneByFour(a, b, out, i, j, depth, stride, start);
    for (; j < n; j++) out[i * stride + start + j] = dot(a, b, i * depth, j * depth, depth);
  }
  if (bias) for (i = 0; i < m; i++) for (let j = 0; j < n; j++) out[i * stride + start + j] += bias[byRow ? i : j];
}

function dot(a, b, p, q, depth) {
  let sum = 0;
  for (let k = 0; k < depth; k++) sum += a[p + k] * b[q + k];
  return sum;
}

function fourByTwo(a, b, out, i, j, depth, stride, start) {
  const [p0, p1, p2, p3] = [i * depth, (i + 1) * depth, (i + 2) * depth, (i + 3) * depth];
  const [q0, q1] = [j * depth, (j + 1) * depth];
  let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < depth; k++) {
    const b0 = b[q0 + k];
    const b1 = b[q1 + k];
    const a0 = a[p0 + k];
    s00 += a0 * b0;
    s01 += a0 * b1;
    const a1 = a[p1 + k];
    s10 += a1 * b0;
    s11 += a1 * b1;
    const a2 = a[p2 + k];
    s20 += a2 * b0;
    s21 += a2 * b1;
    const a3 = a[p3 + k];
    s30 += a3 * b0;
    s31 += a3 * b1;
  }
  const at = i * stride + start + j;
  out[at] = s00;
  out[at + 1] = s01;
  out[at + stride] = s10;
  out[at + stride + 1] = s11;
  out[at + 2 * stride] = s20;
  out[at + 2 * stride + 1] = s21;
  out[at + 3 * stride] = s30;
  out[at + 3 * stride + 1] = s31;
}

function oneByFour(a, b, out, i, j, depth, stride, start) {
  const p = i * depth;
  const [q0, q1, q2, q3] = [j * depth, (j + 1) * depth, (j + 2) * depth, (j + 3) * depth];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < depth; k++) {
    const x = a[p + k];
    s0 += x * b[q0 + k];
    s1 += x * b[q1 + k];
    s2 += x * b[q2 + k];
    s3 += x * b[q3 + k];
  }
  const at = i * stride + start + j;
  out[at] = s0;
  out[at + 1] = s1;
  out[at + 2] = s2;
  out[at + 3] = s3;
}
