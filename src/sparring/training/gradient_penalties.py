"""Gradient penalties (R1, R2, WGAN-GP, DRAGAN): their values, and their gradients by D's weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.distributed.single_process import Side
from sparring.penalties import Penalty
from sparring.training.gan import GAN, pack, unpack


@dataclass(frozen=True)
class PenaltyGradients:
    """The sum of the gradient penalties that are due, over the local rows, and its gradients by D's weights."""

    value: Tensor | None = None
    gradients: Sequence[Sequence[Tensor]] = ()


def penalty_gradients(
    gan: GAN, real: Tensor, fake: Tensor, codes: Tensor | None, fake_codes: Tensor | None
) -> PenaltyGradients:
    """The gradient penalties that are due in this round, at images [B, *shape] of both sides.

    A penalty is due every `penalty.every` rounds, weighted by that number (lazy regularisation, Karras et al. 2020).
    """
    due = [p for p in gan.penalties if isinstance(p, Penalty) and gan.context.round % p.every == 0]
    if not due:
        return PenaltyGradients()
    if gan.context.gamma_has_faded:
        return PenaltyGradients(torch.zeros_like(gan.memory["d_penalty"]))
    known = {"real": (real, codes), "fake": (fake.detach(), fake_codes)}  # of one length: see `Recipe.is_even`
    packs = {side: pack(images, gan.packing) for side, (images, _) in known.items()}
    values = []
    with torch.enable_grad():
        for index, penalty in enumerate(due):
            _, of = known[penalty.side]
            critic = _critic(gan, penalty.side, unpack(packs[penalty.side], gan.packing), of)
            width = penalty.num_uniforms(tuple(packs["real"].shape[1:]))
            uniforms = gan.uniforms(penalty.side, len(packs["real"]), width, "penalty", index)
            found = penalty(critic, packs["real"], packs["fake"], uniforms.to(real.dtype))
            mean = found.sum() / gan.group.global_num(penalty.side, len(found))
            values.append(gan.context.gamma_factor * (penalty.every * mean))
        total = torch.stack(values).sum()
        gradients = torch.autograd.grad(total, gan.discriminator.optimizer.parameters, materialize_grads=True)
    return PenaltyGradients(total.detach(), [gradients])


def _critic(gan: GAN, side: Side, images: Tensor, codes: Tensor | None) -> Callable[[Tensor], Tensor]:
    """D's logits as a function of packs of images that take the place of this side's."""
    see = gan.preprocess(side, images)
    network = gan.discriminator.network

    def critic(packs: Tensor) -> Tensor:
        with gan.group.sharded(network, side):
            return gan.logits(network(see(unpack(packs, gan.packing))), codes)

    return critic
