"""The interface of constraints on D's weights."""

from typing import Protocol

from torch import nn


class Constraint(Protocol):
    """A set of weights that D is held to; its initial values are drawn before."""

    def install(self, network: nn.Module) -> None:
        """Once, before the first round. What is random is drawn from PyTorch's default generator."""
        ...

    def enforce(self, network: nn.Module) -> None:
        """After every step of D."""
        ...
