"""A network with its optimiser."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sparring.optim.adam import AdamOptimizer


@dataclass
class Player:
    """A network with its optimiser. `bf16`: its convolutions and matrix products are computed in bfloat16."""

    network: nn.Module
    optimizer: AdamOptimizer
    gradients: Sequence[Tensor] = ()  # of the last step
    bf16: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        """The network's outputs, in bf16 as float32."""
        if not self.bf16:
            return self.network(x)
        with _reparametrised(self.network), torch.autocast(x.device.type, torch.bfloat16, cache_enabled=False):
            return self.network(x).float()

    @property
    def trained_names(self) -> list[str]:
        """The names of the weights that move, in the order of the optimiser's `parameters`; frozen ones are not among them."""
        return [name for name, parameter in self.network.named_parameters() if parameter.requires_grad]

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """Within the block nothing is computed in bfloat16."""
        before, self.bf16 = self.bf16, False
        try:
            yield
        finally:
            self.bf16 = before

    def gradients_of(self, loss: Tensor, again: bool = False) -> tuple[Tensor, ...]:
        """The gradients of a scalar by every weight. `again`: the loss's graph is kept for another call."""
        return torch.autograd.grad(loss, self.optimizer.parameters, retain_graph=again)

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of the last step's gradient over all weights."""
        return torch.stack([gradient.norm() for gradient in self.gradients]).norm()


@contextmanager
def _reparametrised(network: nn.Module) -> Iterator[None]:
    """Within the block weights such as those under spectral norm are given; they are computed before it, in their own type."""
    with parametrize.cached():
        for layer in network.modules():
            if parametrize.is_parametrized(layer):
                for name in layer.parametrizations:  # pyright: ignore[reportGeneralTypeIssues, reportOptionalIterable]
                    getattr(layer, name)
        yield


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
