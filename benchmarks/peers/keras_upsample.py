# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Keras on TensorFlow: the upsample tutorial as written, but with channels last, as TensorFlow's CPU kernels need it.

The same as in Sparring: networks, initial values, batches, moves and their z, Adam, number of updates. As the tutorial wrote
it: D ends in a sigmoid, D and G-through-D are compiled models that `train_on_batch` trains, and all goes through NumPy. Not
as written: `predict_on_batch` in place of the slower `predict`, and no accuracy is counted.
"""

import keras
import numpy as np
from common import NUMBERS, Losses, arguments, batches, load, serve
from keras import layers


def generator() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((100,)),
            *(layers.Dense(512), layers.LeakyReLU(0.2), layers.Dense(128 * 7 * 7), layers.LeakyReLU(0.2)),
            *(layers.BatchNormalization(), layers.Reshape((7, 7, 128))),
            *(layers.UpSampling2D(), layers.Conv2D(64, 5, padding="same", activation="tanh")),
            *(layers.UpSampling2D(), layers.Conv2D(1, 5, padding="same", activation="tanh")),
        ]
    )


def discriminator() -> keras.Model:
    first = keras.initializers.RandomNormal(stddev=0.02)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(256, 5, padding="same", kernel_initializer=first),
            *(layers.LeakyReLU(0.2), layers.MaxPooling2D(), layers.Dropout(0.3)),
            layers.Conv2D(512, 5, padding="same"),
            *(layers.LeakyReLU(0.2), layers.MaxPooling2D(), layers.Dropout(0.3)),
            *(layers.Flatten(), layers.Dense(256), layers.LeakyReLU(0.2), layers.Dropout(0.3)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def compiled(model: keras.Model, lr: float) -> keras.Model:
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(lr, beta_1=0.5))
    return model


def main() -> None:
    args = arguments(__doc__)
    keras.utils.set_random_seed(args.seed)
    numbers = NUMBERS["upsample"]
    g, d = generator(), compiled(discriminator(), numbers.lr)
    parameters = sum(v.numpy().size for network in (g, d) for v in network.trainable_variables)
    d.trainable = False
    g_through_d = compiled(keras.Sequential([g, d]), numbers.lr)

    images = load(numbers, args.images).reshape(-1, 28, 28, 1)
    order = batches(numbers, len(images), args.seed)
    real_then_fake = np.repeat(np.array([0.9, 0.0], np.float32), numbers.batch)[:, None]

    def z() -> np.ndarray:
        return np.random.uniform(-1, 1, (numbers.batch, numbers.num_z))

    def move_d() -> float:
        d.trainable = True
        fake = g.predict_on_batch(z())
        return d.train_on_batch(np.concatenate((images[next(order)], fake)), real_then_fake)

    def move_g() -> float:
        d.trainable = False
        return g_through_d.train_on_batch(z(), np.ones((numbers.batch, 1)))

    def play(rounds: int) -> Losses:
        g_loss = d_loss = 0.0
        for _ in range(rounds):
            d.reset_metrics()  # train_on_batch returns a running mean; these begin anew for each round's last value
            d_loss = move_d()
            for _ in range(5):
                g_through_d.reset_metrics()
                g_loss = move_g()
        return float(g_loss), float(d_loss)

    serve(play, parameters, lambda: int(d.optimizer.iterations) + int(g_through_d.optimizer.iterations))


if __name__ == "__main__":
    main()
