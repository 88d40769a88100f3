"""The GAN step (Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661, algorithm 1): of D, of G, or of both at once.

Each function is the first half of a step: forward passes, the loss on logits, and its gradients by the weights that move, all
of them operations on tensors. The second half is `apply_gradients`: Adam, and D's constraint.
Where several processes share a batch, `gan.gather` gives each of them the whole batch's logits, through which gradients flow
back to its own rows; `apply_gradients` sums over the processes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.distributed.single_process import BOTH
from sparring.losses import RelativisticLoss
from sparring.recipe import Move, MoveBoth, MoveD, MoveG
from sparring.training.gan import GAN, reduce_mean
from sparring.training.gradient_penalties import gradient_penalty
from sparring.training.guard import check_finite
from sparring.training.player import Player

Readings = dict[str, Tensor]
"""The results of a step, detached: "g_loss" and "d_loss" (scalars, minimised), D's logits of both batches in D's step
("real_logits", "fake_logits"), and of G's own fakes in G's step ("g_fake_logits")."""


@dataclass(frozen=True)
class StepGradients:
    """The first half of a step: its readings, the gradients of each side that moves (of the local rows), and the value of the
    gradient penalties that were due."""

    readings: Readings
    sides: tuple[tuple[Player, Sequence[Tensor]], ...]
    penalty: Tensor | None = None


def d_step(move: MoveD, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None) -> StepGradients:
    """D's step on real images [B, *shape] and on G(z), z [B', num_z]; G is held still.

    L_D = E d(D(x), D(G(z))) + penalties, and its gradient by D's weights.
    """
    fake = gan.held_fakes(z, move.fakes_from)  # [B', *shape], without a graph
    real, fake = gan.leaves(real, fake)
    if move.batch == "joint":
        outputs = gan.discriminate(torch.cat((real, fake)), *BOTH).split((len(real), len(fake)))
    else:
        outputs = gan.discriminate(real, "real"), gan.discriminate(fake, "fake")  # [B], [B']
    on_real, on_fake = gan.gather(BOTH, outputs, (codes, gan.codes_of(z)))
    terms = [*gan.loss.d_terms(on_real.logits, on_fake.logits), *gan.further_d_terms(on_real, on_fake)]
    d_loss = reduce_mean(terms, move.batch)
    penalty = gradient_penalty(gan, (real, outputs[0], codes), (fake, outputs[1], gan.codes_of(z)))
    gradients = gan.discriminator.gradients_of(d_loss if penalty is None else d_loss + penalty)
    readings = detached(d_loss=d_loss, real_logits=on_real.logits, fake_logits=on_fake.logits)
    return StepGradients(readings, ((gan.discriminator, gradients),), detached_or_none(penalty))


def g_step(move: MoveG, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None) -> StepGradients:
    """G's step through D on G(z), z [B', num_z]; D is held still. A relativistic loss looks at real images [B, *shape] too.

    L_G = E g(D(G(z))), and its gradient by G's weights.
    """
    fake = gan.generate(z)  # [B', *shape]
    (on_fake,) = gan.gather(["fake"], [gan.discriminate(fake, "fake")], [gan.codes_of(z)])
    beside = (gan.held_logits(real, codes),) if isinstance(gan.loss, RelativisticLoss) else ()
    g_loss = reduce_mean([*gan.loss.g_terms(on_fake.logits, *beside), *gan.condition_terms(on_fake)])
    gradients = gan.generator.gradients_of(g_loss)
    readings = detached(g_loss=g_loss, g_fake_logits=on_fake.logits)
    return StepGradients(readings, ((gan.generator, gradients),))


def simultaneous_step(move: MoveBoth, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None) -> StepGradients:
    """Both steps from one forward pass of real images and of G(z): both gradients are taken before either side steps."""
    fake = gan.generate(z)  # [B', *shape]
    (real,) = gan.leaves(real)
    outputs = gan.discriminate(real, "real"), gan.discriminate(fake, "fake")  # [B], [B']
    on_real, on_fake = gan.gather(BOTH, outputs, (codes, gan.codes_of(z)))
    beside = (on_real.logits,) if isinstance(gan.loss, RelativisticLoss) else ()
    g_loss = reduce_mean([*gan.loss.g_terms(on_fake.logits, *beside), *gan.condition_terms(on_fake)])
    d_loss = reduce_mean([*gan.loss.d_terms(on_real.logits, on_fake.logits), *gan.further_d_terms(on_real, on_fake)])
    penalty = gradient_penalty(gan, (real, outputs[0], codes), (fake, outputs[1], gan.codes_of(z)))
    g_gradients = gan.generator.gradients_of(g_loss, again=True)
    d_gradients = gan.discriminator.gradients_of(d_loss if penalty is None else d_loss + penalty)
    logits = {"real_logits": on_real.logits, "fake_logits": on_fake.logits, "g_fake_logits": on_fake.logits}
    readings = detached(g_loss=g_loss, d_loss=d_loss, **logits)
    sides = (gan.generator, g_gradients), (gan.discriminator, d_gradients)
    return StepGradients(readings, sides, detached_or_none(penalty))


STEPS: dict[type[Move], Callable[..., StepGradients]] = {MoveD: d_step, MoveG: g_step, MoveBoth: simultaneous_step}


def detached(**readings: Tensor) -> Readings:
    """The readings without their graphs."""
    return {name: reading.detach() for name, reading in readings.items()}


def detached_or_none(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.detach()


@dataclass(frozen=True)
class Update:
    """The second half of a step, operations on tensors alone: Adam on each side that moves, then what follows from it."""

    gan: GAN
    sides: Sequence[tuple[Player, Sequence[Tensor]]]
    penalties: Sequence[Tensor]
    readings: Readings

    def __call__(self) -> None:
        for player, gradients in self.sides:
            player.optimizer.update(gradients)
        self.finish()

    @property
    def constants(self) -> tuple:
        """The Python numbers in it."""
        return tuple(player.optimizer.constants for player, _ in self.sides)

    @torch.no_grad()
    def finish(self) -> None:
        """What comes after Adam: the memories of penalties, and D's constraint."""
        for penalty in self.penalties:
            self.gan.memory["d_penalty"].copy_(penalty)
        if "real_logits" in self.readings:  # D has moved
            self.gan.remember(self.readings["real_logits"], self.readings["fake_logits"])
            if self.gan.constraint:
                self.gan.constraint.enforce(self.gan.discriminator.network)


def apply_gradients(gan: GAN, found: StepGradients, run: Callable[[Update], None] = Update.__call__) -> Readings:
    """The second half of a step: Adam on each side that moves, then D's constraint; returns the readings.

    `run` is given the update, and has it done.
    Raises DivergenceError for a guarded GAN where a loss or a gradient is not finite; no weight has changed then.
    """
    value = [] if found.penalty is None else [found.penalty]
    *totals, summed_value = gan.group.all_reduce_grads(*(gradients for _, gradients in found.sides), value)
    summed = [(player, gradients) for (player, _), gradients in zip(found.sides, totals, strict=True)]
    if gan.guarded:
        check_finite(gan, found.readings, summed)
    for player, gradients in summed:
        player.gradients = gradients
        player.optimizer.advance()
    run(Update(gan, summed, summed_value, found.readings))
    return found.readings
