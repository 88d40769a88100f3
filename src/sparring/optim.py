"""Adam (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980) as PyTorch, TensorFlow and Keras each define it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sparring.errors import check


@dataclass(frozen=True)
class Adam:
    """Settings of Adam for both players.

    `epsilon` says where eps stands: "plain" as in algorithm 1, beside the bias-corrected root, PyTorch's form; "hat" beside
    the raw root (the paper's epsilon hat, section 2), the form of TensorFlow and Keras.
    `shared_clock`: one count of steps for both players, as when one TensorFlow 1 AdamOptimizer serves two networks; the bias
    corrections then fade twice as fast.
    """

    lr: float = 2e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    epsilon: Literal["plain", "hat"] = "plain"
    shared_clock: bool = False

    def __post_init__(self):
        check(self.lr > 0, "optim.lr", self.lr, "be above 0")
        check(self.eps >= 0, "optim.eps", self.eps, "be at least 0")
        check(0 <= self.beta1 < 1, "optim.beta1", self.beta1, "lie in [0, 1)")
        check(0 <= self.beta2 < 1, "optim.beta2", self.beta2, "lie in [0, 1)")


@dataclass
class StepClock:
    """How many steps have been taken by everyone who shares the clock."""

    count: int = 0


class AdamOptimizer:
    """One player's optimiser: PyTorch's fused Adam under the settings above."""

    def __init__(self, settings: Adam, parameters: Iterable[nn.Parameter], clock: StepClock):
        self.settings, self.clock = settings, clock
        self.parameters: Sequence[nn.Parameter] = list(parameters)
        self._adam = torch.optim.Adam(self.parameters, settings.lr, (settings.beta1, settings.beta2), settings.eps, fused=True)
        self._counted = 0
        for p in self.parameters:
            self._adam.state[p] = {
                "step": torch.zeros((), device=p.device),
                "exp_avg": torch.zeros_like(p),
                "exp_avg_sq": torch.zeros_like(p),
            }

    def step(self, gradients: Iterable[Tensor]) -> None:
        """Move every parameter against its gradient, in the order of `parameters`."""
        if self._counted != self.clock.count:  # the other player stepped, or a checkpoint was restored
            for p in self.parameters:
                self._adam.state[p]["step"].fill_(self.clock.count)
        for p, gradient in zip(self.parameters, gradients, strict=True):
            p.grad = gradient
        self.clock.count += 1
        self._counted = self.clock.count
        if self.settings.epsilon == "hat":
            # m / (c1 (sqrt(v) / sqrt(c2) + eps / sqrt(c2))) = sqrt(c2) / c1 m / (sqrt(v) + eps), with c_i = 1 - beta_i^t
            self._adam.param_groups[0]["eps"] = self.settings.eps / (1 - self.settings.beta2**self.clock.count) ** 0.5
        self._adam.step()
        self._adam.zero_grad()

    def moments(self) -> dict[str, list[Tensor]]:
        """The running means of gradients and of their squares, in the order of `parameters`: all its memory but the clock."""
        return {name: [self._adam.state[p][name] for p in self.parameters] for name in ("exp_avg", "exp_avg_sq")}
