"""The fourth tutorial: a convolutional GAN with checkpoints and an animation."""

from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval
from sparring.data import Mnist
from sparring.losses import NonSaturating
from sparring.networks import DcganDiscriminatorConfig, DcganGeneratorConfig
from sparring.networks.latents import Normal
from sparring.optim.adam import Adam
from sparring.recipe import MoveBoth, Recipe, Round
from sparring.visual.snapshots import FixedGrid


@register("recipe")
def dcgan() -> Recipe:
    """A small convolutional GAN, both gradients from one forward pass; it needs a GPU, or hours on a CPU.

    Source: TensorFlow 1.11's eager-execution DCGAN notebook, in Korean by the KerasKorea contributors.
    Command: sparring train dcgan --epochs 5
    Measured: 0.16 s a round, 37 s an epoch on 2 cores, 650 MiB; the tutorial's GPU of 2018 took 30 s an epoch.
    Details kept as written: TensorFlow's uneven "same" padding; Keras' batch norm (epsilon 1e-3, momentum 0.99); the short
    last batch of 96 beside 256 fakes; a checkpoint every 15 epochs; the square-root thinning of the animation's frames.
    """
    return Recipe(
        source="https://github.com/tensorflow/tensorflow/blob/r1.11/tensorflow/contrib/eager/python/examples/"
        "generative_examples/dcgan.ipynb",
        data=Mnist(),
        z=Normal(100),
        generator=DcganGeneratorConfig(),
        discriminator=DcganDiscriminatorConfig(),
        loss=NonSaturating(),
        round=Round(moves=(MoveBoth(),)),
        optim=Adam(lr=1e-4, epsilon="hat"),
        batch_size=256,
        length=Duration(epochs=150),
        snapshot_mib=64,
        journal=Interval(rounds=10),
        checkpoint=Interval(epochs=15),
        review=Interval(epochs=1),
        frames="square-root",
        pictures=(FixedGrid(rows=4, columns=4),),
    )
