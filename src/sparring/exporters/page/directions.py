"""The first principal directions of an early layer, which the page's sliders move along.

Where z passes dense layers first, they are the directions in which an activation of these varies most (Härkönen et al. 2020,
GANSpace, https://arxiv.org/abs/2004.02546, section 2.2); elsewhere those of z that change the first layer most, the singular
vectors of its weight (Shen and Zhou 2021, https://arxiv.org/abs/2007.06600, equation 5).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sparring.config.rng import keyed_generator
from sparring.directions import principal_axes, singular_axes
from sparring.exporters.page.program import Program
from sparring.exporters.page.reference import registers
from sparring.networks.latents import Code, Mixture, Noise

MOST = 8
NUM_SAMPLES = 4096
ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid")
MAPS = ("conv", "conv_transposed", "map")
SMALLEST = 1e-6  # share of the variance of a direction that is worth a slider


@dataclass(frozen=True)
class Directions:
    """Directions at a register: vectors [K, D], each one standard deviation long, and each one's share of the variance."""

    at: int
    vectors: Tensor
    shares: tuple[float, ...]


def principal_directions(program: Program, noise: Noise) -> Directions:
    """At most eight directions of a program, by 4,096 z of its distribution; classes do not count as variation."""
    z = noise.sample(NUM_SAMPLES, keyed_generator("cpu", 0, "directions"))
    at = early_layer(program)
    if at == 0:
        return _of_first_layer(program, noise, z)
    values = registers(replace(program, ops=program.ops[:at]), z)[at].double()
    variances, vectors = principal_axes(values, classes_of(z, noise))
    return _directions(at, vectors * variances.sqrt()[:, None], variances)


def early_layer(program: Program) -> int:
    """The register of the last activation before the layer that makes the first map, of perceptrons the first; 0 for z."""
    last = max(i for i, op in enumerate(program.ops) if op["op"] == "linear")
    found = [i for i, op in enumerate(program.ops[:last], 1) if op["op"] in ACTIVATIONS and len(op["shape"]) == 1]
    has_maps = any(op["op"] in MAPS for op in program.ops)
    return (found[-1] if has_maps else found[0]) if found else 0


def _of_first_layer(program: Program, noise: Noise, z: Tensor) -> Directions:
    moving = (torch.arange(noise.num) < _num_normal(noise)).float()
    strengths, vectors = singular_axes(program.weights.get(program.ops[0]["weight"]), moving)
    return _directions(0, vectors * z[:, 0].double().std(), strengths)


def classes_of(z: Tensor, noise: Noise) -> Tensor | None:
    """The class or component of each z, int64 [N]; None where there are none."""
    if isinstance(noise, Code):
        return noise.class_of(z) if noise.classes else None
    return z[:, noise.normal :].argmax(1) if isinstance(noise, Mixture) else None


def _num_normal(noise: Noise) -> int:
    return noise.normal if isinstance(noise, Code | Mixture) else noise.num


def _directions(at: int, vectors: Tensor, variances: Tensor) -> Directions:
    """The first ones, each turned so that its largest entry is positive."""
    vectors = vectors[: min(MOST, int((variances > SMALLEST * variances.sum()).sum()))]
    signs = vectors.gather(1, vectors.abs().argmax(1, keepdim=True)).sign()
    shares = (variances[: len(vectors)] / variances.sum()).tolist()
    return Directions(at, (vectors * signs).float(), tuple(round(share, 4) for share in shares))
