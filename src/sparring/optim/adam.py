"""Adam (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980) as PyTorch, TensorFlow and Keras each define it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from sparring.config.ranges import Range, Ranged


@dataclass(frozen=True)
class Adam(Ranged, prefix="optim."):
    """Settings of Adam.

    `epsilon` says where eps stands: "plain" as in algorithm 1, beside the bias-corrected root, PyTorch's form; "hat" beside
    the raw root (the paper's epsilon hat, section 2), the form of TensorFlow and Keras.
    """

    lr: Annotated[float, Range(above=0)] = 2e-4
    beta1: Annotated[float, Range(0, below=1)] = 0.9
    beta2: Annotated[float, Range(0, below=1)] = 0.999
    eps: Annotated[float, Range(0)] = 1e-8
    epsilon: Literal["plain", "hat"] = "plain"


@dataclass
class StepClock:
    """The number of steps that all who share the clock have taken."""

    count: int = 0


class AdamOptimizer:
    """One player's optimiser: PyTorch's fused Adam under the settings above.

    It calls PyTorch's kernel, which spares every step the bookkeeping of `torch.optim.Adam`, and every start its imports.
    """

    def __init__(self, settings: Adam, parameters: Iterable[nn.Parameter], clock: StepClock):
        self.settings, self.clock = settings, clock
        self.lr_factor = 1.0  # beside the settings' learning rate
        self.beta2 = settings.beta2  # a ramp may move it
        self.parameters: list[Tensor] = list(parameters)
        self.exp_avg = [torch.zeros_like(p) for p in self.parameters]
        self.exp_avg_sq = [torch.zeros_like(p) for p in self.parameters]
        device = self.parameters[0].device
        self.time = torch.full((), inf, dtype=torch.float32, device=device)  # the number of steps, as the kernel reads it
        self.lr = torch.zeros((), dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
        self.lr_value = 0.0  # of the tensor

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move every parameter against its gradient, in the order of `parameters`; ValueError unless each has one."""
        self.advance()
        self.update(gradients)

    def advance(self) -> None:
        """Count one more step; the first half of `step`, which sets the tensors that the second one reads."""
        self.clock.count += 1
        lr = self.settings.lr * self.lr_factor
        if self.settings.epsilon == "plain":
            self.time.fill_(self.clock.count)
        else:
            # with c_i = 1 - beta_i^t: m / c1 / (sqrt(v / c2) + eps / sqrt(c2)) = sqrt(c2) / c1 m / (sqrt(v) + eps),
            # and at time infinity, where it stays, the kernel takes c1 and c2 for 1
            lr *= (1 - self.beta2**self.clock.count) ** 0.5 / (1 - self.settings.beta1**self.clock.count)
        if lr != self.lr_value:
            self.lr.fill_(lr)
            self.lr_value = lr

    def update(self, gradients: Sequence[Tensor]) -> None:
        """The second half of `step`, operations on tensors alone, with the numbers in `constants` as they are now."""
        update_together([self], [gradients])

    @property
    def constants(self) -> tuple[float, ...]:
        """The numbers of `update` that are no tensors."""
        return self.settings.beta1, self.beta2, self.settings.eps

    def moments(self) -> dict[str, list[Tensor]]:
        """The running means of gradients and of their squares, in the order of `parameters`: all its memory but the clock."""
        return {"exp_avg": self.exp_avg, "exp_avg_sq": self.exp_avg_sq}


@torch.no_grad()
def update_together(optimizers: Sequence[AdamOptimizer], gradients: Sequence[Sequence[Tensor]]) -> None:
    """The updates of optimisers with equal `constants` and `lr_value`, in one call of the kernel for all their parameters."""
    first, parameters = optimizers[0], [parameter for each in optimizers for parameter in each.parameters]
    given = [gradient for some in gradients for gradient in some]
    if len(given) != len(parameters):
        raise ValueError(f"{len(given)} gradients for {len(parameters)} parameters")
    torch.ops.aten._fused_adam_.tensor_lr(
        parameters,
        [_laid_out_as(p, gradient) for p, gradient in zip(parameters, given, strict=True)],
        [moment for each in optimizers for moment in each.exp_avg],
        [moment for each in optimizers for moment in each.exp_avg_sq],
        [],
        [each.time for each in optimizers for _ in each.parameters],
        amsgrad=False,
        beta1=first.settings.beta1,
        beta2=first.beta2,
        lr=first.lr,
        weight_decay=0.0,
        eps=first.settings.eps,
        maximize=False,
    )


def _laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """The gradient in its parameter's memory format, for the fused kernel reads memory in order, whatever the strides."""
    return gradient if gradient.stride() == parameter.stride() else torch.empty_like(parameter).copy_(gradient)
