"""A network and what moves it."""

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
"""What becomes of images before D sees them; never the very tensor, since a network may begin in place."""


class ForwardPass(Protocol):
    """One way of a batch through a network."""

    outputs: Tensor

    def vjp(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        """The vector-Jacobian product: from the gradient by the outputs, whose memory it may take, those by every weight, then
        that by the inputs. `again`: this is not the last time."""
        ...


class _AutogradPass:
    """A pass that PyTorch differentiates."""

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
    """A network and what moves it."""

    network: nn.Module
    optimizer: AdamOptimizer
    gradients: Sequence[Tensor] = ()  # of the last move

    def __post_init__(self) -> None:
        network = self.network
        written_out = isinstance(network, Perceptron) and network.written_out  # asked once: it takes a while
        self._perceptron = cast(Perceptron, network) if written_out else None

    def forward(
        self, x: Tensor, *, weights: bool = True, inputs: bool = False, preprocess: Preprocess | None = None
    ) -> ForwardPass:
        """A batch through the network; its gradients by the weights or by the inputs can be asked for later."""
        if self._perceptron and preprocess is None and not is_hooked(self._perceptron):
            return perceptron.PerceptronPass(self._perceptron, x)
        with nullcontext() if weights else self._held_still():
            return _AutogradPass(self.network, self.optimizer.parameters, x, inputs, preprocess or torch.clone)

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move every weight against its gradient."""
        self.gradients = gradients
        self.optimizer.step(gradients)

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of the last move's gradient over all weights."""
        return torch.stack([gradient.norm() for gradient in self.gradients]).norm()

    @contextmanager
    def _held_still(self) -> Iterator[None]:
        """Within the block nothing is kept for gradients by the weights."""
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
    """The network in inference mode (running statistics, no dropout) for the block; otherwise a match is in training mode."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
