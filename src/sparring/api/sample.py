"""Sample: images of a run or a generator."""

from pathlib import Path

import torch

from sparring.api import arguments
from sparring.api.load import load_generator
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run
from sparring.visual.samples import Samples


def sample(
    run: str | Path | Run | SavedGenerator = "latest",
    *,
    num: int = 16,
    seed: int = 0,
    class_: int | str | None = None,
    raw: bool = False,
) -> Samples:
    """Generated images [num, C, H, W] in [-1, 1] (points [num, D]), a tensor that a notebook shows as a grid.

    run: a run or a generator, or its folder, a checkpoint's file, "latest", or the name of a generator that comes with the
        package, such as "digits".
    num, seed: how many, and of which z; the same images as `sparring sample` draws, and fewer are the first of more.
    class_: the class to draw, by number or name, or values that the classes to draw have, such as "shape=disc".
    raw: takes the last weights of a run instead of their average.

    Raises InputError where the run cannot be read, it knows no such class, or there are no raw weights.
    """
    num, seed = arguments.whole("num", num, 1), arguments.whole("seed", seed, 0)
    generator = run if isinstance(run, SavedGenerator) else load_generator(run, raw)
    chosen = None if class_ is None else generator.class_numbers(str(class_))
    drawn = generator.draw_in_blocks(generator.z_in_blocks(num, seed, chosen))
    return torch.cat([*drawn]).as_subclass(Samples)
