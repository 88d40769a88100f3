"""Penalties by finite differences in a fast step, which has D's outputs for the samples: D judges their neighbours alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from torch import Tensor

from sparring.distributed.single_process import BOTH, Side
from sparring.penalties import FiniteDifference
from sparring.training.gan import GAN, pack, unpack
from sparring.training.gradient_penalties import Judged, penalty_uniforms, weighted_mean
from sparring.training.player import logit_grads


class ForwardPass(Protocol):
    """A batch's forward pass through a network, whose gradients can be asked for later."""

    outputs: Tensor

    def vjp(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        """The vector-Jacobian products of dy, the gradient by the outputs: those by every weight, then that by the inputs.

        It may take dy's memory. `again`: the pass is kept for another call.
        """
        ...


@dataclass(frozen=True)
class Differences:
    """The finite differences that are due: their places among all penalties that are, their values, and their gradients by D's
    outputs for the samples of either side, and by D's weights through the samples' neighbours."""

    indices: list[int] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    output_grads: dict[Side, Tensor] = field(default_factory=dict)
    weight_grads: list[Sequence[Tensor]] = field(default_factory=list)

    @classmethod
    def of(cls, gan: GAN, sides: Mapping[Side, Judged], discriminate: Callable[[Tensor, Side], ForwardPass]) -> "Differences":
        """Those of this step, from D's outputs for either side, and D as a function of images; D draws nothing at random."""
        found = cls()
        if gan.context.gamma_has_faded or gan.discriminator.bf16:  # whose rounding is as large as the differences
            return found
        for index, penalty in enumerate(gan.due_penalties):
            if isinstance(penalty, FiniteDifference):
                images, outputs, codes = sides[penalty.side]
                assert outputs is not None
                packs = pack(images, gan.packing)
                neighbours = penalty.neighbours(packs, penalty_uniforms(gan, penalty, index, packs))
                there = discriminate(unpack(neighbours, gan.packing), penalty.side)
                value, grads = logit_grads(partial(_value, gan, penalty, codes), outputs, there.outputs)
                found.indices.append(index)
                found.values.append(value)
                found.output_grads[penalty.side] = found.output_grads.get(penalty.side, 0) + grads[0]
                found.weight_grads.append(there.vjp(grads[1], weights=True))
        return found

    def added_to(self, grads: Sequence[Tensor]) -> list[Tensor]:
        """The gradients by D's outputs for real and for generated images of a loss and of these penalties."""
        own = self.output_grads
        return [grad + own[side] if side in own else grad for side, grad in zip(BOTH, grads, strict=True)]

    def total(self, other: Tensor | None) -> Tensor | None:
        """The sum of the values and another one; None where there is none."""
        values = [*self.values, *([] if other is None else [other])]
        return sum(values[1:], start=values[0]) if values else None


def _value(gan: GAN, penalty: FiniteDifference, codes: Tensor | None, here: Tensor, there: Tensor) -> Tensor:
    """A penalty as a function of D's outputs for the samples and for their neighbours."""
    return weighted_mean(gan, penalty, penalty.difference_values(gan.logits(here, codes), gan.logits(there, codes)))
