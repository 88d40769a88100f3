"""Warnings about networks of the user's own whose last layer does not suit a GAN: a sigmoid in D, or a G that cannot reach the
data."""

import math

import torch
from torch import Tensor, nn

from sparring.config.own import Own
from sparring.config.rng import keyed_generator
from sparring.data.sets import Dataset, PointSet
from sparring.recipe import Recipe
from sparring.training.build import build_discriminator, build_generator

Range = tuple[float, float]

NUM = 16  # inputs to try
FACTOR = 1000.0  # how much larger than in training they are: a layer that ends in no bounded function follows them
IMAGES: Range = (-1.0, 1.0)
SLACK = 0.05  # of the data's range that G need not reach

_BOUNDS: dict[type[nn.Module], Range] = {
    **dict.fromkeys((nn.Sigmoid, nn.Hardsigmoid, nn.Softmax), (0.0, 1.0)),
    **dict.fromkeys((nn.Tanh, nn.Softsign), (-1.0, 1.0)),
    **dict.fromkeys((nn.ReLU, nn.Softplus), (0.0, math.inf)),
}
_SHAPING = (nn.Flatten, nn.Unflatten, nn.Identity)


def output_warnings(recipe: Recipe, data: Dataset) -> list[str]:
    """A sentence for each network of the user's own whose outputs do not fit the loss or the data."""
    found = []
    if _is_users(recipe.discriminator) and not isinstance(recipe.loss, Own):  # a loss of the user's may take probabilities
        found.append(_about_discriminator(recipe, data.shape))
    if _is_users(recipe.generator):
        found.append(_about_generator(recipe, data))
    return [sentence for sentence in found if sentence]


def _is_users(part: object) -> bool:
    return isinstance(part, Own) or type(part).__module__.partition(".")[0] != "sparring"


def _about_discriminator(recipe: Recipe, shape: tuple[int, ...]) -> str | None:
    network = build_discriminator(recipe, shape, seed=0)
    packed = (shape[0] * recipe.packing, *shape[1:])
    x = FACTOR * torch.randn(NUM, *packed, generator=torch.Generator().manual_seed(0))
    outputs = _outputs(network, x)
    if outputs is None:
        return None
    logits = outputs.view(NUM, -1)[:, 0]
    if not (_lie_in((0.0, 1.0), logits) and (_bounds_of_last(network) == (0.0, 1.0) or _vary(logits))):
        return None
    name = _name(recipe.discriminator)
    return (
        f"the discriminator {name} ends in a sigmoid, for its outputs stay in [0, 1] however large its inputs are, and the "
        "loss takes logits: it will train badly; leave the sigmoid out"
    )


def _about_generator(recipe: Recipe, data: Dataset) -> str | None:
    network = build_generator(recipe, data.shape, seed=0)
    z = recipe.z.sample(NUM, keyed_generator("cpu", 0, "output range"))
    outputs = _outputs(network, torch.cat([z, FACTOR * z]))
    if outputs is None:
        return None
    reach, wanted = _reach(network, outputs), _range_of(data)
    slack = SLACK * (wanted[1] - wanted[0])
    if reach[0] <= wanted[0] + slack and reach[1] >= wanted[1] - slack:
        return None
    limits = " and ".join(
        f"{side} {limit:g}" for side, limit in zip(("above", "below"), reach, strict=True) if abs(limit) < math.inf
    )
    advice = "a linear layer" if isinstance(data, PointSet) else "nn.Tanh()"
    return (
        f"the generator {_name(recipe.generator)} makes only values {limits}, and the data reach from {wanted[0]:.3g} to "
        f"{wanted[1]:.3g}: it cannot make them all; end it with {advice}"
    )


def _reach(network: nn.Module, outputs: Tensor) -> Range:
    """The values that a generator can make, as far as its last layer and its outputs say."""
    known = _bounds_of_last(network)
    if known and _lie_in(known, outputs):
        return known
    if _vary(outputs) and outputs.min() >= 0:
        return 0.0, math.inf
    saturated = 0.999 < outputs.abs().max() <= 1
    return (-1.0, 1.0) if saturated else (-math.inf, math.inf)


def _bounds_of_last(network: nn.Module) -> Range | None:
    """The range of the function that is a network's last module, as they are listed; None for any other module."""
    last = [layer for layer in network.modules() if not list(layer.children()) and not isinstance(layer, _SHAPING)][-1:]
    for layer in last:
        if isinstance(layer, nn.Hardtanh):
            return layer.min_val, layer.max_val
        return _BOUNDS.get(type(layer))
    return None


def _outputs(network: nn.Module, inputs: Tensor) -> Tensor | None:
    """A network's outputs in inference mode; None where it does not take such inputs, or gives no tensor."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            found = network.eval()(inputs)
    except Exception:  # of the user's code, which may look at its inputs; in training such an error comes out
        return None
    return found if isinstance(found, Tensor) else None


def _range_of(data: Dataset) -> Range:
    return (data.points.min().item(), data.points.max().item()) if isinstance(data, PointSet) else IMAGES


def _lie_in(bounds: Range, values: Tensor) -> bool:
    return bool(((values >= bounds[0]) & (values <= bounds[1])).all())


def _vary(values: Tensor) -> bool:
    return bool(values.max() > values.min())


def _name(part: object) -> str:
    return getattr(part, "module", type(part).__name__)
