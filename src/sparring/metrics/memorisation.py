"""Memorisation: the excess of generated images that lie nearer to the training images than to held-out ones."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics.confidence import share_interval
from sparring.metrics.samples import check_same_width, check_samples, widened

CHUNK = 2048
TWO_SIDED = 1.96  # deviations of a normal variable that hold 95 %
FEWEST = 10  # independent outcomes below which there is no interval


@dataclass(frozen=True)
class Memorisation:
    """The score, its 95 % interval, and the number of independent outcomes that it rests on.

    Samples with one nearest real image have one outcome, which was decided when the real images were divided. So their
    effective number is N^2 / sum n_i^2, for n_i samples nearest to real image i (Kish 1965): N if all differ, 1 if all are
    alike. `interval` is None below 10, where nothing can be said.
    """

    score: float
    interval: tuple[float, float] | None
    effective_num: float


def memorisation(fake: Tensor, train: Tensor, held_out: Tensor, chunk: int = CHUNK) -> float:
    """(s - p) / (1 - p) for the share s of fakes whose nearest real image is a training image.

    fake [N, P], train [T, P] and held_out [H, P]: pixels on one scale, bytes or floats; distances are Euclidean. p =
    T / (T + H) is the expected share for a sampler of the real distribution. The score is 0 if fakes are no nearer to the
    training images than to the others, 1 if the nearest is always a training image, and negative, down to -T / H, if fakes
    are nearer to the others. Ties count half.
    Raises InputError if a set is empty, holds values that are not finite, or has another number of pixels.
    """
    return audit(fake, train, held_out, chunk).score


def audit(fake: Tensor, train: Tensor, held_out: Tensor, chunk: int = CHUNK) -> Memorisation:
    """`memorisation` of the same arguments with its interval, which holds 0 for 95 of 100 random divisions of the reals."""
    for images, name in ((fake, "fake images"), (train, "training images"), (held_out, "held-out images")):
        check_samples(images, name)
        check_same_width(fake, "fake images", images, name)
    wins, counts = 0.0, torch.zeros(len(train) + len(held_out), dtype=torch.float64, device=fake.device)
    for part in widened(fake, chunk):
        (to_train, place), (to_held_out, other) = _nearest(part, train, chunk), _nearest(part, held_out, chunk)
        wins += ((to_train < to_held_out).sum() + (to_train == to_held_out).sum() / 2).item()
        nearest = torch.where(to_train <= to_held_out, place, len(train) + other)
        counts += nearest.bincount(minlength=len(counts))
    chance, share = len(train) / (len(train) + len(held_out)), wins / len(fake)
    effective_num = len(fake) ** 2 / counts.square().sum().item()
    low, high = ((bound - chance) / (1 - chance) for bound in share_interval(share, effective_num))
    return Memorisation((share - chance) / (1 - chance), (low, high) if effective_num >= FEWEST else None, effective_num)


def left_out_audit(fake: Tensor, train: Tensor, held_out: Tensor, chunk: int = CHUNK) -> Memorisation:
    """How much nearer fakes lie to the training images than real images to one another: 2 P(d < d') - 1, in [-1, 1].

    d: the distance of a fake to its nearest training image; d': of a real image to its nearest other training image, where
    each training image is left out in its turn, and each held-out image counts as well. Ties count half. The score is 0 for
    a sampler of the real distribution, 1 if every fake is a copy, and negative if fakes are far from all. This is the U of
    Meehan et al. 2020 (https://arxiv.org/abs/2004.05675), rescaled; ours differs in that the training images are compared with
    as well, so that it serves where hardly any image is held out. fake [N, D], train [T, D] and held_out [H, D], H may be 0:
    features or pixels. The interval is DeLong's (1988), by the spread over the fakes and over the real images.
    Raises InputError for fewer than 2 fakes or training images, different D, or a value that is not finite.
    """
    for images, name, fewest in ((fake, "fake images", 2), (train, "training images", 2), (held_out, "held-out images", 0)):
        check_samples(images, name, at_least=fewest)
        check_same_width(fake, "fake images", images, name)
    of_fakes = torch.cat([_nearest(part, train, chunk)[0] for part in widened(fake, chunk)])
    of_held_out = [_nearest(part, train, chunk)[0] for part in widened(held_out, chunk)]
    of_train = [_nearest(part, train, chunk, i * chunk)[0] for i, part in enumerate(widened(train, chunk))]
    of_reals = torch.cat([*of_train, *of_held_out]).sort().values
    nearer = len(of_reals) - torch.searchsorted(of_reals, of_fakes, right=True)
    as_near = len(of_reals) - torch.searchsorted(of_reals, of_fakes) - nearer
    by_fake = (nearer + as_near.double() / 2) / len(of_reals)
    sorted_fakes = of_fakes.sort().values
    below, up_to = (torch.searchsorted(sorted_fakes, of_reals, right=right) for right in (False, True))
    by_real = (below + up_to).double() / 2 / len(of_fakes)
    error = sum(part.var().item() / len(part) for part in (by_fake, by_real)) ** 0.5
    score, half = 2 * by_fake.mean().item() - 1, 2 * TWO_SIDED * error
    return Memorisation(score, (max(score - half, -1.0), min(score + half, 1.0)), float(len(of_fakes)))


def _nearest(fake: Tensor, real: Tensor, chunk: int, place: int | None = None) -> tuple[Tensor, Tensor]:
    """The squared distance of each fake, float64 [n, P], to the nearest of the real images [R, P], and its index, each [n].

    `place`: the index of the first of them, where the fakes are real images themselves; none is its own nearest.

    The nearest is found by |b|^2 - 2 a.b, and its distance then computed from the difference, so that an exact copy has
    distance 0 and equal images have equal distances despite rounding.
    """
    best = fake.new_full((len(fake),), torch.inf)
    index = torch.zeros(len(fake), dtype=torch.int64, device=fake.device)
    for i, part in enumerate(widened(real, chunk)):
        distances = torch.addmm(part.square().sum(dim=1), fake, part.T, alpha=-2)
        if place == i * chunk:
            distances.fill_diagonal_(torch.inf)
        values, where = distances.min(dim=1)
        index = torch.where(values < best, where + i * chunk, index)
        best = torch.minimum(best, values)
    return (fake - real[index]).square().sum(dim=1), index
