// Points of a toy: generated ones over real ones.

const SIZE = 480; // pixels

// points, real: [N, dimensions] one after the other; of one dimension each is drawn at a height of its own.
export function scatter(canvas, points, real, dimensions) {
  [canvas.width, canvas.height] = [SIZE, SIZE];
  const style = getComputedStyle(document.documentElement);
  const context = canvas.getContext("2d");
  const all = pairs(real ?? points, dimensions);
  const reach = 1.25 * all.reduce((most, [x, y]) => Math.max(most, Math.abs(x), Math.abs(y)), 1e-6);
  for (const [some, name] of [[real, "--ink-soft"], [points, "--of-g"]]) {
    if (!some) continue;
    context.fillStyle = style.getPropertyValue(name);
    for (const [x, y] of pairs(some, dimensions)) context.fillRect((SIZE * (1 + x / reach)) / 2 - 1, (SIZE * (1 - y / reach)) / 2 - 1, 3, 3);
  }
}

function pairs(values, dimensions) {
  const num = values.length / dimensions;
  return Array.from({ length: num }, (_, i) => [values[i * dimensions], dimensions > 1 ? values[i * dimensions + 1] : (2 * i) / num - 1]);
}
