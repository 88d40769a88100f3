"""What a file says of the generator in it, so that it can be used without Sparring."""

from typing import Any

import sparring
from sparring.config import codec
from sparring.exporters.trained import Trained
from sparring.networks.latents import Code, Mixture, Noise, Normal, Uniform

UINT8 = "round half to even of (clip(x, -1, 1) + 1) * 127.5"


def describe(trained: Trained) -> dict[str, Any]:
    """JSON values by name: z with its layout, the samples' shape and range, the rule of uint8, classes, origin, scores.

    `range` is that of the data; `least` and `greatest` are the extremes of 256 samples, which some networks do not bound.
    """
    generator = trained.generator
    samples = generator.draw(generator.z_in_blocks(256, seed=0))
    seen = {"least": samples.min().item(), "greatest": samples.max().item()}
    images = {"range": [-1, 1], "uint8": UINT8} if len(generator.shape) == 3 else {}
    return {
        **trained.facts,
        "name": trained.name,
        "z": {"shape": ["batch", generator.noise.num], "columns": layout(generator.noise)},
        "samples": {"shape": ["batch", *generator.shape], **images, **seen},
        "exported_by": f"sparring {sparring.__version__}",
    }


def layout(noise: Noise) -> list[dict[str, Any]]:
    """The columns of z in order: each group with its first column, the one after its last, and the distribution."""
    groups, start = [], 0
    for num, distribution in _groups(noise):
        if num:
            groups.append({"from": start, "to": start + num, "distribution": distribution})
        start += num
    return groups


def _groups(noise: Noise) -> list[tuple[int, str]]:
    match noise:
        case Normal(num):
            return [(num, "normal, mean 0, deviation 1")]
        case Uniform(num):
            return [(num, "uniform on [-1, 1]")]
        case Mixture(normal, components, std):
            return [(normal, f"normal, mean 0, deviation {std:g}"), (components, "one-hot, drawn evenly")]
        case Code(normal, classes, continuous):
            one_hot = (classes, "one-hot class"), (continuous, "uniform on [-1, 1]")
            return [(normal, "normal, mean 0, deviation 1"), *one_hot]
    return [(noise.num, f"as {codec.encode(noise)}")]
