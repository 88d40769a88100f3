"""Spectral normalisation (Miyato et al. 2018, https://arxiv.org/abs/1802.05957)."""

from dataclasses import dataclass
from typing import Annotated

from torch import nn
from torch.nn.utils import parametrizations, parametrize

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import InputError

_NORMALISED = nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding


@register("constraint")
@dataclass(frozen=True)
class SpectralNorm(Ranged, prefix="constraint."):
    """Every linear, convolution and embedding layer works with W / sigma(W), sigma its largest singular value (equation 8).

    sigma comes from the power method (algorithm 1), `power_iterations` for each pass in training mode. A kernel counts as the
    matrix of its output channels by all the rest. PyTorch's parametrisation: weights go by `parametrizations.weight.original`.
    """

    power_iterations: Annotated[int, Range(1, 100)] = 1

    def install(self, network: nn.Module) -> None:
        """Parametrise the layers; the vectors of the power method are drawn and get 15 iterations.

        Raises InputError for a layer that starts at zero, and for one that is parametrised already.
        """
        layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, _NORMALISED)]
        for name, layer in layers:
            if parametrize.is_parametrized(layer):
                raise InputError(f"spectral-norm: {name or 'the layer'} has a parametrised weight already; install it once")
            if not layer.weight.is_meta and not layer.weight.any():
                raise InputError(f"spectral-norm: {name or 'the layer'} starts at zero, and cannot be divided by its norm")
        for _, layer in layers:
            parametrizations.spectral_norm(layer, n_power_iterations=self.power_iterations)

    def enforce(self, network: nn.Module) -> None:
        """Nothing to do: the weights are normalised whenever they are used."""
