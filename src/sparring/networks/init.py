"""Initial values of weights and biases, as the frameworks that the recipes come from draw them."""

from dataclasses import dataclass, field
from typing import Annotated

from torch import Generator, Tensor, nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check


class Initial(Ranged, prefix="initial."):
    """Draws the weights and biases of all linear and convolution layers of a network, in the order of its modules.

    Normalisation layers keep scale 1 and shift 0.
    """

    def weight(self, values: Tensor, rng: Generator) -> None:
        raise NotImplementedError

    def bias(self, values: Tensor, rng: Generator) -> None:
        nn.init.zeros_(values)

    def layer(self, layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, rng: Generator) -> None:
        self.weight(layer.weight, rng)
        if layer.bias is not None:
            self.bias(layer.bias, rng)

    def apply(self, network: nn.Module, rng: Generator) -> None:
        for layer in weighted_layers(network):
            self.layer(layer, rng)


def weighted_layers(network: nn.Module) -> list[nn.Linear | nn.Conv2d | nn.ConvTranspose2d]:
    """The layers that have initial values to draw, first to last."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]


@register("initial")
@dataclass(frozen=True)
class Gaussian(Initial):
    """Weights N(0, weight_std^2), biases N(0, bias_std^2); 0 makes them exactly zero."""

    weight_std: Annotated[float, Range(0)] = 0.02
    bias_std: Annotated[float, Range(0)] = 0.0

    def weight(self, values: Tensor, rng: Generator) -> None:
        nn.init.normal_(values, std=self.weight_std, generator=rng)

    def bias(self, values: Tensor, rng: Generator) -> None:
        nn.init.normal_(values, std=self.bias_std, generator=rng)


@register("initial")
@dataclass(frozen=True)
class GlorotUniform(Initial):
    """Keras' default: weights U(-a, a) with a = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16), biases 0."""

    def weight(self, values: Tensor, rng: Generator) -> None:
        nn.init.xavier_uniform_(values, generator=rng)


@register("initial")
@dataclass(frozen=True)
class GlorotNormal(Initial):
    """Weights N(0, 2 / (fan_in + fan_out)), biases U(bias_low, bias_high)."""

    bias_low: Annotated[float, Range()] = 0.0
    bias_high: Annotated[float, Range()] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.bias_low <= self.bias_high, "initial.bias_low", self.bias_low, f"be at most bias_high, {self.bias_high}")

    def weight(self, values: Tensor, rng: Generator) -> None:
        nn.init.xavier_normal_(values, generator=rng)

    def bias(self, values: Tensor, rng: Generator) -> None:
        nn.init.uniform_(values, self.bias_low, self.bias_high, generator=rng)


@register("initial")
@dataclass(frozen=True)
class FirstLayer(Initial):
    """`first` for the layer that sees the data, `rest` for all others."""

    first: Annotated[Initial, "initial"] = field(default_factory=Gaussian)
    rest: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def __post_init__(self) -> None:
        super().__post_init__()
        nested = isinstance(self.first, FirstLayer) or isinstance(self.rest, FirstLayer)
        check(not nested, "initial.first, initial.rest", "first-layer", "be a distribution for single layers")

    def apply(self, network: nn.Module, rng: Generator) -> None:
        for index, layer in enumerate(weighted_layers(network)):
            (self.rest if index else self.first).layer(layer, rng)
