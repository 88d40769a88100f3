"""A network with its optimiser."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.optim.adam import AdamOptimizer


@dataclass
class Player:
    """A network with its optimiser."""

    network: nn.Module
    optimizer: AdamOptimizer
    gradients: Sequence[Tensor] = ()  # of the last step

    def gradients_of(self, loss: Tensor, again: bool = False) -> tuple[Tensor, ...]:
        """The gradients of a scalar by every weight. `again`: the loss's graph is kept for another call."""
        return torch.autograd.grad(loss, self.optimizer.parameters, retain_graph=again)

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of the last step's gradient over all weights."""
        return torch.stack([gradient.norm() for gradient in self.gradients]).norm()


@contextmanager
def inference(network: nn.Module) -> Iterator[None]:
    """Within the block the network is in inference mode (running statistics, no dropout); afterwards as before."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


def logit_grads(value: Callable[..., Tensor], *logits: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The value of a scalar function of logits, and its gradients by them."""
    leaves = [side.detach().requires_grad_() for side in logits]
    with torch.enable_grad():
        result = value(*leaves)
    return result.detach(), torch.autograd.grad(result, leaves)
