"""Generators to export that nobody has to train: weights drawn at random, batch norm with the statistics of its own z."""

import torch
from torch import nn

from sparring.config.registry import name_of
from sparring.config.rng import keyed_generator
from sparring.exporters import Trained
from sparring.networks import build_generator
from sparring.networks.latents import Noise
from sparring.recipe import Recipe
from sparring.runs.generator import SavedGenerator

SHAPES = {"mnist": (1, 28, 28), "stacked-mnist": (3, 28, 28), "picture-folder": (3, 64, 64), "gaussian-1d": (1,)}
POINTS = (2,)


def untrained(recipe: Recipe) -> Trained:
    """The recipe's generator, as if it were trained."""
    shape = SHAPES.get(name_of(recipe.data), POINTS)
    network = build_generator(recipe.generator, recipe.z.num, shape, seed=0)
    _wake(network)
    _settle(network, recipe.z)
    return Trained(SavedGenerator(recipe.generator, recipe.z, shape, network), recipe.name, {"recipe": recipe.name})


def _wake(network: nn.Module) -> None:
    """Give weights that begin at zero some values: half of R3GAN's layers would add nothing."""
    rng = keyed_generator("cpu", 0, "weights")
    for weight in network.parameters():
        if weight.ndim > 1 and not weight.any():
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5 / 2, generator=rng)


@torch.no_grad()
def _settle(network: nn.Module, noise: Noise) -> None:
    """Replace the running statistics of batch norm by those of 256 z."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum = 1.0
    network.train()(noise.sample(256, keyed_generator("cpu", 0, "statistics")))
    network.eval()
