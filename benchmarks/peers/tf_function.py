# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""TensorFlow 2: images resident in memory, a whole round compiled by `tf.function`; in paper by XLA, which is slower elsewhere.

The same as in Sparring: networks, initial values, batches, moves and their z, Adam (vanilla: one for both players; TensorFlow's
fused kernel), number of updates. dcgan's networks are the tutorial's Keras models. Variant "eager" is dcgan as the tutorial
ran it: the two networks compiled, the round around them eager.
"""

import keras
import numpy as np
import tensorflow as tf
from common import NUMBERS, Losses, arguments, batches, load, serve
from keras import layers

Adam = tf.compat.v1.train.AdamOptimizer


def towards(target: float, logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(logits), target), logits))


class Perceptron(tf.Module):
    """One hidden layer of ReLU; logits come out."""

    def __init__(self, sizes: tuple[int, int, int], bias_std: float):
        num_in, hidden, num_out = sizes
        self.w1, self.w2 = (
            tf.Variable(tf.random.normal(shape, stddev=0.01)) for shape in ((num_in, hidden), (hidden, num_out))
        )
        self.b1, self.b2 = (tf.Variable(tf.random.normal([size], stddev=bias_std)) for size in (hidden, num_out))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.matmul(tf.nn.relu(tf.matmul(x, self.w1) + self.b1), self.w2) + self.b2


def perceptrons(recipe: str):
    """A round of vanilla (G, then D) or of paper (D, then G), both moves on the same z."""
    numbers, bias_std = NUMBERS[recipe], 0.01 if recipe == "vanilla" else 0.0
    hidden = numbers.widths[0]
    g, d = Perceptron((numbers.num_z, hidden, 784), bias_std), Perceptron((784, hidden, 1), bias_std)
    g_adam = Adam(numbers.lr)
    d_adam = g_adam if recipe == "vanilla" else Adam(numbers.lr)

    def move_g(z: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(g.trainable_variables)
            g_loss = towards(1.0, d(tf.sigmoid(g(z))))
        g_adam.apply_gradients(zip(tape.gradient(g_loss, g.trainable_variables), g.trainable_variables, strict=True))
        return g_loss

    def move_d(real: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        fake = tf.sigmoid(g(z))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(d.trainable_variables)
            d_loss = towards(1.0, d(real)) + towards(0.0, d(fake))
        d_adam.apply_gradients(zip(tape.gradient(d_loss, d.trainable_variables), d.trainable_variables, strict=True))
        return d_loss

    def round_(real: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        z = tf.random.normal([numbers.batch, numbers.num_z])
        if recipe == "vanilla":
            return move_g(z), move_d(real, z)
        d_loss = move_d(real, z)
        return move_g(z), d_loss

    return g, d, {g_adam, d_adam}, round_


def dcgan():
    """A round of dcgan: one forward pass, both gradients from it, then both updates."""
    numbers = NUMBERS["dcgan"]
    g = keras.Sequential(
        [
            *(layers.Dense(3136, use_bias=False), layers.BatchNormalization(), layers.ReLU(), layers.Reshape((7, 7, 64))),
            *(layers.Conv2DTranspose(64, 5, 1, "same", use_bias=False), layers.BatchNormalization(), layers.ReLU()),
            *(layers.Conv2DTranspose(32, 5, 2, "same", use_bias=False), layers.BatchNormalization(), layers.ReLU()),
            layers.Conv2DTranspose(1, 5, 2, "same", use_bias=False, activation="tanh"),
        ]
    )
    d = keras.Sequential(
        [
            *(layers.Conv2D(64, 5, 2, "same"), layers.LeakyReLU(0.2), layers.Dropout(0.3)),
            *(layers.Conv2D(128, 5, 2, "same"), layers.LeakyReLU(0.2), layers.Dropout(0.3)),
            *(layers.Flatten(), layers.Dense(1)),
        ]
    )
    g.build((None, numbers.num_z))
    d.build((None, 28, 28, 1))
    g_adam, d_adam = Adam(numbers.lr), Adam(numbers.lr)
    g_call, d_call = (tf.function(lambda x, network=network: network(x, training=True)) for network in (g, d))

    def round_(real: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        z = tf.random.normal([numbers.batch, numbers.num_z])
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake_logits, real_logits = d_call(g_call(z)), d_call(tf.reshape(real, (-1, 28, 28, 1)))
            g_loss = towards(1.0, fake_logits)
            d_loss = towards(1.0, real_logits) + towards(0.0, fake_logits)
        g_variables, d_variables = ([v.value for v in network.trainable_variables] for network in (g, d))
        g_gradients, d_gradients = g_tape.gradient(g_loss, g_variables), d_tape.gradient(d_loss, d_variables)
        g_adam.apply_gradients(zip(g_gradients, g_variables, strict=True))
        d_adam.apply_gradients(zip(d_gradients, d_variables, strict=True))
        return g_loss, d_loss

    return g, d, {g_adam, d_adam}, round_


def main() -> None:
    args = arguments(__doc__)
    keras.utils.set_random_seed(args.seed)
    numbers = NUMBERS[args.recipe]
    g, d, adams, round_ = dcgan() if args.recipe == "dcgan" else perceptrons(args.recipe)
    images = tf.constant(load(numbers, args.images))
    order = batches(numbers, len(images), args.seed)

    def gathered(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return round_(tf.gather(images, indices))

    one = gathered if args.variant == "eager" else tf.function(gathered, jit_compile=args.recipe == "paper" or None)

    def play(rounds: int) -> Losses:
        g_loss = d_loss = 0.0
        for _ in range(rounds):
            g_loss, d_loss = one(tf.constant(next(order)))
        return float(g_loss), float(d_loss)

    def updates() -> int:
        powers = [float(adam._get_beta_accumulators()[1]) for adam in adams]  # beta2 to the number of steps + 1
        return sum(round(float(np.log(power) / np.log(0.999))) - 1 for power in powers)

    parameters = sum(v.numpy().size for network in (g, d) for v in network.trainable_variables)
    serve(play, parameters, updates)


if __name__ == "__main__":
    main()
