"""A folder of the user's own pictures on a GPU."""

from dataclasses import replace

from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval
from sparring.data.folder.picture_folder import PictureFolder
from sparring.networks import R3DiscriminatorConfig, R3GeneratorConfig
from sparring.optim.adam import Adam
from sparring.optim.ema import EMA
from sparring.penalties import R1, R2
from sparring.recipe import Recipe
from sparring.recipes.photo import photo
from sparring.recipes.r3 import r3
from sparring.visual.snapshots import FixedGrid


@register("recipe")
def photo_gpu() -> Recipe:
    """Your own pictures at 128 pixels on a GPU: the networks, loss and penalties of R3GAN, the rest as in photo.

    Source: our own; R3GAN after Huang et al. 2024 (https://arxiv.org/abs/2501.05441).
    Command: sparring train photo-gpu --data path/to/folder --device cuda; data.size=256 for 256 pixels
    Measured: not yet, on no GPU; what is tested is that it trains, in miniature.
    Details: augmentation and condition follow the data; lr and gamma fall, and beta2 rises, over the first 200,000 images.
    """
    rival, burn_in = r3(), 200_000
    return replace(
        photo(),
        source="our own, with https://arxiv.org/abs/2501.05441",
        data=PictureFolder("", size=128, channels=3, enlarge=True, background="white"),
        generator=R3GeneratorConfig(width=32, max_width=256),
        discriminator=R3DiscriminatorConfig(width=32, max_width=256),
        loss=rival.loss,
        penalties=(R1(gamma=2.0), R2(gamma=2.0)),
        round=rival.round,
        g_optim=Adam(lr=2e-4, beta1=0.0, beta2=0.9),
        d_optim=Adam(lr=2e-4, beta1=0.0, beta2=0.9),
        ramps=tuple(replace(ramp, images=burn_in) for ramp in rival.ramps),
        average=EMA(halflife_images=20_000.0),
        precision="tf32",
        batch_size=32,
        length=Duration(rounds=40_000),
        checkpoint=Interval(rounds=5000),
        review=Interval(rounds=5000),
        pictures=(FixedGrid(rows=4, columns=8, every=Interval(rounds=1000)),),
    )
