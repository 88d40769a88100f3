"""Gradients of the penalties on D's own gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.distributed.sharing import Side
from sparring.penalties import Penalty
from sparring.training.gan import GAN, pack, unpack


@dataclass(frozen=True)
class PenaltyGradients:
    """The penalties on D's gradients that are due: their sum (here: of some rows), and its gradients by D's weights."""

    value: Tensor | None = None
    gradients: Sequence[Sequence[Tensor]] = ()


def penalty_gradients(
    match: GAN, real: Tensor, fake: Tensor, codes: Tensor | None, fake_codes: Tensor | None
) -> PenaltyGradients:
    """The gradient penalties that are due in this turn, at images [B, *shape] of both sides; with gradients of those."""
    due = [p for p in match.penalties if isinstance(p, Penalty) and match.context.round % p.every == 0]
    if not due:
        return PenaltyGradients()
    if match.context.gamma == 0:  # a ramp has ended
        return PenaltyGradients(torch.zeros_like(match.memory["d_penalty"]))
    known = {"real": (real, codes), "fake": (fake.detach(), fake_codes)}  # of one length: see `Recipe.is_even`
    packs = {side: pack(images, match.packing) for side, (images, _) in known.items()}
    values = []
    with torch.enable_grad():
        for index, penalty in enumerate(due):
            _, of = known[penalty.side]
            critic = _critic(match, penalty.side, unpack(packs[penalty.side], match.packing), of)
            width = penalty.num_uniforms(tuple(packs["real"].shape[1:]))
            uniforms = match.uniforms(penalty.side, len(packs["real"]), width, "penalty", index)
            found = penalty(critic, packs["real"], packs["fake"], uniforms.to(real.dtype))
            values.append(match.context.gamma * penalty.every * found.sum() / match.processes.num(penalty.side, len(found)))
        total = torch.stack(values).sum()
        gradients = torch.autograd.grad(total, match.discriminator.optimizer.parameters, materialize_grads=True)
    return PenaltyGradients(total.detach(), [gradients])


def _critic(match: GAN, side: Side, images: Tensor, codes: Tensor | None) -> Callable[[Tensor], Tensor]:
    """D's logits as a function of packs of images, those of this side or in their places."""
    see = match.preprocess(side, images)
    network = match.discriminator.network

    def critic(packs: Tensor) -> Tensor:
        with match.processes.showing(network, side):
            return match.logits(network(see(unpack(packs, match.packing))), codes)

    return critic
