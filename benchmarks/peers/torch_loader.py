"""The PyTorch tutorial's own loop: a DataLoader that turns image after image into a tensor, as torchvision does it.

The same as in Sparring: networks, initial values, moves and their z, number of updates. As the tutorial wrote it: D ends in a
sigmoid and the losses are logarithms of it; D's move sends its gradient through G as well, where nobody reads it; no worker
processes. torchvision itself is not needed: its transforms `ToTensor` and `Normalize` are written out below, with the tensor
operations that they make. Not the same: Adam's epsilon stands beside the corrected root, as PyTorch has it. Denormal
numbers are flushed to zero, which the tutorial does not do.
"""

from collections.abc import Iterator

import numpy as np
import torch
from common import NUMBERS, Losses, Numbers, arguments, serve
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch_players import players, share_the_clock, updates


def to_tensor(picture: Image.Image) -> Tensor:
    """As torchvision's ToTensor: a grey picture as float32 [1, 28, 28] from 0 to 1."""
    pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    pixels = pixels.view(picture.size[1], picture.size[0], 1).permute((2, 0, 1)).contiguous()
    return pixels.to(torch.get_default_dtype()).div(255)


def normalize(image: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """As torchvision's Normalize: (image - mean) / std, channel by channel."""
    image = image.clone()
    means = torch.as_tensor(mean, dtype=image.dtype, device=image.device)
    stds = torch.as_tensor(std, dtype=image.dtype, device=image.device)
    if (stds == 0).any():
        raise ValueError(f"std is {std}")
    return image.sub_(means.view(-1, 1, 1)).div_(stds.view(-1, 1, 1))


class Pictures(Dataset[tuple[Tensor, int]]):
    """As torchvision's MNIST: an item is a picture, transformed, and its class (here always 0)."""

    def __init__(self, numbers: Numbers, file: str):
        self.data = torch.from_numpy(np.load(file)[numbers.held_back :])
        self.centred = numbers.lowest == -1

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = to_tensor(Image.fromarray(self.data[index].numpy()))
        return normalize(image, (0.5,), (0.5,)) if self.centred else image, 0


def endless(loader: DataLoader[tuple[Tensor, int]]) -> Iterator[Tensor]:
    while True:
        for images, _ in loader:
            yield images.view(-1, 784)


class Loop:
    """The tutorial's run_epoch, a round at a time."""

    def __init__(self, recipe: str, real: Iterator[Tensor]):
        self.recipe, self.numbers, self.real = recipe, NUMBERS[recipe], real
        self.g, d = players(recipe)
        self.d = nn.Sequential(d, nn.Sigmoid())
        self.g_adam = torch.optim.Adam(self.g.parameters(), self.numbers.lr)
        self.d_adam = torch.optim.Adam(self.d.parameters(), self.numbers.lr)

    def z(self) -> Tensor:
        return torch.randn(self.numbers.batch, self.numbers.num_z)

    def play(self) -> tuple[Tensor, Tensor]:
        real = next(self.real)
        if self.recipe == "vanilla":
            z = self.z()
            share_the_clock(self.g_adam, self.d_adam, self.numbers.lr)
            return self.move_g(z), self.move_d(real, z)
        d_loss = self.move_d(real, self.z())
        return self.move_g(self.z()), d_loss

    def move_d(self, real: Tensor, z: Tensor) -> Tensor:
        self.d_adam.zero_grad()
        p_real = self.d(real)
        p_fake = self.d(self.g(z))
        d_loss = (-torch.log(p_real) - torch.log(1 - p_fake)).mean()
        d_loss.backward()
        self.d_adam.step()
        return d_loss

    def move_g(self, z: Tensor) -> Tensor:
        self.g_adam.zero_grad()
        g_loss = -torch.log(self.d(self.g(z))).mean()
        g_loss.backward()
        self.g_adam.step()
        return g_loss


def main() -> None:
    args = arguments(__doc__)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    numbers = NUMBERS[args.recipe]
    pictures = Pictures(numbers, args.images)
    loop = Loop(args.recipe, endless(DataLoader(pictures, numbers.batch, shuffle=numbers.order == "shuffled")))

    def play(rounds: int) -> Losses:
        g_loss = d_loss = torch.zeros(())
        for _ in range(rounds):
            g_loss, d_loss = loop.play()
        return g_loss.item(), d_loss.item()

    parameters = sum(p.numel() for network in (loop.g, loop.d) for p in network.parameters())
    serve(play, parameters, lambda: updates(loop.g_adam) + updates(loop.d_adam))


if __name__ == "__main__":
    main()
