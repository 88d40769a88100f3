"""Memorisation: the excess of generated images that lie nearer to the training images than to held-out ones."""

import torch
from torch import Tensor

from sparring.metrics.samples import check_same_width, check_samples, widened

CHUNK = 2048


def memorisation(fake: Tensor, train: Tensor, held_out: Tensor, chunk: int = CHUNK) -> float:
    """(s - p) / (1 - p) for the share s of fakes whose nearest real image is a training image.

    fake [N, P], train [T, P] and held_out [H, P]: pixels on one scale, bytes or floats; distances are Euclidean. p =
    T / (T + H) is the expected share for a sampler of the real distribution. The score is 0 if fakes are no nearer to the
    training images than to the others, 1 if the nearest is always a training image, and negative, down to -T / H, if fakes
    are nearer to the others. Ties count half.
    Raises InputError if a set is empty, holds values that are not finite, or has another number of pixels.
    """
    for images, name in ((fake, "fake images"), (train, "training images"), (held_out, "held-out images")):
        check_samples(images, name)
        check_same_width(fake, "fake images", images, name)
    wins = 0.0
    for part in widened(fake, chunk):
        to_train, to_held_out = _nearest(part, train, chunk), _nearest(part, held_out, chunk)
        wins += ((to_train < to_held_out).sum() + (to_train == to_held_out).sum() / 2).item()
    expected = len(train) / (len(train) + len(held_out))
    return (wins / len(fake) - expected) / (1 - expected)


def _nearest(fake: Tensor, real: Tensor, chunk: int) -> Tensor:
    """The squared distance of each fake, float64 [n, P], to the nearest of the real images [R, P], as [n].

    The nearest is found by |b|^2 - 2 a.b, and its distance then computed from the difference, so that an exact copy has
    distance 0 and equal images have equal distances despite rounding.
    """
    best = fake.new_full((len(fake),), torch.inf)
    index = torch.zeros(len(fake), dtype=torch.int64, device=fake.device)
    for i, part in enumerate(widened(real, chunk)):
        values, where = torch.addmm(part.square().sum(dim=1), fake, part.T, alpha=-2).min(dim=1)
        index = torch.where(values < best, where + i * chunk, index)
        best = torch.minimum(best, values)
    return (fake - real[index]).square().sum(dim=1)
