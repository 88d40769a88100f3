"""A recipe for a folder of the user's own pictures."""

from dataclasses import replace

from sparring.augment import Auto as AutoAugment
from sparring.conditions import Auto as AutoCondition
from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval
from sparring.data.folder.picture_folder import PictureFolder
from sparring.networks import DcganDiscriminatorConfig, DcganGeneratorConfig
from sparring.optim.adam import Adam
from sparring.penalties import R1
from sparring.recipe import Recipe
from sparring.recipes.flash import flash
from sparring.visual.snapshots import FixedGrid


@register("recipe")
def photo() -> Recipe:
    """Your own pictures, of any size and kind, at 64 pixels: a small DCGAN whose augmentation follows the number of pictures.

    Source: our own; adaptive strength after Karras et al. 2020 (https://arxiv.org/abs/2006.06676), of parts of Zhao et al. 2020
    (https://arxiv.org/abs/2006.10738).
    Command: sparring train photo --data path/to/folder (or a .zip); sparring data check path/to/folder checks them first
    Measured: 1,881 emoji of people: heads and busts, a third with a face, after 4 minutes of one core (docs/photo.md).
    Details: data.size=128 or [48,96] for other sizes; folders are classes, which sparring sample --class draws.
    """
    return replace(
        flash(),
        source="our own, with https://arxiv.org/abs/2006.06676 and https://arxiv.org/abs/2006.10738",
        data=PictureFolder("", size=64, channels=3, enlarge=True, background="white"),
        generator=DcganGeneratorConfig(width=32, kernel=4, refine=False, doubling="resize", blur=2),
        discriminator=DcganDiscriminatorConfig(width=16, kernel=4, dropout=0.0),
        condition=AutoCondition(),
        augment=AutoAugment(),
        penalties=(R1(gamma=3.0, every=8),),
        g_optim=Adam(lr=1e-3, beta1=0.0, beta2=0.99),
        d_optim=Adam(lr=1e-3, beta1=0.0, beta2=0.99),
        batch_size=16,
        length=Duration(rounds=5000),
        checkpoint=Interval(rounds=1000),
        review=Interval(rounds=1000),
        pictures=(FixedGrid(rows=4, columns=8, every=Interval(rounds=250)),),
    )
