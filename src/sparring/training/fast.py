"""The same steps as in `step`, quicker on a CPU and in fewer kernels on a GPU.

Perceptrons have their gradients written out; D judges both batches in one pass, where no image depends on another; one way back
through D serves both losses of a simultaneous step, where its logits do not; and G's step takes over the fakes of D's step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Literal, cast

import torch
from torch import Tensor, nn

from sparring.distributed.single_process import BOTH, Side
from sparring.losses import RelativisticLoss
from sparring.networks.layers.perceptron import Perceptron
from sparring.networks.layers.traits import is_deterministic, is_function, is_per_sample, unsplittable
from sparring.penalties import FiniteDifference
from sparring.recipe import Move, MoveD, MoveG
from sparring.training import step
from sparring.training.differences import Differences, ForwardPass
from sparring.training.gan import GAN, DOutput, Preprocess
from sparring.training.gradient_penalties import Judged, gradient_penalty
from sparring.training.parts import PartsPass, penalty_in_parts
from sparring.training.perceptron_pass import PerceptronPass, has_written_gradients, is_hooked
from sparring.training.player import Player, logit_grads
from sparring.training.step import StepGradients, detached


class _AutogradPass:
    """A forward pass that autograd differentiates."""

    def __init__(self, player: Player, x: Tensor, inputs: bool, preprocess: Preprocess):
        self._inputs, self._parameters = x.detach().requires_grad_(inputs), player.optimizer.parameters
        with torch.enable_grad():
            self._graph = player(preprocess(self._inputs))
        self.outputs = self._graph.detach()

    def vjp(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        wanted = self._parameters * weights + [self._inputs] * inputs
        return torch.autograd.grad(self._graph, wanted, dy, retain_graph=again)


class FastSteps:
    """The steps of one GAN.

    `num_parts`: the parts that D's batches are split into, and G's where its layers allow it. `reused`: z and G's forward pass
    of D's step, for a step of G on the same z.
    """

    def __init__(self, gan: GAN, num_parts: int = 1):
        self.gan, self._num_parts = gan, num_parts
        self.reused: tuple[Tensor, ForwardPass] | None = None
        generator, discriminator = gan.networks
        self._g_is_function, self._d_is_function = is_function(generator), is_function(discriminator)
        self._d_is_deterministic = is_deterministic(discriminator)
        self._d_is_per_sample = is_per_sample(discriminator)
        self._splittable = {network: num_parts > 1 and unsplittable(network) is None for network in gan.networks}
        self._perceptrons = {network: has_written_gradients(network) for network in gan.networks}

    @torch.no_grad()
    def __call__(
        self, move: Move, real: Tensor, z: Tensor, codes: Tensor | None = None, next_move: Move | None = None
    ) -> StepGradients:
        """The first half of the step that a move stands for, as in `step`; `next_move` may take over its fakes."""
        if isinstance(move, MoveG):
            return self._g_step(real, z, codes)
        if self._has_penalties_on_the_losses_passes():
            with torch.enable_grad():
                return step.STEPS[type(move)](move, self.gan, real, z, codes)
        if isinstance(move, MoveD):
            keeps = isinstance(next_move, MoveG) and next_move.z == "same" and self._g_is_function
            return self._d_step(move, real, z, codes, keeps)
        return self._simultaneous_step(real, z, codes)

    def _has_penalties_on_the_losses_passes(self) -> bool:
        """True where a pass of its own for a penalty that is due would move D's state, or draw other masks than the loss's."""
        due = self.gan.due_penalties
        only_differences = all(isinstance(penalty, FiniteDifference) for penalty in due)
        unshared = only_differences or self._num_parts > 1
        return bool(due) and not (self._d_is_function or (unshared and self._d_is_deterministic))

    def _d_step(self, move: MoveD, real: Tensor, z: Tensor, codes: Tensor | None, keeps: bool) -> StepGradients:
        gan, fake = self.gan, self._fakes(move, z, keeps)
        together = move.batch == "joint" or (gan.takes_images_unchanged and self._d_is_function)
        if together:
            passes = [self._discriminate(torch.cat((real, fake)), *BOTH)]
            outputs = passes[0].outputs.split((len(real), len(fake)))
        else:
            passes = [self._discriminate(real, "real"), self._discriminate(fake, "fake")]
            outputs = passes[0].outputs, passes[1].outputs
        on_real, on_fake = gan.gather(BOTH, outputs, (codes, gan.codes_of(z)))
        d_loss, grads = logit_grads(self._d_loss_of(on_real, on_fake, move.batch), on_real.outputs, on_fake.outputs)
        sides: Mapping[Side, Judged] = {"real": (real, outputs[0], codes), "fake": (fake, outputs[1], gan.codes_of(z))}
        differences = Differences.of(gan, sides, self._discriminate)
        local_grads = differences.added_to(gan.group.local(BOTH, grads))
        local_grads = [torch.cat(tuple(local_grads))] if together else local_grads
        weight_grads = [each.vjp(grad, weights=True) for each, grad in zip(passes, local_grads, strict=True)]
        penalty, penalty_grads = self._penalty(sides, differences)
        readings = detached(d_loss=d_loss, real_logits=on_real.logits, fake_logits=on_fake.logits)
        return StepGradients(readings, ((gan.discriminator, _total([*weight_grads, *penalty_grads])),), penalty)

    def _g_step(self, real: Tensor, z: Tensor, codes: Tensor | None) -> StepGradients:
        gan = self.gan
        reused, self.reused = self.reused, None
        fakes = reused[1] if reused and reused[0] is z else self._generate(z)
        d_pass = self._discriminate(fakes.outputs, "fake", weights=False, inputs=True)
        (on_fake,) = gan.gather(["fake"], [d_pass.outputs], [gan.codes_of(z)])
        real_logits = gan.held_logits(real, codes) if isinstance(gan.loss, RelativisticLoss) else on_fake.logits[:0]
        g_loss, grads = logit_grads(self._g_loss_of(on_fake, real_logits), on_fake.outputs)
        (grad,) = gan.group.local(["fake"], grads)
        (image_grad,) = d_pass.vjp(grad, inputs=True)
        readings = detached(g_loss=g_loss, g_fake_logits=on_fake.logits)
        return StepGradients(readings, ((gan.generator, fakes.vjp(image_grad, weights=True)),))

    def _simultaneous_step(self, real: Tensor, z: Tensor, codes: Tensor | None) -> StepGradients:
        gan, fakes = self.gan, self._generate(z)
        real_pass = self._discriminate(real, "real")
        fake_pass = self._discriminate(fakes.outputs, "fake", inputs=True)
        on_real, on_fake = gan.gather(BOTH, (real_pass.outputs, fake_pass.outputs), (codes, gan.codes_of(z)))
        g_loss, g_grads = logit_grads(self._g_loss_of(on_fake, on_real.logits), on_fake.outputs)
        d_loss, d_grads = logit_grads(self._d_loss_of(on_real, on_fake), on_real.outputs, on_fake.outputs)
        (g_grad,) = gan.group.local(["fake"], g_grads)
        on_fakes = fakes.outputs, fake_pass.outputs, gan.codes_of(z)
        judged: Mapping[Side, Judged] = {"real": (real, real_pass.outputs, codes), "fake": on_fakes}
        differences = Differences.of(gan, judged, self._discriminate)
        d_grad_real, d_grad_fake = differences.added_to(gan.group.local(BOTH, d_grads))
        shares_factor = self._d_is_per_sample and fake_pass.outputs.shape == z.shape[:1]
        image_grad, fake_weight_grads = _image_and_weight_grads(fake_pass, g_grad, d_grad_fake, shares_factor)
        penalty, penalty_grads = self._penalty(judged, differences)
        d_weight_grads = _total([real_pass.vjp(d_grad_real, weights=True), fake_weight_grads, *penalty_grads])
        g_weight_grads = fakes.vjp(image_grad, weights=True)
        logits = {"real_logits": on_real.logits, "fake_logits": on_fake.logits, "g_fake_logits": on_fake.logits}
        sides = (gan.generator, g_weight_grads), (gan.discriminator, d_weight_grads)
        return StepGradients(detached(g_loss=g_loss, d_loss=d_loss, **logits), sides, penalty)

    def _penalty(
        self, sides: Mapping[Side, Judged], differences: Differences
    ) -> tuple[Tensor | None, Sequence[Sequence[Tensor]]]:
        """The value of the gradient penalties that are due, and their gradients by D's weights. All but finite differences take
        a pass of their own."""
        others = [(i, p) for i, p in enumerate(self.gan.due_penalties) if i not in differences.indices]
        if self._num_parts > 1:
            value, grads = penalty_in_parts(self.gan, sides, others, self._num_parts)
            return differences.total(value), [*differences.weight_grads, *grads]
        real, fake = ((images, None, codes) for images, _, codes in (sides["real"], sides["fake"]))
        with torch.enable_grad():
            value = gradient_penalty(self.gan, real, fake, others)
        if value is None or not value.requires_grad:
            return differences.total(value), differences.weight_grads
        parameters = self.gan.discriminator.optimizer.parameters
        weight_grads = torch.autograd.grad(value, parameters, materialize_grads=True)
        return differences.total(value.detach()), [*differences.weight_grads, weight_grads]

    def _fakes(self, move: MoveD, z: Tensor, keeps: bool) -> Tensor:
        """G's images for a step of D. A perceptron computes them as in its own step, for its products are quicker there."""
        as_in_g_step = self._perceptrons[self.gan.generator.network] and move.fakes_from == "training"
        if not (keeps or as_in_g_step):
            return self.gan.held_fakes(z, move.fakes_from)
        fakes = self._generate(z)
        if keeps:
            self.reused = z, fakes
        return fakes.outputs

    def _generate(self, z: Tensor) -> ForwardPass:
        with self.gan.group.sharded(self.gan.generator.network, "fake"):
            return self._forward(self.gan.generator, z, preprocess=None)

    def _discriminate(self, images: Tensor, *sides: Side, weights: bool = True, inputs: bool = False) -> ForwardPass:
        gan = self.gan
        preprocess = None if gan.takes_images_unchanged else gan.preprocess(sides[0], images)
        with gan.group.sharded(gan.discriminator.network, *sides):
            return self._forward(gan.discriminator, images, preprocess, weights, inputs)

    def _forward(
        self, player: Player, x: Tensor, preprocess: Preprocess | None, weights: bool = True, inputs: bool = False
    ) -> ForwardPass:
        if self._splittable[player.network]:
            return PartsPass(player, x, inputs, preprocess or torch.clone, self._num_parts)
        if self._perceptrons[player.network] and preprocess is None and not is_hooked(player.network):
            return PerceptronPass(cast(Perceptron, player.network), x)
        with nullcontext() if weights else _frozen(player.network):
            return _AutogradPass(player, x, inputs, preprocess or torch.clone)

    def _g_loss_of(self, on_fake: DOutput, real_logits: Tensor) -> Callable[..., Tensor]:
        """G's loss as a function of D's outputs for its images."""
        return lambda outputs: self.gan.g_loss(self._changed(on_fake, outputs), real_logits)

    def _d_loss_of(
        self, on_real: DOutput, on_fake: DOutput, batch: Literal["separate", "joint"] = "separate"
    ) -> Callable[..., Tensor]:
        """D's loss as a function of its outputs for both batches."""
        return lambda real, fake: self.gan.d_loss(self._changed(on_real, real), self._changed(on_fake, fake), batch)

    def _changed(self, output: DOutput, outputs: Tensor) -> DOutput:
        return replace(output, outputs=outputs, logits=self.gan.logits(outputs, output.codes))


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Within the block no graph is recorded for gradients by the weights."""
    moving = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in moving:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in moving:
            parameter.requires_grad_(True)


def _image_and_weight_grads(
    fake_pass: ForwardPass, g_grad: Tensor, d_grad: Tensor, shares_factor: bool
) -> tuple[Tensor, Sequence[Tensor]]:
    """The gradient of G's loss by its images, and of D's loss by D's weights, from both losses' gradients by the logits [B].

    Where each of D's logits depends on its own image alone, the gradient by an image is the logit's times a factor that both
    losses share: one backward pass serves both, by the ratio of the logits' gradients. CPU only: on a GPU the test for division
    would synchronise.
    """
    if shares_factor and d_grad.device.type == "cpu" and (d_grad.abs() > 1e-20).all():
        ratio = g_grad / d_grad
        *weight_grads, image_grad = fake_pass.vjp(d_grad, weights=True, inputs=True)
        return image_grad * ratio.view(-1, *[1] * (image_grad.ndim - 1)), weight_grads
    (image_grad,) = fake_pass.vjp(g_grad, inputs=True, again=True)
    return image_grad, fake_pass.vjp(d_grad, weights=True)


def _total(gradients: Sequence[Sequence[Tensor]]) -> Sequence[Tensor]:
    """The sum over passes, weight by weight; not in place, since weights may share a gradient."""
    first, *others = gradients
    for other in others:
        first = [total + gradient for total, gradient in zip(first, other, strict=True)]
    return first
