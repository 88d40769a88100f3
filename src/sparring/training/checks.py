"""Checks of a recipe against its data and networks, before the first round."""

from collections.abc import Sequence

import torch
from torch import nn

from sparring.augment import Adaptive
from sparring.augment.auto import FEWEST
from sparring.config.registry import name_of
from sparring.config.rng import keyed_generator
from sparring.data.sets import Dataset
from sparring.errors import InputError, check
from sparring.networks.latents import Code
from sparring.networks.layers.batch_norm import BatchNorm
from sparring.networks.layers.reconstruction import Reconstructing
from sparring.networks.layers.traits import is_deterministic, unsplittable
from sparring.penalties import FiniteDifference, Penalty
from sparring.recipe import MoveD, Recipe

MAX_BATCH_SMALL_DATA = 4096  # batch size, where there are fewer images
HELD_OUT = 500  # images at most that an adaptive augmentation keeps from D, of ten a single one


def split_held_out(recipe: Recipe, data: Dataset) -> tuple[Dataset, Dataset | None]:
    """The training data, and a random part held out for an adaptive augmentation (None for others), never shown to D."""
    if not isinstance(recipe.augment, Adaptive):
        return data, None
    num = min(HELD_OUT, len(data) // 10)
    check(num >= 1, "data", f"{len(data)} images", "have at least 10 for an adaptive augmentation, which holds a tenth back")
    order = torch.randperm(len(data), generator=keyed_generator("cpu", 0, "held out"))
    return data.take(order[num:].sort().values), data.take(order[:num])


def trained_on(recipe: Recipe, data: Dataset) -> Dataset:
    """The part of `data`, the training half of a data set, that a run of this recipe shows to D."""
    is_enough = len(data) >= FEWEST  # else they are not the run's
    return split_held_out(recipe, data)[0] if is_enough else data


def check_classes(recipe: Recipe, data: Dataset) -> None:
    """InputError where the data lack the labels that the condition needs, or have another number of classes."""
    if recipe.condition is None or not recipe.condition.uses_labels or not isinstance(recipe.z, Code):
        return
    what = f"the condition {name_of(recipe.condition)} needs labels"
    if data.labels is None:
        raise InputError(f"{what}, and the data set {name_of(recipe.data)} has none; set condition=null, or name other data")
    check(recipe.z.classes == len(data.classes), "z.classes", recipe.z.classes, f"be {len(data.classes)}, as the data have")


def check_processes(recipe: Recipe, num_processes: int) -> None:
    """InputError for what only a single process has."""
    if num_processes > 1:
        check(recipe.packing == 1, "packing", recipe.packing, "be 1 where several processes train")
        policy = f"{type(recipe.non_finite).__name__}()"
        check(not recipe.non_finite.guards, "non_finite", policy, "be Stop() where several processes train")


def check_batch_size(recipe: Recipe, num_images: int, num_processes: int, g: nn.Module, d: nn.Module) -> None:
    """InputError for a batch far larger than the data, too small to share, or too small for batch normalisation."""
    size, most = recipe.batch_size, max(num_images, MAX_BATCH_SMALL_DATA)
    check(size <= most, "batch_size", f"{size:,}", f"be at most {most:,} for {num_images:,} images")
    check(size >= num_processes, "batch_size", size, f"be at least {num_processes}, the number of processes")
    if not (normalises(g) or normalises(d)):
        return
    check(size >= 2, "batch_size", size, "be at least 2, for batch normalisation")
    if recipe.batch_norm == "per-process" and num_processes > 1:
        may_be_short = normalises(d) and recipe.order != "with-replacement" and not recipe.needs_full_batches
        last = num_images % size if may_be_short else 0
        fewest = (last or size) // num_processes
        rule = f"leave at least 2 samples to each of {num_processes} processes, also of an epoch's last batch"
        check(fewest >= 2, "batch_size", size, f"{rule}; or set batch_norm=synchronised")


def check_penalties(recipe: Recipe, d: nn.Module) -> None:
    """InputError for gradient penalties on a D whose batch norm makes a logit depend on other images, and for finite
    differences on one whose dropout layers take another mask for each of two points."""
    draws_anew = any(isinstance(layer, nn.modules.dropout._DropoutNd) for layer in d.modules())
    for penalty in recipe.penalties:
        if isinstance(penalty, FiniteDifference) and draws_anew:
            raise InputError(
                f"{name_of(recipe.discriminator)} has nn.Dropout, which takes another mask for each of the points that "
                f"{name_of(penalty)} compares; take sparring.networks.layers.dropout.Dropout, or r1 and r2"
            )
    if any(isinstance(penalty, Penalty) for penalty in recipe.penalties) and normalises(d):
        raise InputError(
            f"{name_of(recipe.discriminator)} normalises over the batch, so its slope at an image is not the image's own; "
            "leave out the penalties, or take a D without batch normalisation"
        )


def check_joint_batches(recipe: Recipe, d: nn.Module) -> None:
    """InputError for a D that minimises a value of its own on real images, where a batch holds generated ones as well."""
    joint = any(isinstance(move, MoveD) and move.batch == "joint" for move in recipe.round.moves)
    if joint and isinstance(d, Reconstructing):
        name = name_of(recipe.discriminator)
        raise InputError(
            f"{name} reconstructs real images, and a joint batch has one mean for all; set batch=separate in the moves"
        )


def check_accumulation(recipe: Recipe, d: nn.Module, num_processes: int, fast: bool) -> None:
    """InputError where a batch in parts would have another result than the whole batch."""
    if recipe.accumulate == 1:
        return
    what, name = f"accumulate is {recipe.accumulate}", name_of(recipe.discriminator)
    if num_processes > 1 or not fast:
        raise InputError(f"{what}, which is for one process and engine auto; set accumulate=1")
    if stranger := unsplittable(d):
        kind = type(stranger).__name__
        raise InputError(f"{what}, but {name} has {kind}, which may take a batch in parts for another; set accumulate=1")
    penalised = any(isinstance(penalty, Penalty) for penalty in recipe.penalties)
    if penalised and not is_deterministic(d):
        raise InputError(
            f"{what}, but {name} has dropout, whose masks penalties share with the loss in the whole batch; "
            "set its dropout to 0, penalties=[] or accumulate=1"
        )


def check_precision(recipe: Recipe, g: nn.Module, d: nn.Module) -> None:
    """InputError for bf16 in networks without convolutions."""
    if recipe.precision == "bf16" and (why := why_bf16_is_no_use(recipe, g, d)):
        raise InputError(f"precision is bf16, but {why}; set precision=float32 or tf32")


def why_bf16_is_no_use(recipe: Recipe, g: nn.Module, d: nn.Module) -> str | None:
    """A clause that names the network of a recipe that has no convolutions; None where both have."""
    for config, network in ((recipe.generator, g), (recipe.discriminator, d)):
        if not is_convolutional(network):
            return f"{name_of(config)} has no convolutions: a perceptron would lose accuracy and gain no time"
    return None


def check_pictures(recipe: Recipe, shape: Sequence[int]) -> None:
    """InputError where one of the recipe's pictures cannot show such data or such z."""
    for picture in recipe.pictures:
        if hasattr(picture, "check_fits"):
            picture.check_fits(shape, recipe.z)  # pyright: ignore[reportAttributeAccessIssue]


def is_convolutional(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules())


def normalises(network: nn.Module) -> bool:
    return any(isinstance(layer, BatchNorm) for layer in network.modules())
