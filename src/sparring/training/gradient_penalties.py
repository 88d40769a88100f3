"""Gradient penalties (R1, R2, WGAN-GP, DRAGAN) in a step of D."""

from collections.abc import Callable

import torch
from torch import Tensor

from sparring.distributed.single_process import Side
from sparring.penalties.penalty import input_gradients
from sparring.training.gan import GAN, pack, unpack

Judged = tuple[Tensor, Tensor | None, Tensor | None]
"""Images [B, *shape], D's outputs for them (None: they are computed where need be), and their codes."""


def gradient_penalty(gan: GAN, real: Judged, fake: Judged) -> Tensor | None:
    """The sum of the gradient penalties that are due in this round, over the local rows: a scalar; None where none is due.

    Penalties at the samples themselves are taken on D's outputs where these are given, and the images then need gradients.
    A penalty is due every `penalty.every` rounds, weighted by that number (lazy regularisation, Karras et al. 2020).
    """
    due = gan.due_penalties
    if not due:
        return None
    if gan.context.gamma_has_faded:
        return torch.zeros_like(gan.memory["d_penalty"])
    sides: dict[Side, Judged] = {"real": real, "fake": fake}
    packs = {side: pack(images.detach(), gan.packing) for side, (images, _, _) in sides.items()}
    values = []
    for index, penalty in enumerate(due):
        images, outputs, codes = sides[penalty.side]
        if penalty.at_samples and outputs is not None:
            gradients = input_gradients(gan.logits(outputs, codes), images)
            found = penalty.values(pack(gradients.view(images.shape), gan.packing).flatten(1))
        else:
            width = penalty.num_uniforms(tuple(packs["real"].shape[1:]))
            uniforms = gan.uniforms(penalty.side, len(packs["real"]), width, "penalty", index)
            critic = _critic(gan, penalty.side, codes)
            found = penalty(critic, packs["real"], packs["fake"], uniforms.to(images.dtype))
        mean = found.sum() / gan.group.global_num(penalty.side, len(found))
        values.append(gan.context.gamma_factor * (penalty.every * mean))
    return torch.stack(values).sum()


def _critic(gan: GAN, side: Side, codes: Tensor | None) -> Callable[[Tensor], Tensor]:
    """D's logits as a function of packs of images that take the place of this side's."""
    return lambda packs: gan.logits(gan.discriminate(unpack(packs, gan.packing), side), codes)
