"""A picture of what a data set hands to a training: `sparring data show`."""

import torch
from PIL import Image
from torch import Tensor

from sparring.config.rng import keyed_generator
from sparring.data import Data
from sparring.data.sets import Dataset, Progress
from sparring.errors import InputError
from sparring.visual import encode_png, grid, headed_grid
from sparring.visual.grid import tile_scale

COLUMNS = 8
MOST_ROWS = 20  # of classes


def real_grid(data: Data, num: int = 64, progress: Progress | None = None) -> bytes:
    """Training images as they are trained on, as a PNG: a row of 8 for each class, or `num` of them where there are no classes.

    Of more than 20 classes, and where a class has fewer than 8 images, it is `num` of all. The same data give the same picture.
    Raises InputError for points, and for images that have neither 1, 3 nor 4 channels.
    """
    train = data.train(progress)
    if len(train.shape) != 3 or train.shape[0] not in (1, 3, 4):
        raise InputError(f"only pictures can be shown; these examples are {' x '.join(map(str, train.shape))} numbers each")
    order = torch.randperm(len(train), generator=keyed_generator("cpu", 0, "shown"))
    return encode_png(_by_class(train, order) or _of_all(train, order[:num]))


def _of_all(train: Dataset, chosen: Tensor) -> Image.Image:
    return grid(train.batch(chosen), COLUMNS, scale=tile_scale(train.shape[-1]))


def _by_class(train: Dataset, order: Tensor) -> Image.Image | None:
    """A headed row for each class; None where there is no full row of each, or too many."""
    if train.labels is None or not 1 < len(train.classes) <= MOST_ROWS:
        return None
    labels = train.labels[order]
    rows = [order[labels == label][:COLUMNS] for label in range(len(train.classes))]
    if min(map(len, rows)) < COLUMNS:
        return None
    return headed_grid(train.batch(torch.cat(rows)), rows=train.classes)
