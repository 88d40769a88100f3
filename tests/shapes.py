"""A small labelled data set: bars that lie, bars that stand, and rings, in 16 x 16 grey pixels; learned in a second."""

import struct
from pathlib import Path

import torch
from torch import Generator, Tensor

from sparring.data import IdxFolder
from sparring.data.sets import ImageSet
from sparring.evaluation import extractors
from sparring.evaluation.extractors import ClassifierTraining

CLASSES = ("0", "1", "2")
HOW = ClassifierTraining(epochs=3, batch_size=64, shift=1.0)


def drawn(num: int, seed: int, size: int = 16) -> ImageSet:
    """So many pictures, their classes, places and brightness drawn at random, with a little noise."""
    rng = Generator().manual_seed(seed)
    labels = torch.randint(3, (num,), generator=rng)
    places = 5 + torch.rand(num, 2, 1, 1, generator=rng) * (size - 11)
    y, x = torch.arange(size)[:, None] - places[:, 0], torch.arange(size) - places[:, 1]
    distances = torch.stack([y.abs() + 0 * x, x.abs() + 0 * y, ((y**2 + x**2).sqrt() - 4).abs()], 1)  # [N, 3, H, W]
    shape = (1.5 - distances[torch.arange(num), labels]).clamp(0, 1) * (0.7 + 0.3 * torch.rand(num, 1, 1, generator=rng))
    noisy = shape + 0.05 * torch.rand(num, size, size, generator=rng)
    return ImageSet((noisy * 240).clamp(0, 255).to(torch.uint8)[:, None], labels, CLASSES)


def write_idx(folder: Path, train: ImageSet, test: ImageSet) -> IdxFolder:
    """The four files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, images in (("train", train), ("t10k", test)):
        assert images.labels is not None
        (folder / f"{name}-images-idx3-ubyte").write_bytes(_idx(images.images[:, 0]))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(_idx(images.labels.to(torch.uint8)))
    return IdxFolder(str(folder))


def data(folder: Path, num_train: int = 700, num_test: int = 200) -> IdxFolder:
    """So many shapes in a folder."""
    return write_idx(folder, drawn(num_train, 1), drawn(num_test, 2))


def yardstick(own: IdxFolder, folder: Path | None = None, how: ClassifierTraining = HOW) -> Path:
    """A yardstick trained on them, in this folder or in the cache; its file."""
    return extractors.train(own, "shapes", settings=how, folder=folder)


def _idx(values: Tensor) -> bytes:
    return struct.pack(f">{1 + values.ndim}I", 2048 + values.ndim, *values.shape) + values.numpy().tobytes()
