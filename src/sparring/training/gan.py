"""A GAN in training: both networks with their optimisers, the loss, and all that a recipe adds to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from sparring.augment import Adaptive, Augment
from sparring.conditions import Condition
from sparring.config.rng import keyed_generator
from sparring.distributed.single_process import Side, SingleProcess
from sparring.losses import Loss, RelativisticLoss
from sparring.networks.latents import Code
from sparring.networks.layers.traits import is_function, is_per_sample
from sparring.penalties import Constraint, LogitPenalty, Penalty
from sparring.training.player import ForwardPass, Player, Preprocess

UniformSource = Callable[..., Tensor]


@dataclass(frozen=True)
class DOutput:
    """D's outputs for a batch, [B] or with a condition [B, 1 + n], and the codes of its images, [B, classes + continuous]."""

    outputs: Tensor
    codes: Tensor | None = None


@dataclass(frozen=True)
class StepContext:
    """The values that a step depends on beside its batches: the round, the factor of every penalty's gamma, the strength of the
    augmentation, and the seed of all draws but z. In a recorded step factor and strength are tensors, to be filled before."""

    round: int = 0
    gamma_factor: float | Tensor = 1.0
    strength: float | Tensor = 1.0
    seed: int = 0

    @property
    def gamma_has_faded(self) -> bool:
        """True where a schedule has brought gamma to 0."""
        return not isinstance(self.gamma_factor, Tensor) and self.gamma_factor == 0


@dataclass
class GAN:
    """Both networks with their optimisers, and what they are trained by.

    `guarded`: a step whose loss or gradient is not finite raises DivergenceError before any weight changes. `code`: the
    distribution of z whose columns the condition is about. `memory`: tensors that persist from step to step, such as running
    means of logits.
    """

    generator: Player
    discriminator: Player
    loss: Loss | RelativisticLoss
    reused_fakes: tuple[Tensor, ForwardPass] | None = None  # z and G's forward pass, for a step on the same z
    guarded: bool = False
    group: SingleProcess = field(default_factory=SingleProcess)
    penalties: tuple[Penalty | LogitPenalty, ...] = ()
    constraint: Constraint | None = None
    packing: int = 1
    condition: Condition | None = None
    code: Code | None = None
    augment: Augment | None = None
    g_ema: nn.Module | None = None  # the exponential moving average of G
    context: StepContext = field(default_factory=StepContext)
    memory: dict[str, Tensor] = field(default_factory=dict)
    uniform_source: UniformSource | None = None  # where uniforms come from, if not from their own generators

    def __post_init__(self) -> None:
        self.g_is_function = is_function(self.generator.network)
        self.d_is_function = is_function(self.discriminator.network)
        self.d_is_per_sample = is_per_sample(self.discriminator.network)
        device = self.discriminator.optimizer.parameters[0].device
        for index, penalty in self.logit_penalties:
            self.memory[f"penalty.{index}"] = penalty.initial().to(device)
        if len(self.logit_penalties) < len(self.penalties):
            self.memory["d_penalty"] = torch.zeros((), device=device)
        if isinstance(self.augment, Adaptive):
            self.memory["strength"] = torch.zeros(())  # on the CPU, so that no round waits for the device to read it

    @property
    def networks(self) -> tuple[nn.Module, nn.Module]:
        return self.generator.network, self.discriminator.network

    @property
    def g_eval(self) -> nn.Module:
        """The generator that samples are drawn from: the moving average, where there is one."""
        return self.g_ema or self.generator.network

    @property
    def logit_penalties(self) -> list[tuple[int, LogitPenalty]]:
        """The penalties on D's logits, with their places among all penalties."""
        return [(index, penalty) for index, penalty in enumerate(self.penalties) if isinstance(penalty, LogitPenalty)]

    @property
    def takes_images_unchanged(self) -> bool:
        """True without augmentation and packing."""
        return self.augment is None and self.packing == 1

    def generate(self, z: Tensor) -> ForwardPass:
        """G's images of z."""
        with self.group.sharded(self.generator.network, "fake"):
            return self.generator.forward(z)

    def discriminate(self, images: Tensor, *sides: Side, weights: bool = True, inputs: bool = False) -> ForwardPass:
        """D's outputs for one side's images, or for both sides' in one batch."""
        preprocess = None if self.takes_images_unchanged else self.preprocess(sides[0], images)
        with self.group.sharded(self.discriminator.network, *sides):
            return self.discriminator.forward(images, weights=weights, inputs=inputs, preprocess=preprocess)

    def preprocess(self, side: Side, images: Tensor) -> Preprocess:
        """The augmentation and packing of this side's images in this step, as a function."""
        augment = self.augment
        if augment is None:
            return lambda images: pack(images.clone(), self.packing)
        num = augment.num_uniforms(tuple(images.shape[1:]))
        uniforms = self.uniforms(side, len(images), num, "augment").to(images.dtype)
        return lambda images: pack(augment(images, uniforms, self.context.strength), self.packing)

    def uniforms(self, side: Side, num_local: int, num: int, *address: str | int) -> Tensor:
        """[num_local, num] numbers of U(0, 1) for the local rows of one side's batch, whatever the number of processes."""
        return (self.uniform_source or self.draw_uniforms)(side, num_local, num, *address)

    def draw_uniforms(self, side: Side, num_local: int, num: int, *address: str | int) -> Tensor:
        """The same, from a generator of their own."""
        device = self.discriminator.optimizer.parameters[0].device
        rng = keyed_generator(device, self.context.seed, side, *address)
        whole = torch.rand(self.group.global_num(side, num_local), num, generator=rng, device=device)
        return self.group.local([side], [whole])[0]

    def logits(self, outputs: Tensor, codes: Tensor | None) -> Tensor:
        """The logits [B] among D's outputs for images of these codes."""
        return outputs if self.condition is None or codes is None else self.condition.logits(outputs, codes)

    def codes_of(self, z: Tensor) -> Tensor | None:
        """The codes of the images generated from z, [B, classes + continuous]; None without a condition."""
        return None if self.code is None else self.code.codes(z)

    def g_loss(self, fake: DOutput, real_logits: Tensor) -> Tensor:
        """The value that G minimises."""
        fake_logits = self.logits(fake.outputs, fake.codes)
        if isinstance(self.loss, RelativisticLoss):
            terms = self.loss.g_terms(fake_logits, real_logits)
        else:
            terms = self.loss.g_terms(fake_logits)
        return reduce_mean((*terms, *self._fake_terms(fake)))

    def d_loss(self, real: DOutput, fake: DOutput, batch: Literal["separate", "joint"] = "separate") -> Tensor:
        """The value that D minimises, without gradient penalties (R1, R2, WGAN-GP): `d_step` adds their gradients."""
        logits = self.logits(real.outputs, real.codes), self.logits(fake.outputs, fake.codes)
        terms = [*self.loss.d_terms(*logits), *self._fake_terms(fake)]
        if self.condition and self.code and real.codes is not None:
            terms += self.condition.real_terms(real.outputs, real.codes, self.code.classes)
        for index, penalty in self.logit_penalties:
            if self.context.round % penalty.every == 0:
                values = penalty.values(*logits, self.memory[f"penalty.{index}"])
                terms += [self.context.gamma_factor * (penalty.every * each) for each in values]
        return reduce_mean(terms, batch)

    def _fake_terms(self, fake: DOutput) -> tuple[Tensor, ...]:
        if self.condition is None or self.code is None or fake.codes is None:
            return ()
        return self.condition.fake_terms(fake.outputs, fake.codes, self.code.classes)


def pack(images: Tensor, num: int) -> Tensor:
    """[B, C, ...] -> [B // num, num C, ...]: `num` images side by side in their channels; a rest is left out."""
    if num == 1:
        return images
    packs = len(images) // num
    return images[: packs * num].reshape(packs, num * images.shape[1], *images.shape[2:])


def unpack(packs: Tensor, num: int) -> Tensor:
    """The images of packs, in order."""
    return packs if num == 1 else packs.reshape(len(packs) * num, packs.shape[1] // num, *packs.shape[2:])


def reduce_mean(terms: Sequence[Tensor], batch: Literal["separate", "joint"] = "separate") -> Tensor:
    """The sum of the terms' means; for a joint batch the mean over all samples of all terms."""
    if batch == "joint":
        return torch.cat(tuple(terms)).mean()
    first, *others = (term.mean() for term in terms)
    return sum(others, start=first)
