// Where z comes from: a seeded normal distribution, the layout of z's columns, and walks between two z.

/**
 * The z of a seed, as the program's `noise` describes it: [normal or uniform | one-hot | continuous]. The numbers are this
 * page's own: a seed always gives the same picture here, but another one than in Python.
 */
export function zOfSeed(noise, seed) {
  const random = uniform(seed);
  const z = new Float32Array(noise.columns + noise.one_hot + noise.continuous);
  for (let i = 0; i < noise.columns; i++) z[i] = noise.std * (noise.is_uniform ? 2 * random() - 1 : normal(random));
  if (noise.one_hot) z[noise.columns + drawnClass(noise, random())] = 1;
  for (let i = noise.columns + noise.one_hot; i < z.length; i++) z[i] = 2 * random() - 1;
  return z;
}

/** The same z in another class, or of another component. */
export function withClass(noise, z, number) {
  const changed = Float32Array.from(z);
  changed.fill(0, noise.columns, noise.columns + noise.one_hot);
  changed[noise.columns + number] = 1;
  return changed;
}

export function classOf(noise, z) {
  return z.subarray(noise.columns, noise.columns + noise.one_hot).indexOf(1);
}

/** From a to b for t in [0, 1]: along an arc in the normal columns (Shoemake 1985), along a line in all others. */
export function between(noise, a, b, t) {
  const columns = noise.is_uniform ? 0 : noise.columns;
  const [forA, forB] = arc(a.subarray(0, columns), b.subarray(0, columns), t);
  return Float32Array.from(a, (x, i) => (i < columns ? forA * x + forB * b[i] : (1 - t) * x + t * b[i]));
}

/** Vectors one after the other. */
export function joined(vectors) {
  const all = new Float32Array(vectors.length * vectors[0].length);
  vectors.forEach((vector, i) => all.set(vector, i * vector.length));
  return all;
}

/** A class for a number in [0, 1): by the weights of the classes, or evenly. */
function drawnClass({ one_hot: num, weights }, place) {
  if (!weights.length) return Math.floor(place * num);
  let rest = place * weights.reduce((a, b) => a + b);
  const found = weights.findIndex((weight) => (rest -= weight) < 0);
  return found < 0 ? weights.findLastIndex((weight) => weight > 0) : found;
}

function arc(a, b, t) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  return sine > 1e-6 ? [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine] : [1 - t, t];
}

/** Uniform numbers in [0, 1): mulberry32, whose state is scrambled first so that neighbouring seeds have nothing in common. */
function uniform(seed) {
  let state = Math.imul(seed ^ (seed >>> 16) ^ 0x9e3779b9, 0x85ebca6b) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Box and Muller 1958. */
function normal(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}
