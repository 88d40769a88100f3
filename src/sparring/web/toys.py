"""A toy in numbers, for the page's canvas: used by the worker, which has PyTorch."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.errors import InputError
from sparring.losses import is_probabilistic
from sparring.networks.latents import Mixture
from sparring.runs import checkpoint, snapshots
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run
from sparring.visual.landscape import FINENESS, densities
from sparring.visual.scatter import limits

NUM = 4000  # points of which densities are estimated
SHOWN = 1000  # of them
CELLS = {1: 256, 2: 64}  # along each axis, by the number of axes
LINES = 9  # of the grid in z, each way; of each component of a mixture fewer
MOST_COMPONENTS = 12
ARROWS = 16  # each way
DIGITS = 5


def toy_view(path: str) -> dict[str, Any]:
    """What p_data, G and D are in a checkpoint or a snapshot of a run on points [N, D], D 1 or 2.

    `low`, `high`: the frame's corners. `real`, `fake`: points. On `cells` places along each axis, x first: `d`, D's probability
    or the logit of a critic, with its means over both kinds of points in `judged` (None where D judges packs); `best`, D* (None
    where no point is near); and on the line `p_data` and `p_g`. `patches`: what G makes of square grids in z, rows of points.
    `arrows`: [x, y, dx, dy], D's slope by differences.
    """
    file = Path(path)
    run, saved = Run.of_checkpoint(file), snapshots.read(file)
    if len(run.shape) != 1 or run.shape[0] not in CELLS:
        raise InputError(f"{run.path} draws no points on a line or in a plane")
    recipe, generator = run.recipe, run.generator_of(saved)
    test = recipe.data.test()
    real = test.batch(torch.arange(min(NUM, len(test))))
    fake = generator.draw(generator.z_in_blocks(NUM, seed=0))
    low, high = (torch.from_numpy(corner) for corner in limits(real.numpy()))
    cells = CELLS[len(low)]
    axes = [torch.linspace(a, b, cells, dtype=torch.float64) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    bandwidth = float(high[0] - low[0]) / FINENESS
    blurred = getattr(recipe.data, "blurred", None)  # of toys whose density is known
    found = densities(real, fake, axes, bandwidth, blurred and blurred(bandwidth).log_density)
    logits = judged = None
    probable = is_probabilistic(recipe.loss)
    if recipe.packing == 1:
        network = checkpoint.discriminator_of(saved, recipe, run.shape, path)
        places, points = torch.cartesian_prod(*axes).view(-1, len(axes)).float(), torch.cat([real, fake])
        logits = _logits(network, places).view([cells] * len(axes))
        said = _logits(network, points)
        judged = [part.mean().item() for part in (said.sigmoid() if probable else said).split([len(real), len(fake)])]
    return {
        "round": saved.info.round,
        "low": low.tolist(),
        "high": high.tolist(),
        "cells": cells,
        "real": _numbers(real[:SHOWN]),
        "fake": _numbers(fake[:SHOWN]),
        "num": len(fake),
        "outside": int(((fake < low) | (fake > high)).any(1).sum()),
        "probable": probable,
        "d": None if logits is None else _numbers((logits.sigmoid() if probable else logits).flatten()),
        "judged": judged,
        "best": _numbers(found.best.flatten()),
        "exact": found.is_exact,
        "bandwidth": bandwidth,
        "means": [[_numbers(points.mean(0)), _numbers(points.std(0, correction=0))] for points in (real, fake)],
        **({"p_data": _numbers(found.real), "p_g": _numbers(found.fake)} if len(axes) == 1 else {}),
        "patches": [_numbers(patch) for patch in _patches(generator)] if len(axes) == 2 else [],
        "arrows": _arrows(logits, axes) if logits is not None and len(axes) == 2 else [],
    }


@torch.no_grad()
def _logits(network: nn.Module, points: Tensor) -> Tensor:
    """D's logits [N], float64; of a D that judges conditions too, the first column."""
    found = network(points)
    return (found if found.ndim == 1 else found[:, 0]).double()


def _patches(generator: SavedGenerator) -> list[Tensor]:
    """What G makes of a square grid in the first two columns of z, the others at 0, [lines, lines, 2]; of a mixture, of one
    such grid for each component."""
    noise = generator.noise
    drawn = generator.z_in_blocks(256, seed=0)[:, :2]
    extent = min(2 * drawn.std().item(), drawn.abs().max().item())
    is_mixture = isinstance(noise, Mixture)
    lines = LINES // 2 if is_mixture else LINES
    places = torch.linspace(-extent, extent, lines)
    columns = torch.cartesian_prod(*[places] * drawn.shape[1]).view(-1, drawn.shape[1])
    z = torch.zeros(len(columns), noise.num)
    z[:, : columns.shape[1]] = columns
    if not is_mixture or columns.shape[1] < 2:
        return [generator.draw(z).view(*[lines] * columns.shape[1], -1)] if columns.shape[1] == 2 else []
    num = min(noise.components, MOST_COMPONENTS)
    every = z.repeat(num, 1).view(num, len(z), -1)
    every[torch.arange(num), :, noise.normal + torch.arange(num)] = 1
    return [*generator.draw(every.flatten(0, 1)).view(num, lines, lines, -1)]


def _arrows(logits: Tensor, axes: list[Tensor]) -> list[list[float]]:
    """The slope of D's logits [X, Y] at some places, by differences: [x, y, dx, dy], the longest of length 1."""
    steps = [(axis[1] - axis[0]).item() for axis in axes]
    slopes = torch.stack(torch.gradient(logits, spacing=steps), dim=-1)
    longest = slopes.norm(dim=-1).max().item() or 1.0
    chosen = torch.arange(ARROWS) * (len(axes[0]) // ARROWS) + len(axes[0]) // ARROWS // 2
    places = torch.stack(torch.meshgrid(axes[0][chosen], axes[1][chosen], indexing="ij"), dim=-1)
    arrows = torch.cat([places, slopes[chosen][:, chosen] / longest], dim=-1)
    return _numbers(arrows.flatten(0, 1))


def _numbers(values: Tensor) -> Any:
    """Nested lists of short numbers, None where there is none."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values.tolist()]
