"""Two ways of a batch, added up."""

from torch import Tensor, nn


class Residual(nn.Module):
    """x -> shortcut(x) + branch(x); the branch must not begin in place."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.branch(x)


class SumPool(nn.Module):
    """[B, C, H, W] -> [B, C], the sum over all places."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))
