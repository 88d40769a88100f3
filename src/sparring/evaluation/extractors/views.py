"""Views of a picture that show the same, and spoilt ones that do not: what an extractor learns to tell without labels."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

ROTATION, SCALING, SHIFT, JITTER = math.radians(12), 0.15, 0.15, 0.1  # uniform in both directions; the shift of half a side


def moved(images: Tensor, rng: Generator) -> Tensor:
    """Each picture a little rotated, scaled and shifted, and its colours a little changed; [B, C, H, W] in [-1, 1].

    Beyond an edge its outermost pixels go on.
    """
    num = len(images)
    angle, scale, shift = _spread(num, 1, ROTATION, rng), 1 + _spread(num, 2, SCALING, rng), _spread(num, 2, SHIFT, rng)
    cos, sin = angle.cos(), angle.sin()
    rows = (
        torch.cat([scale[:, :1] * cos, -sin, shift[:, :1]], 1),
        torch.cat([sin, scale[:, 1:] * cos, shift[:, 1:]], 1),
    )
    places = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    found = grid_sample(images, places, padding_mode="border", align_corners=False)
    gain, offset = 1 + _spread(num, images.shape[1], JITTER, rng), _spread(num, 1, JITTER, rng)
    return (found * gain[:, :, None, None] + offset[:, :, None, None]).clamp(-1, 1)


def spoilt(images: Tensor, rng: Generator, share: float) -> tuple[Tensor, Tensor]:
    """About a `share` of the pictures spoilt, each in one way, and the ways, int64 [B], 0 for a picture left as it is."""
    num = len(images)
    ways = torch.randint(1, len(SPOILERS) + 1, (num,), generator=rng) * (torch.rand(num, generator=rng) < share)
    found = images.clone()
    for way, spoil in enumerate(SPOILERS, start=1):
        chosen = (ways == way).nonzero()[:, 0]
        if len(chosen):
            found[chosen] = spoil(images[chosen], images, rng).clamp(-1, 1)
    return found, ways


def blurred(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """Blurred by a Gaussian of 2 to 12 % of the side."""
    return low_pass(images, images.shape[3] * (0.02 + 0.1 * torch.rand(len(images), 1, generator=rng) ** 2)[:, 0])


def coarse(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """Shrunk to between a sixth and two thirds of the size, and enlarged again."""
    size = max(4, int(images.shape[3] * (0.16 + 0.5 * _one(rng))))
    mode = "nearest" if _one(rng) < 0.3 else "bilinear"
    small = interpolate(images, (size, size), mode="bilinear", antialias=True)
    return interpolate(small, list(images.shape[2:]), mode=mode)


def noisy(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """With Gaussian noise, each pixel by itself."""
    strength = 0.04 + 0.6 * torch.rand(len(images), 1, 1, 1, generator=rng) ** 2
    return images + strength * torch.randn(images.shape, generator=rng)


def stained(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """With smooth random colours laid over it, as of a young generator."""
    side = 3 + int(4 * _one(rng))
    stains = torch.randn(len(images), images.shape[1], side, side, generator=rng)
    strength = 0.15 + 0.6 * torch.rand(len(images), 1, 1, 1, generator=rng)
    return images + strength * interpolate(stains, list(images.shape[2:]), mode="bicubic")


def latticed(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """With a lattice of two pixels, as transposed convolutions leave."""
    strength = 0.05 + 0.4 * torch.rand(len(images), 1, 1, 1, generator=rng) ** 2
    tile = torch.randn(len(images), images.shape[1], 2, 2, generator=rng)
    repeats = (1, 1, -(-images.shape[2] // 2), -(-images.shape[3] // 2))
    return images + strength * tile.repeat(repeats)[:, :, : images.shape[2], : images.shape[3]]


def blended(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """Blended with another picture."""
    weight = 0.25 + 0.25 * torch.rand(len(images), 1, 1, 1, generator=rng)
    return images + weight * (_drawn(others, len(images), rng) - images)


def patched(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """With one to three squares from another picture, or from elsewhere in it."""
    found, size = images.clone(), images.shape[3]
    source = _drawn(others, len(images), rng) if _one(rng) < 0.5 else images.flip(0 if len(images) > 1 else 3)
    for _ in range(1 + int(3 * _one(rng))):
        side = int(size * (0.2 + 0.25 * _one(rng)))
        y, x, v, u = (int((size - side) * _one(rng)) for _ in range(4))
        found[:, :, y : y + side, x : x + side] = source[:, :, v : v + side, u : u + side]
    return found


def bent(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """Bent by a smooth random field."""
    side = 4 + int(5 * _one(rng))
    field = torch.randn(len(images), 2, side, side, generator=rng) * (0.08 + 0.15 * _one(rng))
    field = interpolate(field, list(images.shape[2:]), mode="bicubic").permute(0, 2, 3, 1)
    straight = torch.eye(2, 3).expand(len(images), -1, -1)
    places = affine_grid(straight, list(images.shape), align_corners=False) + field
    return grid_sample(images, places, padding_mode="border", align_corners=False)


def flattened(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """Nearer to its mean colour, or in few levels of it."""
    if _one(rng) < 0.5:
        mean = images.mean((2, 3), keepdim=True)
        return mean + (0.3 + 0.4 * _one(rng)) * (images - mean)
    levels = 1 + int(3 * _one(rng))
    return (images * levels).round() / levels


def eroded(images: Tensor, others: Tensor, rng: Generator) -> Tensor:
    """Eaten away in patches: smooth random places get the mean colour."""
    side = 5 + int(6 * _one(rng))
    mask = interpolate(torch.randn(len(images), 1, side, side, generator=rng), list(images.shape[2:]), mode="bicubic")
    eaten = mask > 0.5 + 0.6 * _one(rng)
    return torch.where(eaten, images.mean((2, 3), keepdim=True), images)


SPOILERS: tuple[Callable[[Tensor, Tensor, Generator], Tensor], ...] = (
    blurred, coarse, noisy, stained, latticed, blended, patched, bent, flattened, eroded,
)  # fmt: skip
"""Ways to spoil pictures [B, C, H, W] with the help of others; all keep the shape."""


def low_pass(images: Tensor, deviations: Tensor) -> Tensor:
    """Square images [B, C, H, H], each blurred by a Gaussian of its own deviation in pixels, [B]; edges go on."""
    distance = torch.arange(images.shape[3]) - images.shape[3] // 2
    kernel = torch.exp(-(distance**2) / (2 * deviations[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(images.shape[1], 0)
    return _convolved(_convolved(images, kernel, 3), kernel, 2)


def _convolved(images: Tensor, kernels: Tensor, axis: int) -> Tensor:
    """Every channel of every picture with its own kernel, [B * C, K], along an axis; edges go on."""
    num, channels, height, width = images.shape
    lines = images.transpose(axis, 3).reshape(num * channels, -1, images.shape[axis])
    half = kernels.shape[1] // 2
    padded = torch.nn.functional.pad(lines, (half, kernels.shape[1] - 1 - half), mode="replicate")
    spectrum = torch.fft.rfft(padded, 2 * padded.shape[2]) * torch.fft.rfft(kernels, 2 * padded.shape[2])[:, None]
    full = torch.fft.irfft(spectrum, 2 * padded.shape[2])[:, :, kernels.shape[1] - 1 : padded.shape[2]]
    shape = (num, channels, width, height) if axis == 2 else (num, channels, height, width)
    return full.reshape(shape).transpose(axis, 3)


def _drawn(others: Tensor, num: int, rng: Generator) -> Tensor:
    return others[torch.randint(len(others), (num,), generator=rng)]


def _spread(num: int, columns: int, most: float, rng: Generator) -> Tensor:
    """Uniform in both directions, [num, columns]."""
    return most * (2 * torch.rand(num, columns, generator=rng) - 1)


def _one(rng: Generator) -> float:
    return torch.rand((), generator=rng).item()
