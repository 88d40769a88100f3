"""The parity of an export with the generator that it was made of, held to the limits of its type."""

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from sparring import evaluation
from sparring.errors import InputError
from sparring.evaluation import Reference
from sparring.exporters.parity import BLOCK, Draw, Parity, limits_for, measure, seeds_to_compare
from sparring.exporters.target import Options
from sparring.exporters.trained import Trained
from sparring.runs.generator import SavedGenerator


def measured(trained: Trained, exported: Draw, runtime: str, options: Options) -> Parity:
    """The parity of `exported`, which `runtime` computes; with weights in float16 the Frechet distances, too.

    Raises InexactError where the limits are missed and `options.allow_inexact` is not set.
    """
    generator = trained.generator
    z = seeds_to_compare(generator)
    parity = measure(generator.draw, exported, z, runtime, partial(options.step, "comparing samples"))
    if options.dtype == "float16" and (reference := _yardstick(trained)) is not None:
        original, other = (_frechet(reference, draw, z) for draw in (generator.draw, exported))
        parity = replace(parity, frechet=other, frechet_original=original)
    limits = limits_for(generator.shape, options.dtype)
    if limits.difference is not None and parity.difference > limits.difference:
        parity = replace(parity, rounding=_rounding(generator, z))
    parity.require(limits, options.allow_inexact)
    return parity


def _rounding(generator: SavedGenerator, z: Tensor) -> float | None:
    """The largest difference of the generator's samples from those in float64; None for a network that has no such ones."""
    exact = deepcopy(generator.network).double()
    with suppress(RuntimeError), torch.no_grad():  # a network of the user's own may be of float32 alone
        return measure(lambda block: exact(block.double()), generator.draw, z, "PyTorch").difference
    return None


def _yardstick(trained: Trained) -> Reference | None:
    """What measures Frechet distances from the generator's data, if both are on this machine; from few nothing does."""
    if trained.data is None or len(trained.generator.shape) == 1:
        return None
    with suppress(InputError):  # the data are elsewhere now
        if trained.data.is_cached():
            found = evaluation.reference_for(trained.data, torch.device("cpu"))
            return found if found and found.primary_metric == "frechet_distance" else None
    return None


def _frechet(reference: Reference, draw: Draw, z: Tensor) -> float:
    samples = evaluation.as_dataset(torch.cat([draw(block) for block in z.split(BLOCK)]))
    return reference.quick_metrics(reference.extract(samples))["frechet_distance"]
