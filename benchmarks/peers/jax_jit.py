# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""JAX: images resident on the device; all rounds of a turn in one `lax.scan` under `jit`, the state donated.

dcgan's rounds are compiled one by one instead: inside a scan, XLA's convolutions on a CPU took ten times as long. Its
transposed convolutions of stride 2 are written as convolutions (`doubled`), which makes a round a third shorter.

The same as in Sparring: networks, initial values, batches, moves and their z, Adam and where its epsilon stands (vanilla: one
clock for both players), number of updates. Random numbers come from JAX's default generator; `rbg` was no faster here, nor
were unrolled scans.
"""

from functools import partial
from itertools import islice, pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from common import NUMBERS, Losses, arguments, batches, load, serve
from jax import lax, nn, random
from jax.nn import initializers

Array = Any


class Keys:
    """Fresh random keys, one after the other."""

    def __init__(self, key: Array):
        self.key = key

    def __call__(self) -> Array:
        self.key, fresh = random.split(self.key)
        return fresh


class Perceptrons:
    """The players of vanilla, paper and dropout-mlp. Parameters: a list of (weight, bias)."""

    def __init__(self, recipe: str):
        self.recipe, self.numbers = recipe, NUMBERS[recipe]
        self.rate = 0.1 if recipe == "dropout-mlp" else 0.0

    def initial(self, keys: Keys) -> Any:
        widths = self.numbers.widths
        return tuple(
            [self._layer(keys, *io) for io in pairwise(sizes)]
            for sizes in ((self.numbers.num_z, *widths, 784), (784, *widths, 1))
        )

    def _layer(self, keys: Keys, num_in: int, num_out: int) -> tuple[Array, Array]:
        if self.rate:
            weight = initializers.glorot_normal()(keys(), (num_in, num_out))
            return weight, random.uniform(keys(), (num_out,), minval=0.1, maxval=0.2)
        bias_std = 0.01 if self.recipe == "vanilla" else 0.0
        return 0.01 * random.normal(keys(), (num_in, num_out)), bias_std * random.normal(keys(), (num_out,))

    def generate(self, layers: list, z: Array, keys: Keys) -> tuple[Array, list]:
        x = self._dense(layers, z, keys, nn.relu)
        return (jnp.tanh(x) if self.rate else nn.sigmoid(x)), []

    def judge(self, layers: list, x: Array, keys: Keys) -> Array:
        return self._dense(layers, x, keys, partial(nn.leaky_relu, negative_slope=0.01) if self.rate else nn.relu)

    def _dense(self, layers: list, x: Array, keys: Keys, activation) -> Array:
        for weight, bias in layers[:-1]:
            x = dropout(self.rate, activation(x @ weight + bias), keys)
        weight, bias = layers[-1]
        return x @ weight + bias


class Convolutions:
    """The players of dcgan, channels last. G's parameters: weights, and (scale, shift) of each batch norm."""

    def initial(self, keys: Keys) -> tuple[list, list]:
        glorot = initializers.glorot_uniform()
        weights = [glorot(keys(), s) for s in ((100, 3136), (5, 5, 64, 64), (5, 5, 64, 32), (5, 5, 32, 1))]
        norms = [(jnp.ones(num), jnp.zeros(num)) for num in (3136, 64, 32)]
        d = [(glorot(keys(), s), jnp.zeros(s[-1])) for s in ((5, 5, 1, 64), (5, 5, 64, 128), (6272, 1))]
        return [weights, norms], d

    def generate(self, parameters: list, z: Array, keys: Keys) -> tuple[Array, list]:
        (dense, *convolutions), norms = parameters
        moments = []
        x = z @ dense
        for norm, weight, stride in zip(norms, convolutions, (1, 2, 2), strict=True):
            x, seen = batch_norm(norm, x)
            moments.append(seen)
            x = nn.relu(x).reshape(len(z), *((7, 7, 64) if x.ndim == 2 else x.shape[1:]))
            x = doubled(x, weight) if stride == 2 else convolved(x, weight, 1)
        return jnp.tanh(x).reshape(len(z), 784), moments

    def judge(self, parameters: list, x: Array, keys: Keys) -> Array:
        x = x.reshape(-1, 28, 28, 1)
        for weight, bias in parameters[:-1]:
            x = dropout(0.3, nn.leaky_relu(convolved(x, weight, 2) + bias, 0.2), keys)
        weight, bias = parameters[-1]
        return x.reshape(len(x), -1) @ weight + bias


def convolved(x: Array, weight: Array, stride: int) -> Array:
    return lax.conv_general_dilated(x, weight, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def doubled(x: Array, weight: Array) -> Array:
    """`lax.conv_transpose(x, weight, (2, 2), "SAME")` for a kernel of 5, by parity of the pixels drawn.

    One convolution of stride 1 draws the four pixels that come from each one. XLA's gradient of `conv_transpose` itself by
    this network's second weight takes 376 ms on one core, this one's 20 ms.
    """
    batch, height, width, num_in = x.shape
    num_out = weight.shape[-1]
    rows = jnp.stack((jnp.pad(weight[1::2], ((0, 1), *[(0, 0)] * 3)), weight[0::2]), axis=3)  # [3, 5, in, 2, out]
    both = jnp.stack((jnp.pad(rows[:, 1::2], ((0, 0), (0, 1), *[(0, 0)] * 3)), rows[:, 0::2]), axis=4)  # [3, 3, in, 2, 2, out]
    drawn = convolved(x, both.reshape(3, 3, num_in, 4 * num_out), 1).reshape(batch, height, width, 2, 2, num_out)
    return drawn.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, num_out)


def dropout(rate: float, x: Array, keys: Keys) -> Array:
    return jnp.where(random.bernoulli(keys(), 1 - rate, x.shape), x / (1 - rate), 0) if rate else x


def batch_norm(norm: tuple[Array, Array], x: Array) -> tuple[Array, tuple[Array, Array]]:
    """x normalised over its batch (and its pixels), and the mean and variance that it had."""
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)
    scale, shift = norm
    return (x - mean) * (scale * lax.rsqrt(variance + 1e-3)) + shift, (mean, variance)


def towards(target: int, logits: Array) -> Array:
    """The mean cross-entropy of logits to 0 or 1."""
    return nn.softplus(-logits if target else logits).mean()


def adam(recipe: str, parameters: Any, gradients: Any, moments: tuple[Any, Any], step: Array) -> tuple[Any, tuple[Any, Any]]:
    """Parameters and moments after this step; epsilon stands beside the raw root, in dropout-mlp beside the corrected one."""
    c1, c2 = 1 - 0.9**step, 1 - 0.999**step
    eps = 1e-8 * jnp.sqrt(c2) if recipe == "dropout-mlp" else 1e-8
    rate = NUMBERS[recipe].lr * jnp.sqrt(c2) / c1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    return jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + eps), parameters, first, second), (first, second)


class Loop:
    """A tutorial's rounds. The state: parameters and Adam's moments of both, G's running statistics, rounds played, key."""

    def __init__(self, recipe: str):
        self.recipe, self.numbers = recipe, NUMBERS[recipe]
        self.players = Convolutions() if recipe == "dcgan" else Perceptrons(recipe)

    def start(self, key: Array) -> dict[str, Any]:
        keys = Keys(key)
        g, d = self.players.initial(keys)
        zeros = partial(jax.tree.map, jnp.zeros_like)
        running = [(jnp.zeros(len(scale)), jnp.ones(len(scale))) for scale, _ in g[1]] if self.recipe == "dcgan" else []
        return {
            "g": g,
            "g_moments": (zeros(g), zeros(g)),
            "d": d,
            "d_moments": (zeros(d), zeros(d)),
            "running": running,
            "rounds": jnp.float32(0),
            "key": keys(),
        }

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def scan(self, state: dict[str, Any], images: Array, order: Array) -> tuple[dict[str, Any], tuple[Array, Array]]:
        """order: int [rounds, batch]. The state after these rounds, and the losses of each."""
        return lax.scan(lambda state, indices: self.round(state, images[indices]), state, order)

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def one(self, state: dict[str, Any], images: Array, indices: Array) -> tuple[dict[str, Any], tuple[Array, Array]]:
        """indices: int [batch]. The state after this round, and its losses."""
        return self.round(state, images[indices])

    def round(self, state: dict[str, Any], real: Array) -> tuple[dict[str, Any], tuple[Array, Array]]:
        keys = Keys(state["key"])
        match self.recipe:
            case "vanilla":
                z = self.z(keys)
                state, g_loss = self.move_g(state, z, keys, 2 * state["rounds"] + 1)
                state, d_loss = self.move_d(state, real, z, keys, 2 * state["rounds"] + 2)
            case "dcgan":
                state, g_loss, d_loss = self.move_both(state, real, self.z(keys), keys, state["rounds"] + 1)
            case _:
                z = self.z(keys)
                state, d_loss = self.move_d(state, real, z, keys, state["rounds"] + 1)
                z = z if self.recipe == "paper" else self.z(keys)
                state, g_loss = self.move_g(state, z, keys, state["rounds"] + 1)
        return state | {"rounds": state["rounds"] + 1, "key": keys()}, (g_loss, d_loss)

    def z(self, keys: Keys) -> Array:
        return random.normal(keys(), (self.numbers.batch, self.numbers.num_z))

    def move_g(self, state: dict[str, Any], z: Array, keys: Keys, step: Array) -> tuple[dict[str, Any], Array]:
        def g_loss(g: Any) -> Array:
            fake, _ = self.players.generate(g, z, keys)
            return towards(1, self.players.judge(state["d"], fake, keys))

        value, gradients = jax.value_and_grad(g_loss)(state["g"])
        return self._step("g", state, gradients, step), value

    def move_d(self, state: dict[str, Any], real: Array, z: Array, keys: Keys, step: Array) -> tuple[dict[str, Any], Array]:
        fake, _ = self.players.generate(state["g"], z, keys)

        def d_loss(d: Any) -> Array:
            return towards(1, self.players.judge(d, real, keys)) + towards(0, self.players.judge(d, fake, keys))

        value, gradients = jax.value_and_grad(d_loss)(state["d"])
        return self._step("d", state, gradients, step), value

    def move_both(
        self, state: dict[str, Any], real: Array, z: Array, keys: Keys, step: Array
    ) -> tuple[dict[str, Any], Array, Array]:
        """One forward pass, both gradients from it, then both updates; G's running statistics follow its batch's."""

        def losses(g: Any, d: Any) -> tuple[tuple[Array, Array], list]:
            fake, moments = self.players.generate(g, z, keys)
            fake_logits = self.players.judge(d, fake, keys)
            return (towards(1, fake_logits), towards(1, self.players.judge(d, real, keys)) + towards(0, fake_logits)), moments

        (g_loss, d_loss), pull, moments = jax.vjp(losses, state["g"], state["d"], has_aux=True)
        one, zero = jnp.ones(()), jnp.zeros(())
        g_gradients, d_gradients = pull((one, zero))[0], pull((zero, one))[1]
        running = jax.tree.map(lambda old, new: 0.99 * old + 0.01 * new, state["running"], moments)
        state = self._step("g", state | {"running": running}, g_gradients, step)
        return self._step("d", state, d_gradients, step), g_loss, d_loss

    def _step(self, side: str, state: dict[str, Any], gradients: Any, step: Array) -> dict[str, Any]:
        after, moments = adam(self.recipe, state[side], gradients, state[f"{side}_moments"], step)
        return state | {side: after, f"{side}_moments": moments}


def main() -> None:
    args = arguments(__doc__)
    loop = Loop(args.recipe)
    images = jnp.asarray(load(loop.numbers, args.images))
    order = batches(loop.numbers, len(images), args.seed)
    state = loop.start(random.key(args.seed))
    parameters = sum(leaf.size for leaf in jax.tree.leaves((state["g"], state["d"])))

    def scan(rounds: int) -> Losses:
        nonlocal state
        state, (g_losses, d_losses) = loop.scan(state, images, np.stack(list(islice(order, rounds))))
        jax.block_until_ready(state)
        return float(g_losses[-1]), float(d_losses[-1])

    def one_by_one(rounds: int) -> Losses:
        nonlocal state
        g_loss = d_loss = 0.0
        for indices in islice(order, rounds):
            state, (g_loss, d_loss) = loop.one(state, images, indices)
        jax.block_until_ready(state)
        return float(g_loss), float(d_loss)

    play = one_by_one if args.recipe == "dcgan" else scan
    serve(play, parameters, lambda: 2 * int(state["rounds"]))


if __name__ == "__main__":
    main()
