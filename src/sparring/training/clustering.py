"""The clusters of a self-conditioned run, found among its training examples when the run begins, and drawn by their shares."""

from dataclasses import replace

import torch
from torch import Tensor

from sparring.conditions import SelfConditioned
from sparring.conditions.clusters import Clusters, features_of
from sparring.config.rng import keyed_generator
from sparring.config.threads import own_number
from sparring.data.sets import Dataset
from sparring.networks.latents import Code
from sparring.recipe import Recipe

MOST = 10_000  # examples among which clusters are found
CHUNK = 500  # examples that are read at once


def find_clusters(recipe: Recipe, data: Dataset, seed: int) -> tuple[Recipe, Clusters | None]:
    """The recipe whose z draws the clusters by their shares, and the clusters, on the CPU; None under any other condition.

    They depend on the seed, the examples and the condition alone. The first cluster is the largest.
    """
    condition = recipe.condition
    if not isinstance(condition, SelfConditioned):
        return recipe, None
    data, rng = data.to("cpu"), keyed_generator("cpu", seed, "clusters")
    chosen = torch.randperm(len(data), generator=rng)[:MOST]
    with own_number(1):  # with more threads sums differ in their last bits
        features = torch.cat([features_of(data.batch(part)) for part in chosen.split(CHUNK)])
        found = Clusters.of(features, condition.clusters, condition.components, rng)
        sizes, order = _sizes(found, data).sort(descending=True, stable=True)
    return _with_sizes(recipe, sizes), found.in_order(order)


def with_shares(recipe: Recipe, clusters: Clusters, data: Dataset) -> Recipe:
    """The recipe whose z draws these clusters by their shares in the examples."""
    return _with_sizes(recipe, _sizes(clusters.to("cpu"), data.to("cpu")))


def without_shares(recipe: Recipe) -> Recipe:
    """The recipe as it is before the clusters are found."""
    if isinstance(recipe.condition, SelfConditioned) and isinstance(recipe.z, Code):
        return replace(recipe, z=replace(recipe.z, weights=()))
    return recipe


def _sizes(clusters: Clusters, data: Dataset) -> Tensor:
    """The number of examples in each cluster, int64 [K]."""
    parts = torch.arange(len(data)).split(CHUNK)
    return torch.bincount(torch.cat([clusters.assign(data.batch(part)) for part in parts]), minlength=len(clusters.centres))


def _with_sizes(recipe: Recipe, sizes: Tensor) -> Recipe:
    assert isinstance(recipe.z, Code)
    return replace(recipe, z=replace(recipe.z, weights=tuple(map(float, sizes.tolist()))))
