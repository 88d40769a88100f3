"""The first tutorial: two perceptrons of one hidden layer."""

from sparring.config.registry import register
from sparring.config.schedules import Duration
from sparring.data import Mnist
from sparring.losses import NonSaturating
from sparring.networks import Gaussian, MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.latents import Normal
from sparring.optim.adam import Adam
from sparring.recipe import MoveD, MoveG, Recipe, Round
from sparring.visual.snapshots import FixedGrid, Strip


@register("recipe")
def vanilla() -> Recipe:
    """Two perceptrons with one hidden layer each, in TensorFlow 1's arithmetic; 100 epochs in minutes on a laptop.

    Source: a Korean blog post of 2017 after golbin/TensorFlow-Tutorials, "07 - GAN/01 - GAN.py".
    Command: sparring train vanilla
    Measured: all 12 printed numbers lie within the 95 % interval of five seeds; 1.1 s an epoch on 2 cores, 320 MiB.
    Details kept as written: biases start at random too; images come in file order; G moves first, then D on the same z; one
    Adam object serves both networks, so that its bias correction runs at double rate; both losses are read again after both
    moves; TensorFlow's reader holds back the first 5,000 images.
    """
    initial = Gaussian(weight_std=0.01, bias_std=0.01)
    return Recipe(
        source="https://github.com/golbin/TensorFlow-Tutorials (07 - GAN/01 - GAN.py), TensorFlow 1, 2017",
        data=Mnist(held_back=5000),
        order="file",
        z=Normal(128),
        generator=MLPGeneratorConfig(widths=(256,), output="sigmoid", initial=initial),
        discriminator=MLPDiscriminatorConfig(widths=(256,), unit_range=True, initial=initial),
        loss=NonSaturating(),
        round=Round(moves=(MoveG(), MoveD(z="same")), read="after"),
        optim=Adam(lr=2e-4, epsilon="hat"),
        shared_clock=True,
        batch_size=100,
        length=Duration(epochs=100),
        snapshot_mib=64,
        pictures=(FixedGrid(), Strip(num=10, every=10)),
    )
