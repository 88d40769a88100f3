"""Properties of networks that allow a round with less work."""

from torch import nn

from sparring.networks.layers.activations import Affine
from sparring.networks.layers.channels_last import DenseConvTranspose2d, DenseFlatten
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.fold import FoldConv2d, FoldConvTranspose2d
from sparring.networks.layers.frequencies import FrequencyConv2d
from sparring.networks.layers.head import UncastLinear
from sparring.networks.layers.maps import Basis, Resample
from sparring.networks.layers.perceptron import Perceptron, is_hooked
from sparring.networks.layers.phases import PhaseConv2d
from sparring.networks.layers.reconstruction import Reconstructing
from sparring.networks.layers.residual import Residual, SumPool
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d
from sparring.networks.layers.turned import TurnedConv2d, TurnedConvTranspose2d

_DRAWING = {Dropout, nn.Dropout, nn.Dropout2d}
_PER_SAMPLE = {nn.Sequential, Perceptron, nn.Linear, nn.Conv2d, nn.ConvTranspose2d, SameConv2d, SameConvTranspose2d}
_PER_SAMPLE |= {UncastLinear, nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, Affine, nn.Identity, nn.Flatten, nn.Unflatten}
_PER_SAMPLE |= {DenseFlatten, DenseConvTranspose2d, FoldConv2d, FoldConvTranspose2d, PhaseConv2d}
_PER_SAMPLE |= {FrequencyConv2d, TurnedConv2d, TurnedConvTranspose2d}
_PER_SAMPLE |= {nn.MaxPool2d, nn.AvgPool2d, nn.Upsample, Residual, SumPool, Basis, Resample}
_PER_SAMPLE |= {nn.ModuleList, nn.GLU, Reconstructing}


def is_per_sample(network: nn.Module) -> bool:
    """True if each output depends on one input alone, also in training mode; False if that is not certain."""
    return _is_built_of(network, _PER_SAMPLE | _DRAWING)


def is_function(network: nn.Module) -> bool:
    """True if each output is a function of one input alone, also in training mode: no layer draws, whatever its rate, or keeps
    state."""
    return _is_built_of(network, _PER_SAMPLE)


def is_deterministic(network: nn.Module) -> bool:
    """True if each output is a function of one input alone as the layers stand, with all rates of dropout at 0."""
    drops = any(isinstance(layer, Dropout) and layer.threshold > 0 for layer in network.modules())
    return not drops and _is_built_of(network, _PER_SAMPLE | {Dropout})


def unsplittable(network: nn.Module) -> nn.Module | None:
    """The first module that may not give the rows of a batch in parts what it gives them in the whole batch; None without."""
    return _stranger(network, _PER_SAMPLE | {Dropout})


def _is_built_of(network: nn.Module, known: set[type[nn.Module]]) -> bool:
    return _stranger(network, known) is None


def _stranger(network: nn.Module, known: set[type[nn.Module]]) -> nn.Module | None:
    """The first module of a type that is not known, with hooks, or that changes the axis of the samples."""
    for module in network.modules():
        if type(module) not in known or is_hooked(module) or (isinstance(module, nn.Unflatten) and module.dim == 0):
            return module
    return None
