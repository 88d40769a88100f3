"""The training data of a recipe; for `photo`, which has none of its own, pictures of discs."""

import torch

from sparring.data.sets import Dataset, ImageSet
from sparring.recipe import Recipe

NUM, SIDE = 960, 64


def training_data(recipe: Recipe) -> Dataset:
    """Those that the recipe names, or discs of any colour, place and size on white, uint8 [960, 3, 64, 64]."""
    return discs() if recipe.name == "photo" else recipe.data.train()


def discs() -> ImageSet:
    """The same in every process."""
    rng = torch.Generator().manual_seed(0)
    places, radii = torch.rand(2, NUM, 1, 1, generator=rng) * SIDE, 6 + 20 * torch.rand(NUM, 1, 1, generator=rng)
    colours = torch.randint(256, (NUM, 3, 1, 1), dtype=torch.uint8, generator=rng)
    rows, columns = torch.arange(SIDE).view(-1, 1), torch.arange(SIDE)
    inside = (rows - places[0]) ** 2 + (columns - places[1]) ** 2 < radii**2
    return ImageSet(torch.where(inside[:, None], colours, torch.tensor(255, dtype=torch.uint8)))
