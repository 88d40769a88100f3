"""Both networks of a recipe, for data of a given shape."""

from torch import nn

from sparring import networks
from sparring.config.rng import derive_seed
from sparring.networks.latents import Code
from sparring.networks.layers.head import uncast_head
from sparring.recipe import Recipe


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


def check_outputs(recipe: Recipe, shape: tuple[int, ...]) -> None:
    """InputError, with the shapes that came and are wanted, where a user's network does not fit z and data of this shape."""
    packed = (shape[0] * recipe.packing, *shape[1:])
    networks.check_output(recipe.generator, (recipe.z.num,), shape)
    networks.check_output(recipe.discriminator, packed, ())
