# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""TensorFlow 1's way, as the tutorials wrote it: a graph, a session, and feed_dict for images and z.

The same as in Sparring: networks, initial values, batches, moves and their z, Adam (vanilla: one for both players), number of
updates. As the tutorials wrote it: D ends in a sigmoid and the losses are logarithms of it, z comes from NumPy, every move is
one `session.run`. Left out: vanilla's third `session.run` of a round, which only reads; its moves fetch their own values.
"""

import numpy as np
import tensorflow.compat.v1 as tf
from common import NUMBERS, Losses, arguments, batches, load, serve


def main() -> None:
    args = arguments(__doc__)
    numbers = NUMBERS[args.recipe]
    tf.disable_v2_behavior()
    tf.set_random_seed(args.seed)
    np.random.seed(args.seed)
    hidden, bias_std = numbers.widths[0], 0.01 if args.recipe == "vanilla" else 0.0

    def dense(num_in: int, num_out: int) -> tuple[tf.Variable, tf.Variable]:
        weight = tf.Variable(tf.random_normal([num_in, num_out], stddev=0.01))
        return weight, tf.Variable(tf.random_normal([num_out], stddev=bias_std))

    g_w1, g_b1, g_w2, g_b2 = theta_g = [*dense(numbers.num_z, hidden), *dense(hidden, 784)]
    d_w1, d_b1, d_w2, d_b2 = theta_d = [*dense(784, hidden), *dense(hidden, 1)]

    def generator(z: tf.Tensor) -> tf.Tensor:
        return tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(z, g_w1) + g_b1), g_w2) + g_b2)

    def discriminator(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(x, d_w1) + d_b1), d_w2) + d_b2)

    x, z = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.float32, [None, numbers.num_z])
    p_fake, p_real = discriminator(generator(z)), discriminator(x)
    g_value = tf.reduce_mean(tf.log(p_fake))
    d_value = tf.reduce_mean(tf.log(p_real) + tf.log(1 - p_fake))
    g_adam = tf.train.AdamOptimizer(numbers.lr)
    d_adam = g_adam if args.recipe == "vanilla" else tf.train.AdamOptimizer(numbers.lr)
    train_g = g_adam.minimize(-g_value, var_list=theta_g)
    train_d = d_adam.minimize(-d_value, var_list=theta_d)

    session = tf.Session()
    session.run(tf.global_variables_initializer())
    images = load(numbers, args.images)
    order = batches(numbers, len(images), args.seed)

    def move_d(real: np.ndarray, noise: np.ndarray) -> float:
        return session.run([train_d, d_value], feed_dict={x: real, z: noise})[1]

    def move_g(noise: np.ndarray) -> float:
        return session.run([train_g, g_value], feed_dict={z: noise})[1]

    def play(rounds: int) -> Losses:
        g = d = 0.0
        for _ in range(rounds):
            real, noise = images[next(order)], np.random.normal(size=(numbers.batch, numbers.num_z))
            if args.recipe == "vanilla":
                g, d = move_g(noise), move_d(real, noise)
            else:
                d, g = move_d(real, noise), move_g(noise)
        return -float(g), -float(d)

    def updates() -> int:
        powers = session.run(
            [adam._get_beta_accumulators()[1] for adam in {g_adam, d_adam}]
        )  # beta2 to the number of steps + 1
        return sum(round(float(np.log(power) / np.log(0.999))) - 1 for power in powers)

    parameters = sum(int(np.prod(variable.shape)) for variable in theta_g + theta_d)
    serve(play, parameters, updates)


if __name__ == "__main__":
    main()
