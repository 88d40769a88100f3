"""The five tutorials' networks in plain PyTorch, with their initial values, and the clock that vanilla's players share."""

import math
from collections.abc import Callable
from itertools import pairwise

from common import NUMBERS
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.optim import Adam


def players(recipe: str) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator, which ends in logits [B, 1]; images are [B, 784] for perceptrons, else [B, 1, 28, 28]."""
    g, d = {"dcgan": dcgan, "upsample": upsample}.get(recipe, lambda: perceptrons(recipe))()
    for network in (g, d):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                _initial(recipe, layer.weight, layer.bias)
    if recipe == "upsample":
        nn.init.normal_(next(d.parameters()), std=0.02)
    return g, d


def _initial(recipe: str, weight: Tensor, bias: Tensor | None) -> None:
    match recipe:
        case "vanilla" | "paper":
            nn.init.normal_(weight, std=0.01)
        case "dropout-mlp":
            nn.init.xavier_normal_(weight)
        case _:
            nn.init.xavier_uniform_(weight)
    if bias is not None:
        match recipe:
            case "vanilla":
                nn.init.normal_(bias, std=0.01)
            case "dropout-mlp":
                nn.init.uniform_(bias, 0.1, 0.2)
            case _:
                nn.init.zeros_(bias)


def perceptrons(recipe: str) -> tuple[nn.Module, nn.Module]:
    numbers = NUMBERS[recipe]
    g_sizes, d_sizes = [numbers.num_z, *numbers.widths, 784], [784, *numbers.widths, 1]
    if recipe == "dropout-mlp":
        return _mlp(g_sizes, nn.ReLU, 0.1, nn.Tanh()), _mlp(d_sizes, nn.LeakyReLU, 0.1)
    return _mlp(g_sizes, nn.ReLU, 0, nn.Sigmoid()), _mlp(d_sizes, nn.ReLU, 0)


def _mlp(sizes: list[int], activation: Callable[[], nn.Module], dropout: float, *last: nn.Module) -> nn.Module:
    layers: list[nn.Module] = []
    for num_in, num_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(num_in, num_out), activation(), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]), *last)


def dcgan() -> tuple[nn.Module, nn.Module]:
    def norm(channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)

    g = nn.Sequential(
        *(nn.Linear(100, 3136, bias=False), nn.BatchNorm1d(3136, eps=1e-3, momentum=0.01), nn.ReLU()),
        *(nn.Unflatten(1, (64, 7, 7)), nn.ConvTranspose2d(64, 64, 5, padding=2, bias=False), norm(64), nn.ReLU()),
        *(nn.ConvTranspose2d(64, 32, 5, 2, padding=1, bias=False), Crop(), norm(32), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 1, 5, 2, padding=1, bias=False), Crop(), nn.Tanh()),
    )
    d = nn.Sequential(
        *(SameConv(1, 64, 5, 2), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(SameConv(64, 128, 5, 2), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Flatten(), nn.Linear(6272, 1)),
    )
    return g, d


class SameConv(nn.Conv2d):
    """TensorFlow's padding for kernel 5 and stride 2: one before, two after."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(pad(input, (1, 2, 1, 2)))


class Crop(nn.Module):
    """What the transposed convolution draws beyond twice the size is left out."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :-1, :-1]


def upsample() -> tuple[nn.Module, nn.Module]:
    g = nn.Sequential(
        *(nn.Linear(100, 512), nn.LeakyReLU(0.2), nn.Linear(512, 6272), nn.LeakyReLU(0.2)),
        *(nn.BatchNorm1d(6272, eps=1e-3, momentum=0.01), nn.Unflatten(1, (128, 7, 7))),
        *(nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 5, padding=2), nn.Tanh()),
        *(nn.Upsample(scale_factor=2), nn.Conv2d(64, 1, 5, padding=2), nn.Tanh()),
    )
    d = nn.Sequential(
        *(nn.Conv2d(1, 256, 5, padding=2), nn.LeakyReLU(0.2), nn.MaxPool2d(2), nn.Dropout(0.3)),
        *(nn.Conv2d(256, 512, 5, padding=2), nn.LeakyReLU(0.2), nn.MaxPool2d(2), nn.Dropout(0.3)),
        *(nn.Flatten(), nn.Linear(25088, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 1)),
    )
    return g, d


def share_the_clock(g_adam: Adam, d_adam: Adam, lr: float) -> None:
    """Vanilla's players share one Adam, whose bias correction counts the steps of both; here a factor on either step size."""
    step = updates(g_adam) + 1  # of either player, in the round to come, in which G moves first
    for adam, shared in ((g_adam, 2 * step - 1), (d_adam, 2 * step)):
        adam.param_groups[0]["lr"] = lr * _correction(shared) / _correction(step)


def _correction(step: int) -> float:
    return math.sqrt(1 - 0.999**step) / (1 - 0.9**step)


def updates(adam: Adam) -> int:
    """Steps made so far."""
    return int(adam.state[adam.param_groups[0]["params"][0]].get("step", 0))
