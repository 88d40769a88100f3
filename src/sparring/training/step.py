"""The GAN step: of D, of G, or of both from one forward pass (Goodfellow et al. 2014, algorithm 1).

A step has two halves: `step_gradients`, computations on tensors alone, which a CUDA graph can record, and `apply_gradients`.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import Literal, cast

import torch
from torch import Tensor

from sparring.config.non_finite import DivergenceError, NetworkName, NonFiniteValue
from sparring.distributed.single_process import BOTH, Side
from sparring.losses import RelativisticLoss
from sparring.recipe import Move, MoveBoth, MoveD, MoveG
from sparring.training.gan import GAN, DOutput, pack
from sparring.training.gradient_penalties import penalty_gradients
from sparring.training.player import ForwardPass, Player, inference

_foreach_norm = torch._foreach_norm  # pyright: ignore[reportPrivateImportUsage]  (one call for all weights)

Readings = dict[str, Tensor]
"""The results of a step, detached: "g_loss" and "d_loss" (scalars, minimised), D's logits of both batches in D's step
("real_logits", "fake_logits"), and of G's own fakes in G's step ("g_fake_logits")."""

Run = Callable[[tuple, Callable[[], None]], None]


@dataclass(frozen=True)
class StepGradients:
    """The first half of a step: its readings, the gradients of each side that moves (of the local rows), and the value of the
    gradient penalties that were due."""

    readings: Readings
    sides: tuple[tuple[Player, Sequence[Tensor]], ...]
    penalty: Tensor | None = None


def take_step(move: Move, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None, keep: bool = False) -> Readings:
    """The step that a move of the recipe stands for: `step_gradients`, then `apply_gradients`."""
    return apply_gradients(gan, step_gradients(move, gan, real, z, codes, keep))


@torch.no_grad()
def step_gradients(
    move: Move, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None, keep: bool = False
) -> StepGradients:
    """The first half of a step: nothing changes but what networks change in a forward pass, such as running statistics.

    real: [B, *shape] and z: [B', num_z], the local rows; `codes` of the real images where there is a condition. `keep`: G's
    next step is on the same z and can reuse this one's fakes. The readings are those of the whole batches.
    """
    return _STEPS[type(move)](move, gan, real, z, codes, keep)


def d_step(move: MoveD, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None, keep: bool) -> StepGradients:
    """D's step on real images and on G(z): loss on logits, gradient penalties. G is held still."""
    fake = _fakes(move, gan, z, keep)
    together = move.batch == "joint" or (gan.d_is_function and gan.takes_images_unchanged)
    if together:
        passes = [gan.discriminate(torch.cat((real, fake)), *BOTH)]
        num_real = len(passes[0].outputs) * len(real) // (len(real) + len(fake))
        outputs = passes[0].outputs[:num_real], passes[0].outputs[num_real:]
    else:
        passes = [gan.discriminate(real, "real"), gan.discriminate(fake, "fake")]
        outputs = passes[0].outputs, passes[1].outputs
    on_real, on_fake = _whole_outputs(gan, BOTH, outputs, (codes, gan.codes_of(z)))
    d_loss, grads = logit_grads(_d_loss_of(gan, on_real, on_fake, move.batch), on_real.outputs, on_fake.outputs)
    local_grads = gan.group.local(BOTH, grads)
    local_grads = [torch.cat(tuple(local_grads))] if together else local_grads
    weight_grads = [each.vjp(grad, weights=True) for each, grad in zip(passes, local_grads, strict=True)]
    readings = {"d_loss": d_loss, **_logits_of_d(gan, on_real, on_fake)}
    penalty = penalty_gradients(gan, real, fake, codes, gan.codes_of(z))
    return StepGradients(readings, ((gan.discriminator, _total([*weight_grads, *penalty.gradients])),), penalty.value)


def g_step(move: MoveG, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None, keep: bool) -> StepGradients:
    """G's step through D on G(z): loss on logits. D is held still; a relativistic loss looks at real images too."""
    kept, gan.reused_fakes = gan.reused_fakes, None
    fakes = kept[1] if kept and kept[0] is z else gan.generate(z)
    d_pass = gan.discriminate(fakes.outputs, "fake", weights=False, inputs=True)
    (on_fake,) = _whole_outputs(gan, ["fake"], [d_pass.outputs], [gan.codes_of(z)])
    real_logits = _real_logits(gan, real, codes) if isinstance(gan.loss, RelativisticLoss) else on_fake.outputs[:0]
    g_loss, grads = logit_grads(_g_loss_of(gan, on_fake, real_logits), on_fake.outputs)
    (grad,) = gan.group.local(["fake"], grads)
    (image_grad,) = d_pass.vjp(grad, inputs=True)
    readings = {"g_loss": g_loss, "g_fake_logits": gan.logits(on_fake.outputs, on_fake.codes)}
    return StepGradients(readings, ((gan.generator, fakes.vjp(image_grad, weights=True)),))


def simultaneous_step(move: MoveBoth, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None, keep: bool) -> StepGradients:
    """Both steps from one forward pass of real images and of G(z): both gradients are taken before either side steps."""
    fakes = gan.generate(z)
    real_pass, fake_pass = gan.discriminate(real, "real"), gan.discriminate(fakes.outputs, "fake", inputs=True)
    outputs = real_pass.outputs, fake_pass.outputs
    on_real, on_fake = _whole_outputs(gan, BOTH, outputs, (codes, gan.codes_of(z)))
    logits = _logits_of_d(gan, on_real, on_fake)
    g_loss, g_grads = logit_grads(_g_loss_of(gan, on_fake, logits["real_logits"]), on_fake.outputs)
    d_loss, d_grads = logit_grads(_d_loss_of(gan, on_real, on_fake), on_real.outputs, on_fake.outputs)
    (g_grad,) = gan.group.local(["fake"], g_grads)
    d_grad_real, d_grad_fake = gan.group.local(BOTH, d_grads)
    per_sample = gan.d_is_per_sample and fake_pass.outputs.shape == z.shape[:1]
    image_grad, fake_weight_grads = _image_and_weight_grads(fake_pass, g_grad, d_grad_fake, per_sample)
    penalty = penalty_gradients(gan, real, fakes.outputs, codes, gan.codes_of(z))
    d_weight_grads = _total([real_pass.vjp(d_grad_real, weights=True), fake_weight_grads, *penalty.gradients])
    readings = {"g_loss": g_loss, "d_loss": d_loss, **logits, "g_fake_logits": logits["fake_logits"]}
    g_weight_grads = fakes.vjp(image_grad, weights=True)
    sides = (gan.generator, g_weight_grads), (gan.discriminator, d_weight_grads)
    return StepGradients(readings, sides, penalty.value)


def _whole_outputs(gan: GAN, sides: Sequence[Side], outputs: Sequence[Tensor], codes: Sequence[Tensor | None]) -> list[DOutput]:
    """D's outputs for whole batches, from those for the local rows."""
    whole = gan.group.gather(sides, outputs)
    if gan.condition is None:
        return [DOutput(found) for found in whole]
    known = gan.group.gather(sides, cast(Sequence[Tensor], codes))
    return [DOutput(found, of) for found, of in zip(whole, known, strict=True)]


def _g_loss_of(gan: GAN, on_fake: DOutput, real_logits: Tensor) -> Callable[..., Tensor]:
    """G's loss as a function of D's outputs for its images."""
    return lambda outputs: gan.g_loss(replace(on_fake, outputs=outputs), real_logits)


def _d_loss_of(
    gan: GAN, on_real: DOutput, on_fake: DOutput, batch: Literal["separate", "joint"] = "separate"
) -> Callable[..., Tensor]:
    """D's loss as a function of its outputs for both batches."""
    return lambda real, fake: gan.d_loss(replace(on_real, outputs=real), replace(on_fake, outputs=fake), batch)


def _logits_of_d(gan: GAN, on_real: DOutput, on_fake: DOutput) -> Readings:
    sides = {"real_logits": on_real, "fake_logits": on_fake}
    return {name: gan.logits(side.outputs, side.codes) for name, side in sides.items()}


def _real_logits(gan: GAN, real: Tensor, codes: Tensor | None) -> Tensor:
    """The logits of the whole real batch, for G's loss to compare with; D is held still."""
    d_pass = gan.discriminate(real, "real", weights=False)
    (on_real,) = _whole_outputs(gan, ["real"], [d_pass.outputs], [codes])
    return gan.logits(on_real.outputs, on_real.codes)


_STEPS = {MoveD: d_step, MoveG: g_step, MoveBoth: simultaneous_step}


def apply_gradients(gan: GAN, found: StepGradients, run: Run = lambda constants, update: update()) -> Readings:
    """The second half of a step: Adam on each side that moves, then D's constraint; returns the readings.

    `run` is given the update, operations on tensors alone, and the Python numbers in it.
    Raises DivergenceError for a guarded GAN where a loss or a gradient is not finite; no weight has changed then.
    """
    value = [] if found.penalty is None else [found.penalty]
    *totals, summed_value = gan.group.all_reduce_grads(*(gradients for _, gradients in found.sides), value)
    summed = [(player, gradients) for (player, _), gradients in zip(found.sides, totals, strict=True)]
    if gan.guarded:
        _check_finite(gan, found.readings, summed)
    for player, gradients in summed:
        player.gradients = gradients
        player.optimizer.advance()
    run(tuple(player.optimizer.constants for player, _ in summed), partial(_update, gan, summed, summed_value, found.readings))
    return found.readings


@torch.no_grad()
def _update(
    gan: GAN, sides: Sequence[tuple[Player, Sequence[Tensor]]], penalties: Sequence[Tensor], readings: Readings
) -> None:
    for player, gradients in sides:
        player.optimizer.update(gradients)
    for penalty in penalties:
        gan.memory["d_penalty"].copy_(penalty)
    if "real_logits" in readings:  # D has moved
        _remember(gan, readings["real_logits"], readings["fake_logits"])
        if gan.constraint:
            gan.constraint.enforce(gan.discriminator.network)


def _remember(gan: GAN, real_logits: Tensor, fake_logits: Tensor) -> None:
    for index, penalty in gan.logit_penalties:
        memory = gan.memory[f"penalty.{index}"]
        memory.copy_(penalty.remember(memory, real_logits, fake_logits))


def _check_finite(gan: GAN, readings: Readings, sides: Sequence[tuple[Player, Sequence[Tensor]]]) -> None:
    """DivergenceError where a loss or the Euclidean norm of a player's gradient is not finite, naming the loss or the weight.

    A norm overflows where squares do, and squares are what Adam keeps.
    """
    losses = {name: readings[name] for name in ("g_loss", "d_loss") if name in readings}
    norms = [torch.stack(_foreach_norm(list(gradients))) for _, gradients in sides]
    totals = [norm.norm() for norm in norms]
    if all(map(isfinite, torch.stack([*losses.values(), *totals]).tolist())):  # one synchronisation
        return
    for name, loss in losses.items():
        if not loss.isfinite():
            raise DivergenceError(replace(NonFiniteValue.of(name, network_of(name), loss), batch=readings))
    index = next(index for index, total in enumerate(totals) if not total.isfinite())
    (player, gradients), worst = sides[index], int(norms[index].argmax())  # NaN counts as the greatest
    side: NetworkName = "generator" if player is gan.generator else "discriminator"
    name = [name for name, _ in player.network.named_parameters()][worst]
    raise DivergenceError(replace(NonFiniteValue.of(f"gradient of {name}", side, gradients[worst]), batch=readings))


def network_of(reading: str) -> NetworkName:
    """The network of a reading: G for names that begin with g_, else D."""
    return "generator" if reading.startswith("g_") else "discriminator"


def _fakes(move: MoveD, gan: GAN, z: Tensor, keep: bool) -> Tensor:
    """G's images for D's step, [B', *shape]; `keep` keeps their graph for G's step."""
    if keep:
        gan.reused_fakes = z, gan.generate(z)
        return gan.reused_fakes[1].outputs
    generator = gan.generator.network
    mode = inference(generator) if move.fakes_from == "inference" else nullcontext()
    with mode, gan.group.sharded(generator, "fake"):
        return generator(z)


def _image_and_weight_grads(
    fake_pass: ForwardPass, g_grad: Tensor, d_grad: Tensor, per_sample: bool
) -> tuple[Tensor, Sequence[Tensor]]:
    """The gradient of G's loss by its images, and of D's loss by D's weights, from both losses' gradients by the logits [B].

    Where each of D's logits depends on its own image alone, the gradient by an image is the logit's times a factor that both
    losses share: one backward pass serves both, by the ratio of the logits' gradients. CPU only: on a GPU the test for division
    would synchronise.
    """
    if per_sample and d_grad.device.type == "cpu" and (d_grad.abs() > 1e-20).all():
        ratio = g_grad / d_grad
        *weight_grads, image_grad = fake_pass.vjp(d_grad, weights=True, inputs=True)
        return image_grad * ratio.view(-1, *[1] * (image_grad.ndim - 1)), weight_grads
    (image_grad,) = fake_pass.vjp(g_grad, inputs=True, again=True)
    return image_grad, fake_pass.vjp(d_grad, weights=True)


def logit_grads(value: Callable[..., Tensor], *logits: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The value of a scalar function of logits, and its gradients by them."""
    leaves = [side.detach().requires_grad_() for side in logits]
    with torch.enable_grad():
        result = value(*leaves)
    return result.detach(), torch.autograd.grad(result, leaves)


def _total(gradients: Sequence[Sequence[Tensor]]) -> Sequence[Tensor]:
    """The sum over passes, weight by weight; not in place, since weights may share a gradient."""
    first, *others = gradients
    for other in others:
        first = [total + gradient for total, gradient in zip(first, other, strict=True)]
    return first


@torch.no_grad()
def read_losses(gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None) -> Readings:
    """Both losses in inference mode, without a step."""
    generator, discriminator = gan.networks
    with inference(generator), inference(discriminator):
        outputs = discriminator(pack(real, gan.packing)), discriminator(pack(generator(z), gan.packing))
    on_real, on_fake = _whole_outputs(gan, BOTH, outputs, (codes, gan.codes_of(z)))
    logits = _logits_of_d(gan, on_real, on_fake)
    return {
        "g_loss": gan.g_loss(on_fake, logits["real_logits"]),
        "d_loss": gan.d_loss(on_real, on_fake),
        **logits,
        "g_fake_logits": logits["fake_logits"],
    }
