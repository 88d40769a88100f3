"""The engine: the rounds of a recipe on a device, with their keyed randomness."""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import isfinite
from typing import Self

import torch
from torch import Tensor

from sparring.config import devices
from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.config.rng import derive_seed, keyed_generator
from sparring.data.sets import Dataset
from sparring.distributed.single_process import SingleProcess
from sparring.losses import is_probabilistic
from sparring.networks.layers.batch_norm import BatchNorm
from sparring.optim.ema import update_average
from sparring.recipe import Recipe, draws_real
from sparring.training.adapt_strength import adapt_strength
from sparring.training.batch_order import BatchOrder
from sparring.training.build import build_gan
from sparring.training.capture import Batch, EagerSteps, GraphedSteps, StepInputs
from sparring.training.checks import split_held_out
from sparring.training.clustering import find_clusters
from sparring.training.fast import FastSteps
from sparring.training.followed_cores import FollowedCores
from sparring.training.gan import GAN, StepContext
from sparring.training.guard import network_of
from sparring.training.knobs import Knobs, Orders
from sparring.training.readings import read_losses, summary
from sparring.training.real_batches import RealBatches, batches_of
from sparring.training.real_codes import RealCodes
from sparring.training.recorded import RecordedSteps, can_be_recorded
from sparring.training.settle import settle
from sparring.training.step import STEPS, Readings, StepGradients, Update, apply_gradients

HalfStep = tuple[Batch, StepGradients]
"""The results of a step's first half."""


def gradients_of(found: HalfStep) -> list[Tensor]:
    """The gradients of all sides."""
    return [gradient for _, gradients in found[1].sides for gradient in gradients]


@dataclass
class Engine:
    """A recipe on a device: its GAN, its real images, and the keyed randomness of every round."""

    recipe: Recipe
    seed: int
    data: Dataset
    real: RealBatches
    order: BatchOrder
    gan: GAN
    codes: RealCodes
    device: torch.device
    group: SingleProcess
    steps: EagerSteps
    fast: FastSteps | None
    last: Batch = field(init=False)  # of the last step
    lr_scale: float = 1.0  # factor of every learning rate, beside the recipe's schedules
    orders: Orders = field(default_factory=Orders)
    knobs: Knobs = field(default_factory=Knobs)  # of the last round
    held_out: Dataset | None = None  # for an adaptive augmentation
    cores: FollowedCores | None = None  # by default every round takes PyTorch's number of threads

    @classmethod
    def build(
        cls,
        recipe: Recipe,
        data: Dataset,
        seed: int,
        device: torch.device,
        group: SingleProcess | None = None,
        fast: bool = True,
        graphed: bool | None = None,
    ) -> Self:
        """The engine with both networks at their initial values; the images are moved to the device. `group`: by default this
        process alone. `fast`: the steps of `training.fast`, else those of `training.step`. `graphed`: fast steps are recorded
        as CUDA graphs; by default on CUDA, in a single process. What is "auto" in the recipe is chosen (`settle`).

        Raises InputError as `build_gan`, and for data that are too few to hold any out for an adaptive augmentation.
        """
        group, recipe = group or SingleProcess(), settle(recipe, data, device).recipe
        recipe, clusters = find_clusters(recipe, data, seed)
        gan = build_gan(recipe, data, seed, device, group, fast)
        codes = RealCodes.of(gan, device, clusters)
        data, held_out = split_held_out(recipe, data)
        order = BatchOrder(recipe.order, len(data), recipe.batch_size, seed, recipe.needs_full_batches)
        held_out = held_out.to(device) if held_out else None
        fast_steps = FastSteps(gan, recipe.accumulate) if fast else None
        if graphed is None:
            graphed = device.type == "cuda" and group.size == 1 and recipe.accumulate == 1
        if fast_steps and graphed:
            steps = GraphedSteps([fast_steps], device)
        elif fast_steps and device.type == "cpu" and group.size == 1 and can_be_recorded(recipe, gan):
            steps = RecordedSteps(gan, device)
        else:
            steps = EagerSteps(device)
        data = data.to(device)
        real = batches_of(data, recipe.batch_size)
        return cls(recipe, seed, data, real, order, gan, codes, device, group, steps, fast_steps, held_out=held_out)

    def images_before(self, round_: int) -> int:
        """The number of real images shown to D in the first `round_` rounds."""
        return self.order.images_before(self.orders.batches_before(round_, self.recipe.round))

    def train_round(self, round_: int) -> Readings:
        """Train one round (the first is 0): its steps in order, then the moving average of G; returns the steps' readings.

        Raises DivergenceError where a value is not finite. Under a policy that guards, this is a loss or a gradient of any
        step; that step has not changed a weight then, later steps were not taken, and all buffers are as before the round.
        Otherwise it is one of the losses, after all steps, and on the CPU alone: on a GPU losses are read only in rounds that
        are journalled, so that no round waits for the device.
        """
        self._set_knobs(round_)
        readings: Readings = {}
        batch: Batch = torch.empty(0), torch.empty(0), None
        kind, inputs = self._kind(round_), self._inputs(round_)
        with devices.tf32(self.recipe.precision == "tf32"), self._guarded(readings):
            if played := self.steps.played(kind, inputs):
                found, self.last = played
                readings |= found
            else:
                for each in self.steps.noted(kind, inputs, readings, lambda: self.last):
                    if self.fast is None:
                        batch = self._batch(each, batch)
                        gradients = STEPS[type(each.move)](each.move, self.gan, *batch)
                    else:
                        compute = partial(self._fast_step, self.fast, each, batch)
                        batch, gradients = self.steps.run(each.kind, compute, compared=gradients_of)
                    self.last = batch
                    readings |= apply_gradients(self.gan, self._without_held(gradients), partial(self._run_update, each.kind))
                    self.group.all_reduce_mean(self._own_statistics)
        if self.recipe.average:
            average, original, decay = self.averaging(round_)
            self.steps.run(("average", decay), partial(update_average, average, original, decay))
        adapt_strength(self, round_)
        return readings

    def _kind(self, round_: int) -> Hashable:
        """Rounds of one kind are the same operations on tensors of the same shapes; None where a side is held still."""
        moves, first = self.knobs.round_of(self.recipe.round).moves, self.orders.batches_before(round_, self.recipe.round)
        sizes = tuple(self.order.size(first + index) for index in range(sum(map(draws_real, moves))))
        due = tuple(round_ % penalty.every == 0 for penalty in self.recipe.penalties)
        return None if self.knobs.g_held or self.knobs.d_held else (moves, sizes, due, self.gan.context.gamma_has_faded)

    @contextmanager
    def _guarded(self, readings: Readings) -> Iterator[None]:
        """Within the block, the steps of a round: DivergenceError with the round's batch where a value is not finite; a guarded
        GAN's buffers are then as before."""
        if not self.gan.guarded:
            yield
            return self._check_losses(readings)
        buffers = [(buffer, buffer.clone()) for network in self.gan.networks for buffer in network.buffers()]
        try:
            yield
        except DivergenceError as error:
            for buffer, before in buffers:
                buffer.copy_(before)
            if self.fast:
                self.fast.reused = None
            raise self._diverged(error.non_finite, {**readings, **error.non_finite.batch}) from None

    def _set_knobs(self, round_: int) -> None:
        """Set learning rates, Adam's beta2, gammas and the augmentation's strength to their values in this round."""
        scheduled = Knobs.scheduled(self.recipe, round_, self.images_before(round_), len(self.data))
        self.knobs = knobs = self.orders.on(scheduled, round_)
        sides = (self.gan.generator, knobs.g_lr), (self.gan.discriminator, knobs.d_lr)
        for player, lr in sides:
            player.optimizer.lr_factor = self.lr_scale * lr
            player.optimizer.beta2 = player.optimizer.settings.beta2 if knobs.beta2 is None else knobs.beta2
        strength = knobs.strength
        if "strength" in self.gan.memory:
            strength *= self.gan.memory["strength"].item()
        gamma = self.steps.number("gamma", knobs.gamma) if knobs.gamma else 0.0  # without gamma it is another computation
        self.gan.context = StepContext(round_, gamma, self.steps.number("strength", strength))

    def _without_held(self, found: StepGradients) -> StepGradients:
        """The gradients of the sides that may step in this round."""
        if not (self.knobs.g_held or self.knobs.d_held):
            return found
        held = self.gan.generator if self.knobs.g_held else None, self.gan.discriminator if self.knobs.d_held else None
        moving = []
        for player, gradients in found.sides:
            if any(player is h for h in held):
                (player.gradients,) = self.group.all_reduce_grads(gradients)  # whose norms are read
            else:
                moving.append((player, gradients))
        return replace(found, sides=tuple(moving))

    def _inputs(self, round_: int) -> Iterator[StepInputs]:
        """What the steps of a round take, move by move; the draws within a step are seeded when it comes."""
        batch, z, sizes = self.orders.batches_before(round_, self.recipe.round), torch.empty(0), ()
        due = tuple(round_ % penalty.every == 0 for penalty in self.recipe.penalties)
        context, moves = self.gan.context, self.knobs.round_of(self.recipe.round).moves
        self.group.set_round(round_)
        for index, move in enumerate(moves):
            chosen = ahead = None
            if draws_real(move):
                indices = self.group.shard("real", self.order.indices(batch))
                chosen, ahead = self.steps.input(("indices", index), indices), self.real.ahead(indices)
                ahead = None if ahead is None else self.steps.input(("images", index), ahead)
                sizes += (len(chosen),)
                batch += 1
            if move.z == "fresh":
                z = self.steps.input(("z", index), self.group.shard("fake", self.z(self.recipe.batch_size, "z", round_, index)))
            self._seed_networks(round_, index)
            self.gan.context = replace(context, seed=derive_seed(self.seed, "turn", round_, index))
            next_move = moves[index + 1] if index + 1 < len(moves) else None
            kind = index, move, next_move, sizes, due, context.gamma_has_faded
            yield StepInputs(move, next_move, kind, chosen, ahead, z)
            if ahead is not None and self.group.size == 1:  # each of several processes has a share, which its step asks for
                self.real.prepare(self.order.indices(batch))

    def _batch(self, inputs: StepInputs, before: Batch) -> Batch:
        """The batch of a step: new real images where the move draws any, else those of the step before."""
        if inputs.chosen is None:
            return before[0], inputs.z, before[2]
        real = self.real.batch(inputs.chosen, inputs.ahead)
        return real, inputs.z, self.codes(real, self.data, inputs.chosen)

    def _fast_step(self, fast: FastSteps, inputs: StepInputs, before: Batch) -> HalfStep:
        batch = self._batch(inputs, before)
        return batch, fast(inputs.move, *batch, next_move=inputs.next_move)

    def _run_update(self, step: Hashable, update: Update) -> None:
        self.steps.run(("update", step, update.constants, self.knobs.g_held, self.knobs.d_held), update, reads=step)

    def _check_losses(self, readings: Readings) -> None:
        if self.device.type == "cpu":
            for name in ("g_loss", "d_loss"):
                if not isfinite(readings[name].item()):
                    raise self._diverged(NonFiniteValue.of(name, network_of(name), readings[name]), readings)

    def _diverged(self, found: NonFiniteValue, readings: Readings) -> DivergenceError:
        """The error for a non-finite value of the last round, with its batch."""
        real, z, codes = self.last
        known = {"real": real, "z": z} if len(real) else {"z": z}  # G's step may come before real images are drawn
        known |= {} if codes is None else {"codes": codes}
        return DivergenceError(replace(found, batch={**known, **readings}))

    def numbers(self, readings: Readings) -> dict[str, float | None]:
        """The numbers of a round for the journal; both losses are computed again where the recipe reads them "after".

        Raises DivergenceError where one is not finite.
        """
        if self.recipe.round.read == "after":
            readings = readings | read_losses(self.gan, *self.last)
        self.group.synchronize()
        norms = (self.gan.generator.gradient_norm(), self.gan.discriminator.gradient_norm())
        readings = readings | dict(zip(("g_gradient", "d_gradient"), norms, strict=True))
        memory = self.gan.memory
        readings |= {name: memory[name].to(self.device) for name in ("d_penalty", "strength") if name in memory}
        numbers = summary(readings, is_probabilistic(self.recipe.loss))
        self._check_numbers(numbers, readings)
        return numbers

    def _check_numbers(self, numbers: Mapping[str, float | None], readings: Readings) -> None:
        for name, value in numbers.items():
            if value is not None and not isfinite(value):
                raise self._diverged(NonFiniteValue(name, network_of(name), str(value)), readings)

    def z(self, num: int, *address: str | int) -> Tensor:
        """The z at this address, [num, num_z]."""
        return self.recipe.z.sample(num, keyed_generator(self.device, self.seed, *address))

    def averaging(self, round_: int) -> tuple[list[Tensor], list[Tensor], float]:
        """What `update_average` takes after a round."""
        assert self.recipe.average
        before, images = self.images_before(round_), self.images_before(round_ + 1)
        return *self._average_and_original, self.recipe.average.decay(images, images - before)

    @cached_property
    def _average_and_original(self) -> tuple[list[Tensor], list[Tensor]]:
        """The tensors of the moving average, and those of G: always the same memory."""
        assert self.gan.g_ema is not None
        return list(self.gan.g_ema.state_dict().values()), list(self.gan.generator.network.state_dict().values())

    @cached_property
    def _own_statistics(self) -> list[Tensor]:
        """Running statistics of batch norms that see the local rows alone."""
        if self.group.size == 1 or self.recipe.batch_norm == "synchronised":
            return []
        layers = [layer for network in self.gan.networks for layer in network.modules() if isinstance(layer, BatchNorm)]
        return [values for layer in layers for values in (layer.running_mean, layer.running_var) if values is not None]

    def _seed_networks(self, *address: int) -> None:
        """Seed PyTorch's default generators, which layers such as dropout draw from."""
        seed = self.group.layer_seed(derive_seed(self.seed, "network", *address))
        torch.default_generator.manual_seed(seed)
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)
