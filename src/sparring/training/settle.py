"""What a recipe leaves to the data and the device: its settings that are "auto", chosen once, when a run begins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from sparring.augment import Auto as AutoAugment
from sparring.conditions import Auto as AutoCondition
from sparring.conditions import Projection, SelfConditioned
from sparring.config import devices
from sparring.data.sets import Dataset
from sparring.errors import InputError
from sparring.networks.latents import AttributeCode, Code, Mixture, Normal
from sparring.recipe import Recipe
from sparring.training.build import build_discriminator, build_generator
from sparring.training.checks import why_bf16_is_no_use
from sparring.visual.codes import ClassGrid
from sparring.visual.sampler import Picture
from sparring.visual.snapshots import FixedGrid

LEAST_OF_A_CLASS = 10  # images on average, below which classes are no use to a small data set
MOST_ROWS = 32  # of a grid of classes


@dataclass(frozen=True)
class Settled:
    """A recipe without "auto", and a sentence for the user on each choice."""

    recipe: Recipe
    sentences: tuple[str, ...] = ()


def settle(recipe: Recipe, data: Dataset, device: torch.device) -> Settled:
    """The recipe with its choices for these training data and this device; itself where it leaves nothing open."""
    sentences: tuple[str, ...] = ()
    if isinstance(recipe.condition, AutoCondition):
        recipe, sentence = _conditioned(recipe, data)
        sentences += (sentence,) if sentence else ()
    if isinstance(recipe.condition, SelfConditioned) and not isinstance(recipe.z, Code):
        recipe, sentence = _self_conditioned(recipe, recipe.condition, data)
        sentences += (sentence,)
    if isinstance(recipe.augment, AutoAugment):
        choice = recipe.augment.choose(len(data), _images_shown(recipe, len(data)))
        recipe = replace(recipe, augment=choice.augment)
        sentences += (f"augmentation: {choice.reason}",)
    if recipe.precision == "auto":
        recipe, sentence = _in_precision(recipe, data, device)
        sentences += (sentence,)
    return Settled(recipe, sentences)


def _conditioned(recipe: Recipe, data: Dataset) -> tuple[Recipe, str | None]:
    """With a projection on the classes of the data, where they have any that are large enough, and a word on it."""
    num, labels = len(data.classes), data.labels
    plain = replace(recipe, condition=None)
    if labels is None or num < 2 or recipe.packing > 1 or not isinstance(recipe.z, Normal):
        return plain, None
    weights, values = tuple(map(float, torch.bincount(labels, minlength=num).tolist())), getattr(data, "values", ())
    what = "combinations of attributes" if values else "classes"
    z = Code(recipe.z.num, num, 0, weights) if not values else AttributeCode(recipe.z.num, num, 0, weights, values=values)
    if len(data) < LEAST_OF_A_CLASS * z.class_columns:
        return plain, f"no condition on the {num:,} {what}, for they have fewer than {LEAST_OF_A_CLASS} images each on average"
    pictures = tuple(_by_class(picture, num, data.shape) for picture in recipe.pictures)
    told = f"conditioned on the {num:,} {what} of the data, drawn by their shares; --set condition=null takes them all as one"
    return replace(recipe, z=z, condition=Projection(), pictures=pictures), told


def _self_conditioned(recipe: Recipe, condition: SelfConditioned, data: Dataset) -> tuple[Recipe, str]:
    """With a code for as many clusters as the data are enough for, and a word on it; the engine finds the clusters."""
    least = 2 * LEAST_OF_A_CLASS
    if len(data) < least:
        raise InputError(f"self-conditioning needs {least} examples, and the data have {len(data)}; set condition=null")
    num = min(condition.clusters, len(data) // LEAST_OF_A_CLASS)
    num_normal, std = (recipe.z.normal, recipe.z.std) if isinstance(recipe.z, Mixture) else (recipe.z.num, 1.0)
    pictures = tuple(_by_class(picture, num, data.shape) for picture in recipe.pictures)
    told = f"conditioned on {num:,} clusters of the data, found without labels and drawn by their shares"
    z, condition = Code(normal=num_normal, classes=num, std=std), replace(condition, clusters=num)
    return replace(recipe, z=z, condition=condition, pictures=pictures), told


def _in_precision(recipe: Recipe, data: Dataset, device: torch.device) -> tuple[Recipe, str]:
    """In bfloat16 where the device and both networks gain by it, and a word on it."""
    why_not = devices.why_no_bf16(device)
    if why_not is None:
        shape = tuple(data.shape)
        why_not = why_bf16_is_no_use(recipe, build_generator(recipe, shape, 0), build_discriminator(recipe, shape, 0))
    if why_not is not None:
        return replace(recipe, precision="float32"), f"precision: float32, for {why_not}"
    return replace(recipe, precision="bf16"), f"precision: bf16, for {devices.bf16_hardware(device)} has instructions for it"


def _by_class(picture: Picture, num_classes: int, shape: Sequence[int]) -> Picture:
    """A grid with a row for each class in place of one of random classes, unless there are too many, or points, which have no
    tiles."""
    if isinstance(picture, FixedGrid) and num_classes <= MOST_ROWS and len(shape) == 3:
        return ClassGrid(columns=picture.columns, every=picture.every)
    return picture


def _images_shown(recipe: Recipe, num_images: int) -> int | None:
    """The images that D will have seen at the end of the run; None where its length is in minutes."""
    length = recipe.length
    if length.rounds is not None:
        return length.rounds * recipe.round.num_batches * recipe.batch_size
    return length.images if length.epochs is None else length.epochs * num_images
