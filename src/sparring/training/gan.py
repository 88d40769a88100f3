"""A GAN in training: both networks with their optimisers, the loss, and all that a recipe adds to them."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Literal, cast

import torch
from torch import Tensor, nn

from sparring.augment import Adaptive, Augment
from sparring.conditions import Condition
from sparring.config.rng import keyed_generator
from sparring.distributed.single_process import Side, SingleProcess
from sparring.losses import Loss, RelativisticLoss
from sparring.networks.latents import Code
from sparring.networks.layers.dropout import shared_masks
from sparring.penalties import Constraint, LogitPenalty, Penalty
from sparring.training.player import Player, inference

Preprocess = Callable[[Tensor], Tensor]
UniformSource = Callable[..., Tensor]


@dataclass(frozen=True)
class DOutput:
    """D's outputs for a whole batch, [B] or with a condition [B, 1 + n], and one more where D minimises a value of its own; the
    logits [B] among them; and the codes of the images, [B, classes + continuous]."""

    outputs: Tensor
    logits: Tensor
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

    @property
    def due_penalties(self) -> list[Penalty]:
        """The gradient penalties of this round."""
        return [p for p in self.penalties if isinstance(p, Penalty) and self.context.round % p.every == 0]

    def generate(self, z: Tensor) -> Tensor:
        """G's images of z."""
        with self.group.sharded(self.generator.network, "fake"):
            return self.generator(z)

    @torch.no_grad()
    def held_fakes(self, z: Tensor, mode: Literal["training", "inference"]) -> Tensor:
        """G's images for a step in which it is held still; `mode`: that of G's batch norm and dropout."""
        with inference(self.generator.network) if mode == "inference" else nullcontext():
            return self.generate(z)

    @torch.no_grad()
    def held_logits(self, real: Tensor, codes: Tensor | None) -> Tensor:
        """The logits of the whole batch of real images, for a step in which D is held still."""
        (on_real,) = self.gather(["real"], [self.discriminate(real, "real")], [codes])
        return on_real.logits

    def leaves(self, *images: Tensor) -> list[Tensor]:
        """The images as leaves of a new graph, where a penalty takes gradients by them."""
        at_samples = any(penalty.at_samples for penalty in self.due_penalties) and not self.discriminator.bf16
        needed = at_samples and not self.context.gamma_has_faded
        return [each.detach().requires_grad_(needed) for each in images]

    def discriminate(self, images: Tensor, *sides: Side) -> Tensor:
        """D's outputs for one side's images, or for both sides' in one batch; what D sees is augmented and packed."""
        with self.group.sharded(self.discriminator.network, *sides):
            return self.discriminator(self.preprocess(sides[0], images)(images))

    def discriminate_alike(self, batches: Sequence[Tensor], side: Side) -> Tensor:
        """D's outputs for batches of one size, in one pass, with the same augmentation and dropout for all of them."""
        network = self.discriminator.network
        with self.group.sharded(network, side), shared_masks(network, len(batches)):
            preprocess = self.preprocess(side, batches[0])
            return self.discriminator(torch.cat([preprocess(images) for images in batches]))

    def gather(self, sides: Sequence[Side], outputs: Sequence[Tensor], codes: Sequence[Tensor | None]) -> list[DOutput]:
        """D's outputs for whole batches, from those for the local rows."""
        whole = self.group.gather(sides, outputs)
        known = self.group.gather(sides, cast(Sequence[Tensor], codes)) if self.condition else [None] * len(whole)
        return [DOutput(found, self.logits(found, of), of) for found, of in zip(whole, known, strict=True)]

    def preprocess(self, side: Side, images: Tensor) -> Preprocess:
        """The augmentation and packing of this side's images in this step, as a function. It returns a new tensor, since a
        network may begin with an operation in place."""
        augment, strength = self.augment, self.context.strength
        if augment is None or (not isinstance(strength, Tensor) and strength == 0):  # which changes nothing
            return lambda images: pack(images.clone(), self.packing)
        num = augment.num_uniforms(tuple(images.shape[1:]))
        uniforms = self.uniforms(side, len(images), num, "augment").to(images.dtype)
        return lambda images: pack(augment(images, uniforms, strength), self.packing)

    def uniforms(self, side: Side, num_local: int, num: int, *address: str | int) -> Tensor:
        """[num_local, num] numbers of U(0, 1) for the local rows of one side's batch, whatever the number of processes."""
        return (self.uniform_source or self.draw_uniforms)(side, num_local, num, *address)

    def draw_uniforms(self, side: Side, num_local: int, num: int, *address: str | int) -> Tensor:
        """The same, from a generator of their own."""
        device = self.discriminator.optimizer.parameters[0].device
        rng = keyed_generator(device, self.context.seed, side, *address)
        whole = torch.rand(self.group.global_num(side, num_local), num, generator=rng, device=device)
        return self.group.local([side], [whole])[0]

    @property
    def num_outputs(self) -> int:
        """D's outputs for an image: the logit, and those of the condition."""
        return 1 + self.condition.num_outputs(self.code) if self.condition and self.code else 1

    def verdicts(self, outputs: Tensor) -> Tensor:
        """D's outputs [B], or [B, num_outputs], without the values of its own that it minimises beside them."""
        if outputs.ndim == 1 or outputs.shape[1] == self.num_outputs:
            return outputs
        return outputs[:, 0] if self.num_outputs == 1 else outputs[:, : self.num_outputs]

    def own_terms(self, outputs: Tensor) -> tuple[Tensor, ...]:
        """The values that D minimises by itself, if it has such an output: of fastgan the errors of the reconstruction, [B]."""
        has_own = outputs.ndim == 2 and outputs.shape[1] > self.num_outputs
        return (outputs[:, -1],) if has_own else ()

    def logits(self, outputs: Tensor, codes: Tensor | None) -> Tensor:
        """The logits [B] among D's outputs for images of these codes."""
        verdicts = self.verdicts(outputs)
        return verdicts if self.condition is None or codes is None else self.condition.logits(verdicts, codes)

    def codes_of(self, z: Tensor) -> Tensor | None:
        """The codes of the images generated from z, [B, classes + continuous]; None without a condition."""
        return None if self.code is None else self.code.codes(z)

    def g_loss(self, fake: DOutput, real_logits: Tensor) -> Tensor:
        """The value that G minimises."""
        beside = (real_logits,) if isinstance(self.loss, RelativisticLoss) else ()
        return reduce_mean([*self.loss.g_terms(fake.logits, *beside), *self.condition_terms(fake)])

    def d_loss(self, real: DOutput, fake: DOutput, batch: Literal["separate", "joint"] = "separate") -> Tensor:
        """The value that D minimises, without gradient penalties."""
        return reduce_mean([*self.loss.d_terms(real.logits, fake.logits), *self.further_d_terms(real, fake)], batch)

    def further_d_terms(self, real: DOutput, fake: DOutput) -> list[Tensor]:
        """What D minimises beside the loss: the condition's terms, its own, and the penalties on logits that are due in this
        round."""
        terms = [*self.condition_terms(fake), *self.own_terms(real.outputs)]
        if self.condition and self.code and real.codes is not None:
            terms += self.condition.real_terms(self.verdicts(real.outputs), real.codes, self.code.classes)
        for index, penalty in self.logit_penalties:
            if self.context.round % penalty.every == 0:
                values = penalty.values(real.logits, fake.logits, self.memory[f"penalty.{index}"])
                terms += [self.context.gamma_factor * (penalty.every * each) for each in values]
        return terms

    def condition_terms(self, fake: DOutput) -> tuple[Tensor, ...]:
        """The condition's terms on generated images, which both sides minimise."""
        if self.condition is None or self.code is None or fake.codes is None:
            return ()
        return self.condition.fake_terms(self.verdicts(fake.outputs), fake.codes, self.code.classes)

    def remember(self, real_logits: Tensor, fake_logits: Tensor) -> None:
        """Update the memory of the penalties on logits, after a step of D."""
        for index, penalty in self.logit_penalties:
            memory = self.memory[f"penalty.{index}"]
            memory.copy_(penalty.remember(memory, real_logits, fake_logits))


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
