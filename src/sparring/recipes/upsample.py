"""The second tutorial: a Keras network that failed to run as published."""

from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval
from sparring.data import Mnist
from sparring.losses import NonSaturating
from sparring.networks import UpsampleDiscriminatorConfig, UpsampleGeneratorConfig
from sparring.networks.latents import Uniform
from sparring.optim.adam import Adam
from sparring.recipe import MoveD, MoveG, Recipe, Round
from sparring.visual.snapshots import FixedGrid


@register("recipe")
def upsample() -> Recipe:
    """A wide convolutional D with label smoothing against a G that upsamples; one D move, then five of G.

    Source: a Korean post on Keras, channels first, which TensorFlow's CPU kernels do not support, so it never trained.
    Command: sparring train upsample
    Measured: Frechet distance 4.35 after its 200 rounds (one seed); 15 s a round on 2 cores.
    Details kept as written: 200 rounds, which it calls epochs; real images drawn with replacement; D gets real and
    generated images in one batch, with a target of 0.9 for real ones; its fakes come from G in inference mode; tanh inside G;
    Keras' Adam.
    """
    return Recipe(
        source="a Keras post in Korean (channels first), which stopped with UnimplementedError",
        data=Mnist(),
        order="with-replacement",
        z=Uniform(100),
        generator=UpsampleGeneratorConfig(),
        discriminator=UpsampleDiscriminatorConfig(),
        loss=NonSaturating(real_target=0.9),
        round=Round(moves=(MoveD(fakes_from="inference", batch="joint"), *[MoveG()] * 5)),
        optim=Adam(lr=2e-4, beta1=0.5, eps=1e-7, epsilon="hat"),
        batch_size=128,
        length=Duration(rounds=200),
        snapshot_mib=64,
        journal=Interval(rounds=1),
        checkpoint=Interval(rounds=20),
        review=Interval(rounds=20),
        pictures=(FixedGrid(every=Interval(rounds=10)),),
    )
