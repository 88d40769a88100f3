"""A network with its optimiser, and its forward passes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from sparring.networks.layers import perceptron
from sparring.networks.layers.perceptron import Perceptron, is_hooked
from sparring.optim.adam import AdamOptimizer

Preprocess = Callable[[Tensor], Tensor]
"""The change of images before D: always a new tensor, since a network may begin with an in-place operation."""


class ForwardPass(Protocol):
    """A batch's forward pass through a network."""

    outputs: Tensor

    def vjp(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        """The vector-Jacobian products of dy, the gradient by the outputs: those by every weight, then that by the inputs.

        It may take dy's memory. `again`: the pass is kept for another call.
        """
        ...


class _AutogradPass:
    """A forward pass that autograd differentiates."""

    def __init__(
        self, network: nn.Module, parameters: list[Tensor], x: Tensor, inputs: bool, preprocess: Preprocess = torch.clone
    ):
        self._inputs, self._parameters = x.detach().requires_grad_(inputs), parameters
        with torch.enable_grad():
            self._graph = network(preprocess(self._inputs))
        self.outputs = self._graph.detach()

    def vjp(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        wanted = self._parameters * weights + [self._inputs] * inputs
        return torch.autograd.grad(self._graph, wanted, dy, retain_graph=again)


@dataclass
class Player:
    """A network with its optimiser."""

    network: nn.Module
    optimizer: AdamOptimizer
    gradients: Sequence[Tensor] = ()  # of the last step

    def __post_init__(self) -> None:
        network = self.network
        written_out = isinstance(network, Perceptron) and network.has_manual_backward  # asked once: it takes a while
        self._perceptron = cast(Perceptron, network) if written_out else None

    def forward(
        self, x: Tensor, *, weights: bool = True, inputs: bool = False, preprocess: Preprocess | None = None
    ) -> ForwardPass:
        """A forward pass whose gradients by the weights or by the inputs can be asked for later."""
        if self._perceptron and preprocess is None and not is_hooked(self._perceptron):
            return perceptron.PerceptronPass(self._perceptron, x)
        with nullcontext() if weights else self._frozen():
            return _AutogradPass(self.network, self.optimizer.parameters, x, inputs, preprocess or torch.clone)

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of the last step's gradient over all weights."""
        return torch.stack([gradient.norm() for gradient in self.gradients]).norm()

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        """Within the block no graph is recorded for gradients by the weights."""
        moving = [parameter for parameter in self.optimizer.parameters if parameter.requires_grad]
        for parameter in moving:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in moving:
                parameter.requires_grad_(True)


@contextmanager
def inference(network: nn.Module) -> Iterator[None]:
    """Within the block the network is in inference mode (running statistics, no dropout); afterwards as before."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
