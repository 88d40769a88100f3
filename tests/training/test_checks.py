"""What is looked at before the first round."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from sparring import recipes
from sparring.augment import Adaptive, DiffAugment
from sparring.data.sets import ImageSet, PointSet
from sparring.errors import InputError
from sparring.networks import FastganDiscriminatorConfig, FastganGeneratorConfig, GlorotUniform
from sparring.penalties import R1, R2FD
from sparring.recipe import MoveD, MoveG, Recipe, Round
from sparring.training.adapt_strength import adapt_strength
from sparring.training.engine import Engine
from sparring.visual.codes import ClassGrid, CodeTraversal
from sparring.visual.snapshots import Landscape

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Normalising:
    """A user's D with batch normalisation."""

    initial = GlorotUniform()

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Flatten(0))


def images(num: int) -> ImageSet:
    return ImageSet(torch.randint(0, 256, (num, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))


def small(**changes) -> Recipe:
    return replace(recipes.get("dropout-mlp"), batch_size=8, **changes)


def test_penalties_are_not_for_a_d_that_mixes_its_batch():
    with pytest.raises(InputError, match="slope at an image is not the image's own"):
        Engine.build(small(discriminator=Normalising(), penalties=(R1(),)), images(20), 0, CPU)


@dataclass(frozen=True)
class Dropping(Normalising):
    """A user's D with PyTorch's dropout."""

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 4), nn.Dropout(0.5), nn.Linear(4, 1), nn.Flatten(0))


def test_finite_differences_are_not_for_masks_that_change_between_two_points():
    with pytest.raises(InputError, match="takes another mask for each of the points that r2-fd compares; take "):
        Engine.build(small(discriminator=Dropping(), penalties=(R2FD(),)), images(20), 0, CPU)
    Engine.build(small(penalties=(R2FD(),)), images(20), 0, CPU).train_round(0)  # our own layer


def test_an_adaptive_augmentation_keeps_some_images_from_d():
    engine = Engine.build(small(augment=Adaptive()), images(50), 0, CPU)
    assert isinstance(engine.data, ImageSet)
    assert isinstance(engine.held_out, ImageSet)
    assert (len(engine.data), len(engine.held_out)) == (45, 5)
    every = torch.cat([engine.data.images, engine.held_out.images]).flatten(1).unique(dim=0)
    assert torch.equal(every, images(50).images.flatten(1).unique(dim=0))
    with pytest.raises(InputError, match="at least 10"):
        Engine.build(small(augment=Adaptive()), images(9), 0, CPU)


def test_strength_follows_how_d_tells_held_out_images_from_its_own():
    """A D that gives training images more than others it has not seen has learnt them: the strength goes up, and down again."""
    engine = Engine.build(small(augment=Adaptive(images_to_full=100, every=1)), images(50), 0, CPU)

    class Judge(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1).sum(1)

    engine.gan.discriminator.network = Judge()
    seen = engine.data
    assert isinstance(seen, ImageSet)
    engine.data = replace(seen, images=torch.full_like(seen.images, 255))
    adapt_strength(engine, 0)
    assert engine.gan.memory["strength"].item() == pytest.approx(0.08)  # 8 of 100 images
    engine.data, engine.held_out = replace(seen, images=torch.full_like(seen.images, 255)), engine.data
    adapt_strength(engine, 1)
    assert engine.gan.memory["strength"].item() == 0


def test_pictures_are_augmented_and_points_are_not():
    with pytest.raises(InputError, match="leave it out for points"):
        Engine.build(small(augment=DiffAugment()), PointSet(torch.randn(20, 2)), 0, CPU)


@pytest.mark.parametrize("picture", [ClassGrid(), CodeTraversal(), Landscape()])
def test_a_picture_that_cannot_be_drawn_is_refused_before_the_first_round(picture):
    with pytest.raises(InputError, match=r"picture (class-grid|code-traversal|landscape)"):
        Engine.build(small(pictures=(picture,)), images(20), 0, CPU)


def test_a_d_that_makes_real_images_again_is_not_for_joint_batches():
    moves = Round(moves=(MoveD(batch="joint"), MoveG()))
    recipe = small(generator=FastganGeneratorConfig(width=2), discriminator=FastganDiscriminatorConfig(width=2), round=moves)
    with pytest.raises(
        InputError, match="fastgan-discriminator reconstructs real images, and a joint batch has one mean for all"
    ):
        Engine.build(recipe, images(20), 0, CPU)
