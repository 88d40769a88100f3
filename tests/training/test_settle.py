"""What a recipe leaves to the data."""

import re
from dataclasses import replace

import pytest
import torch

from sparring import recipes
from sparring.augment import Adaptive, DiffAugment
from sparring.augment import Auto as AutoAugment
from sparring.conditions import Auto as AutoCondition
from sparring.conditions import Projection
from sparring.config import codec, devices
from sparring.config.schedules import Duration
from sparring.data import ImageSet
from sparring.errors import InputError
from sparring.networks.latents import AttributeCode, Code, Normal, Uniform
from sparring.recipe import Recipe
from sparring.training.build import build_discriminator
from sparring.training.settle import Settled, settle
from sparring.visual.codes import ClassGrid
from sparring.visual.snapshots import FixedGrid

CPU = torch.device("cpu")
PARTS = DiffAugment(color=False, flip=True)


def images(num: int, num_classes: int = 0) -> ImageSet:
    labels = torch.arange(num) % num_classes if num_classes else None
    return ImageSet(torch.zeros(num, 3, 32, 32, dtype=torch.uint8), labels, tuple(map(str, range(num_classes))))


@pytest.mark.parametrize(
    ("num", "length", "chosen", "words"),
    [
        (5, Duration(rounds=10), PARTS, "5 images are few"),
        (400, Duration(rounds=5000), Adaptive(PARTS, images_to_full=10_000), "as much as D overfits to 400 images"),
        (400, Duration(images=800), Adaptive(PARTS, images_to_full=100), "as much as D overfits"),
        (400, Duration(epochs=4), Adaptive(PARTS, images_to_full=200), "as much as D overfits"),
        (1999, Duration(minutes=3), Adaptive(PARTS, images_to_full=10_000), "1,999 images"),
        (2000, Duration(rounds=10), None, "none, for 2,000 images are many"),
    ],
)
def test_the_augmentation_follows_the_number_of_images(num, length, chosen, words):
    recipe = replace(recipes.get("photo"), length=length, ramps=())
    found = settle(recipe, images(num), CPU)
    assert found.recipe == replace(recipe, augment=chosen, condition=None)
    assert len(found.sentences) == 1
    assert words in found.sentences[0]


def test_combinations_of_attributes_need_ten_images_of_each_value():
    data = replace(images(60, num_classes=4), values=((0, 0), (0, 1), (1, 0), (1, 1)))
    z = AttributeCode(normal=64, classes=4, weights=(15.0,) * 4, values=data.values)
    found = settle(recipes.get("photo"), data, CPU)
    assert (found.recipe.z, found.recipe.condition) == (z, Projection())
    assert "conditioned on the 4 combinations of attributes" in found.sentences[0]
    assert settle(recipes.get("photo"), data.take(torch.arange(39)), CPU).recipe.condition is None


def test_classes_condition_and_are_drawn_by_their_shares():
    data = images(60, num_classes=3)
    assert data.labels is not None
    data.labels[:40] = 1
    found = settle(recipes.get("photo"), data, CPU)
    counts = tuple(map(float, data.labels.bincount().tolist()))
    assert found.recipe.z == Code(normal=64, classes=3, weights=counts)
    assert found.recipe.condition == Projection()
    assert found.recipe.pictures == (ClassGrid(columns=8, every=recipes.get("photo").pictures[0].every),)  # pyright: ignore
    assert "conditioned on the 3 classes" in found.sentences[0]
    assert settle(found.recipe, images(5000), CPU).recipe is found.recipe  # chosen once
    codec.decode(Recipe, codec.encode(found.recipe), "recipe")


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (images(60), {}),
        (images(60, 1), {}),
        (images(60, 3), {"condition": None}),
        (images(60, 3), {"z": Uniform(8)}),
        (images(60, 3), {"packing": 2}),
        (images(60, 12), {}),  # five images of each
    ],
)
def test_else_there_is_no_condition(data, changes):
    recipe = replace(recipes.get("photo"), **changes)
    found = settle(recipe, data, CPU).recipe
    assert (found.condition, found.z, found.pictures) == (None, recipe.z, recipe.pictures)


def test_a_grid_of_many_classes_stays_a_grid_of_any():
    found = settle(recipes.get("photo"), images(400, 40), CPU).recipe
    assert isinstance(found.z, Code)
    assert isinstance(found.pictures[0], FixedGrid)


def test_a_recipe_that_leaves_nothing_open_is_itself():
    recipe = recipes.get("flash")
    assert settle(recipe, images(50, 2), CPU).recipe is recipe
    assert settle(recipe, images(50, 2), CPU).sentences == ()


def test_before_the_choice_auto_changes_nothing():
    recipe = recipes.get("photo")
    assert isinstance(recipe.augment, AutoAugment)
    assert isinstance(recipe.condition, AutoCondition)
    batch = torch.randn(2, 3, 64, 64)
    assert torch.equal(recipe.augment(batch, torch.empty(2, 0)), batch)
    assert build_discriminator(recipe, (3, 64, 64), 0)(batch).shape == (2,)
    assert recipe.z == Normal(64)


def test_weights_of_classes():
    code = Code(normal=2, classes=3, weights=(1.0, 0.0, 3.0))
    drawn = code.class_of(code.sample(4000, torch.Generator().manual_seed(0))).bincount(minlength=3)
    assert drawn[1] == 0
    assert drawn[2].item() / 4000 == pytest.approx(0.75, abs=0.03)
    for weights in ((1.0, 2.0), (0.0, 0.0, 0.0)):
        with pytest.raises(InputError, match=r"z\.weights is a list of \d; it must be empty, or one number for each"):
            Code(normal=2, classes=3, weights=weights)
    with pytest.raises(InputError, match=r"z\.weights"):
        Code(normal=2, classes=2, weights=(-1.0, 2.0))


@pytest.mark.parametrize(
    ("name", "instructions", "chosen", "words"),
    [
        ("flash", ("avx512_bf16",), "bf16", r"bf16, for this processor \(avx512_bf16\) has instructions for it"),
        ("flash", (), "float32", "float32, for this processor has no instructions for it"),
        ("ring", ("avx512_bf16",), "float32", "float32, for mlp-generator has no convolutions: .* gain no time"),
    ],
)
def test_the_precision_follows_the_processor_and_the_networks(name, instructions, chosen, words, monkeypatch):
    monkeypatch.setattr(devices, "bf16_instructions", lambda: instructions)
    recipe = replace(recipes.get(name), precision="auto")
    data = recipe.data.train().take(torch.arange(2000))
    found = settle(recipe, data, CPU)
    assert found.recipe == replace(recipe, precision=chosen)
    assert re.match(f"precision: {words}", found.sentences[0])
    assert settle(found.recipe, data, CPU) == Settled(found.recipe)  # chosen once
