"""Both networks of a recipe, for data of a given shape, and the GAN that they are with their optimisers."""

import copy
from itertools import islice

import torch
from torch import nn

from sparring import networks
from sparring.config import registry
from sparring.config.rng import derive_seed
from sparring.data.sets import Dataset
from sparring.distributed.single_process import SingleProcess
from sparring.errors import check
from sparring.networks.latents import Code
from sparring.networks.layers.batch_norm import convert_sync_batchnorm
from sparring.networks.layers.channels_last import dense_layers
from sparring.networks.layers.fold import fold_few
from sparring.networks.layers.frequencies import through_frequencies
from sparring.networks.layers.head import uncast_head
from sparring.networks.layers.phases import doubled_in_phases
from sparring.networks.layers.turned import turn_layers
from sparring.optim.adam import Adam, AdamOptimizer, StepClock
from sparring.recipe import Recipe
from sparring.training.checks import (
    check_accumulation,
    check_batch_size,
    check_classes,
    check_joint_batches,
    check_penalties,
    check_pictures,
    check_precision,
    check_processes,
    is_convolutional,
)
from sparring.training.gan import GAN
from sparring.training.player import Player


def build_generator(recipe: Recipe, shape: tuple[int, ...], seed: int) -> nn.Module:
    """G with its initial values, a function of `seed` alone."""
    return networks.build_generator(recipe.generator, recipe.z.num, shape, derive_seed(seed, "initial", "generator"))


def build_discriminator(recipe: Recipe, shape: tuple[int, ...], seed: int) -> nn.Module:
    """D with its initial values, a function of `seed` alone, under the recipe's constraint.

    Its input has the channels of a pack; beside the logit it has the outputs that the condition needs.
    """
    packed = (shape[0] * recipe.packing, *shape[1:])
    num_outputs = 1 + recipe.condition.num_outputs(recipe.z) if recipe.condition and isinstance(recipe.z, Code) else 1
    network = networks.build_discriminator(
        recipe.discriminator, packed, derive_seed(seed, "initial", "discriminator"), num_outputs
    )
    if recipe.precision == "bf16":
        network = uncast_head(network)
    if recipe.constraint is None:
        return network
    constraint = recipe.constraint

    def constrained() -> nn.Module:
        constraint.install(network)
        return network

    return networks.seeded(constrained, derive_seed(seed, "initial", "constraint"))


def build_gan(recipe: Recipe, data: Dataset, seed: int, device: torch.device, group: SingleProcess, fast: bool = True) -> GAN:
    """Both networks at their initial values on a device, with their optimisers and all that their steps need.

    Raises InputError where the parts of the recipe, the data and the number of processes do not suit each other.
    """
    check_classes(recipe, data)
    check_pictures(recipe, data.shape)
    g, d = build_generator(recipe, data.shape, seed), build_discriminator(recipe, data.shape, seed)
    check_processes(recipe, group.size)
    check_batch_size(recipe, len(data), group.size, g, d)
    check_penalties(recipe, d)
    check_joint_batches(recipe, d)
    check_accumulation(recipe, d, group.size, fast)
    if group.size > 1 and recipe.batch_norm == "synchronised":
        g, d = convert_sync_batchnorm(g), convert_sync_batchnorm(d)
    check_precision(recipe, g, d)
    is_bf16 = recipe.precision == "bf16"
    if fast and device.type == "cpu":
        g, d = (_quicker(network, is_bf16) for network in (g, d))
    freeze_layers(d, recipe.freeze_d, registry.name_of(recipe.discriminator))
    clock = StepClock()
    gan = GAN(
        generator=_player(g, recipe.g_optim, device, clock, is_bf16),
        discriminator=_player(d, recipe.d_optim, device, clock if recipe.shared_clock else StepClock(), is_bf16),
        loss=recipe.loss,
        guarded=recipe.non_finite.guards,
        group=group,
        penalties=recipe.penalties,
        constraint=recipe.constraint,
        packing=recipe.packing,
        condition=recipe.condition,
        code=recipe.z if recipe.condition and isinstance(recipe.z, Code) else None,
        augment=recipe.augment,
    )
    if recipe.average:
        gan.g_ema = copy.deepcopy(gan.generator.network).requires_grad_(False)
    if recipe.augment:
        recipe.augment.num_uniforms(data.shape)  # InputError for data that it cannot take
    return gan


def _quicker(network: nn.Module, bf16: bool) -> nn.Module:
    """The network with layers that are quicker on a CPU; those of few channels are written out for one type."""
    if not is_convolutional(network):
        return network
    return dense_layers(turn_layers(network if bf16 else through_frequencies(doubled_in_phases(fold_few(network)))))


def _player(network: nn.Module, optim: Adam, device: torch.device, clock: StepClock, bf16: bool) -> Player:
    network = network.to(device)
    if is_convolutional(network):
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    moving = [weight for weight in network.parameters() if weight.requires_grad]
    return Player(network, AdamOptimizer(optim, moving, clock), bf16=bf16)


def freeze_layers(d: nn.Module, num: int, name: str) -> None:
    """Let the weights of D's first `num` layers with weights take no gradients; InputError, with D's name, unless one moves."""
    weights: dict[str, list[nn.Parameter]] = {}
    for path, weight in d.named_parameters():
        layer = path.partition(".parametrizations.")[0] if ".parametrizations." in path else path.rpartition(".")[0]
        weights.setdefault(layer, []).append(weight)
    check(num < len(weights), "freeze_d", num, f"be less than {len(weights)}, the number of {name}'s layers")
    for layer in islice(weights.values(), num):
        for weight in layer:
            weight.requires_grad_(False)


def check_outputs(recipe: Recipe, shape: tuple[int, ...]) -> None:
    """InputError, with the shapes that came and are wanted, where a user's network does not fit z and data of this shape."""
    packed = (shape[0] * recipe.packing, *shape[1:])
    networks.check_output(recipe.generator, (recipe.z.num,), shape)
    networks.check_output(recipe.discriminator, packed, ())
