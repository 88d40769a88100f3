"""Gradient penalties (R1, R2, WGAN-GP, DRAGAN, finite differences) in a step of D."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sparring.distributed.single_process import Side
from sparring.penalties.penalty import Penalty, input_gradients
from sparring.training.gan import GAN, pack, unpack

Judged = tuple[Tensor, Tensor | None, Tensor | None]
"""Images [B, *shape], D's outputs for them (None: they are computed where need be), and their codes."""
Due = Sequence[tuple[int, Penalty]]
"""Penalties, each with its place among those that are due."""


def gradient_penalty(gan: GAN, real: Judged, fake: Judged, due: Due | None = None) -> Tensor | None:
    """The sum of the gradient penalties that are due in this round, over the local rows: a scalar; None where none is due.

    Penalties at the samples themselves are taken on D's outputs where these are given, and the images then need gradients. A D
    in bf16 judges all points anew, in float32.
    A penalty is due every `penalty.every` rounds, weighted by that number (lazy regularisation, Karras et al. 2020). `due`:
    only these of them.
    """
    due = list(enumerate(gan.due_penalties)) if due is None else due
    if not due:
        return None
    if gan.context.gamma_has_faded:
        return torch.zeros_like(gan.memory["d_penalty"])
    sides: dict[Side, Judged] = {"real": real, "fake": fake}
    packs = {side: pack(images.detach(), gan.packing) for side, (images, _, _) in sides.items()}
    values = []
    for index, penalty in due:
        images, outputs, codes = sides[penalty.side]
        if penalty.at_samples and outputs is not None and not gan.discriminator.bf16:
            gradients = input_gradients(gan.logits(outputs, codes), images)
            found = penalty.values(pack(gradients.view(images.shape), gan.packing).flatten(1))
        else:
            uniforms = penalty_uniforms(gan, penalty, index, packs["real"])
            with gan.discriminator.in_float32():
                found = penalty(_critic(gan, penalty, codes), packs["real"], packs["fake"], uniforms)
        values.append(weighted_mean(gan, penalty, found))
    return torch.stack(values).sum()


def penalty_uniforms(gan: GAN, penalty: Penalty, index: int, packs: Tensor) -> Tensor:
    """The random numbers [B, num_uniforms] of a penalty, the `index`-th of those that are due, on packs [B, ...]."""
    width = penalty.num_uniforms(tuple(packs.shape[1:]))
    return gan.uniforms(penalty.side, len(packs), width, "penalty", index).to(packs.dtype)


def weighted_mean(gan: GAN, penalty: Penalty, values: Tensor) -> Tensor:
    """The part of the whole batch's mean that comes from the values [B] of local rows, weighted for this round."""
    mean = values.sum() / gan.group.global_num(penalty.side, len(values))
    return gan.context.gamma_factor * (penalty.every * mean)


def _critic(gan: GAN, penalty: Penalty, codes: Tensor | None) -> Callable[[Tensor], Tensor]:
    """D's logits as a function of packs of images that take the place of this side's: first points, second points, ..."""
    num, side = penalty.num_points, penalty.side
    if num == 1:
        return lambda packs: gan.logits(gan.discriminate(unpack(packs, gan.packing), side), codes)
    codes = None if codes is None else torch.cat([codes] * num)
    return lambda packs: gan.logits(gan.discriminate_alike(unpack(packs, gan.packing).chunk(num), side), codes)
