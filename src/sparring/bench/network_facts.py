"""Facts about a network that decide which products a round needs, read off a few examples."""

import copy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sparring.bench.products import Convolution, Layer, Linear

NUM_EXAMPLES = 4


@dataclass(frozen=True)
class NetworkFacts:
    """Layers of a network in training mode, in the order of their calls, and how its outputs come about.

    `is_random`: the same input gives another output the second time, as with dropout. `differs_in_inference`: inference mode
    gives another output. `mixes_samples`: an output depends on other samples of the batch, as with batch normalisation.
    """

    layers: tuple[Layer, ...]
    is_random: bool
    differs_in_inference: bool
    mixes_samples: bool


def inspect_network(side: str, network: nn.Module, examples: Tensor) -> NetworkFacts:
    """Facts from runs on the CPU over a few examples [B, ...], B at least 3.

    Each run has a copy of the network, so that all of them start from the same buffers: spectral normalisation changes its own
    in every pass.
    """
    layers, outputs = _recorded(side, copy.deepcopy(network), examples)
    others = examples.roll(1, 0)
    others[0] = examples[0]
    with torch.no_grad():
        again = copy.deepcopy(network)(examples)  # the random state has moved on
        among_others = _seeded(copy.deepcopy(network), others)
        inferred = _seeded(copy.deepcopy(network).eval(), examples)
    return NetworkFacts(
        layers=tuple(layers),
        is_random=_differ(outputs, again),
        differs_in_inference=_differ(outputs, inferred),
        mixes_samples=_differ(outputs[:1], among_others[:1]),
    )


def _recorded(side: str, network: nn.Module, examples: Tensor) -> tuple[list[Layer], Tensor]:
    """The calls of layers in a run, in order, and the outputs of the run."""
    calls: list[Layer] = []

    def record(name: str, layer: nn.Module, x: tuple[Tensor, ...], y: Tensor) -> None:
        calls.append(_layer(f"{side}.{name}", layer, x[0], y))

    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(partial(record, name))
    return calls, _seeded(network, examples)


def _seeded(network: nn.Module, x: Tensor) -> Tensor:
    torch.default_generator.manual_seed(0)
    return network(x)


def _layer(name: str, layer: nn.Module, x: Tensor, y: Tensor) -> Layer:
    if isinstance(layer, nn.Linear):
        rows = x.numel() // layer.in_features // len(x)
        return Linear(name, rows, layer.in_features, layer.out_features, x.requires_grad)
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    return Convolution(
        name=name,
        input=tuple(x.shape[1:]),
        output=tuple(y.shape[1:]),
        weights=tuple(layer.weight.shape),
        stride=layer.stride,
        dilation=layer.dilation,
        groups=layer.groups,
        transposed=isinstance(layer, nn.ConvTranspose2d),
        has_weights_before=x.requires_grad,
    )


def _differ(one: Tensor, other: Tensor) -> bool:
    return one.shape != other.shape or bool((one - other).abs().max() > 1e-4 * one.abs().max())
