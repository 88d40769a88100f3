"""Several seeds of one recipe in one process, round by round: each step of all seeds is one computation, so one CUDA graph.

The steps of different seeds do not depend on each other, and the graph has them side by side. Each seed draws as it does alone
and computes the same operations on the same values, so it keeps the bits of a run of its own.
"""

import copy
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor, nn

from sparring.config import devices
from sparring.errors import InputError, check
from sparring.optim.adam import update_together
from sparring.optim.ema import update_average
from sparring.training.adapt_strength import adapt_strength
from sparring.training.capture import Batch, EagerSteps, FixedInputs, GraphedSteps, Record, StepInputs
from sparring.training.engine import Engine, HalfStep, gradients_of
from sparring.training.gan import pack
from sparring.training.step import Readings, Update, apply_gradients

T = TypeVar("T")


@dataclass
class JoinedEngine(Engine):
    """An engine whose rounds are trained together with those of other seeds."""

    together: "Together" = field(init=False, repr=False)

    def train_round(self, round_: int) -> Readings:
        """This engine's readings of the round that all of them are at; the first one that asks trains it for all."""
        return self.together.readings(self, round_)

    def inputs(self, round_: int) -> Iterator[StepInputs]:
        """What the steps of a round take, move by move, under the values of this round."""
        self._set_knobs(round_)
        check(self.knobs.moves is None, "the number of moves", self.knobs.moves, "stay the recipe's where seeds train together")
        return self._inputs(round_)

    def half_step(self, inputs: StepInputs, before: Batch) -> HalfStep:
        """The first half of a step: its batch and the gradients."""
        assert self.fast
        return self._fast_step(self.fast, inputs, before)

    def apply(self, found: HalfStep, run: Callable[[Update], None]) -> Readings:
        """The second half of a step, of which `run` gets the update to be done."""
        self.last, gradients = found
        return apply_gradients(self.gan, self._without_held(gradients), run)


class Together:
    """Engines of one recipe with different seeds, which are at the same round of their trainings.

    record: how graphs are recorded, by default as CUDA graphs on CUDA; on other devices all steps are computed eagerly.
    Raises NotJoinableError for a recipe whose seeds cannot be trained in this way.
    """

    def __init__(self, engines: Sequence[JoinedEngine], record: Record | None = None):
        check_joinable(engines[0])
        self._record, self._device = record, engines[0].device
        self._found: dict[int, Readings] = {}
        self._branches = Branches(len(engines))
        self._error: Exception | None = None
        for engine in engines:
            engine.together, engine.steps = self, (FixedInputs if self._is_graphed else EagerSteps)(self._device)
        self._set_engines(engines)

    def leave(self, engine: JoinedEngine) -> None:
        """Train the others without this one from the next round on."""
        self._found.pop(engine.seed, None)
        self._set_engines([each for each in self.engines if each is not engine])

    def _set_engines(self, engines: Sequence[JoinedEngine]) -> None:
        self.engines, fast_steps = engines, [engine.fast for engine in engines if engine.fast]
        self.steps = GraphedSteps(fast_steps, self._device, self._record) if self._is_graphed else EagerSteps(self._device)

    @property
    def _is_graphed(self) -> bool:
        return self._record is not None or self._device.type == "cuda"

    def readings(self, engine: JoinedEngine, round_: int) -> Readings:
        """An engine's readings of a round. An error in a round is one of all engines."""
        if self._error:
            raise self._error
        if engine.seed not in self._found:
            assert not self._found, "another engine has not finished the round before"
            try:
                with devices.tf32(engine.recipe.precision == "tf32"):
                    found = self._train_round(round_)
            except Exception as error:
                self._error = error
                raise
            self._found = {each.seed: readings for each, readings in zip(self.engines, found, strict=True)}
        return self._found.pop(engine.seed)

    def _train_round(self, round_: int) -> list[Readings]:
        engines = self.engines
        readings: list[Readings] = [{} for _ in engines]
        batches: list[Batch] = [(torch.empty(0), torch.empty(0), None)] * len(engines)
        for inputs in zip(*(engine.inputs(round_) for engine in engines), strict=True):
            kind = tuple(each.kind for each in inputs)
            of_all = zip(engines, inputs, batches, strict=True)
            halves = [partial(engine.half_step, each, before) for engine, each, before in of_all]
            found = self.steps.run(kind, partial(self._branches, halves), compared=_gradients_of)
            batches = [batch for batch, _ in found]
            self._update(kind, found, readings)
        if engines[0].recipe.average:
            averages, originals, (decay, *_) = zip(*(engine.averaging(round_) for engine in engines), strict=True)
            self.steps.run(("average", decay), partial(update_average, [*chain(*averages)], [*chain(*originals)], decay))
        for engine in engines:
            adapt_strength(engine, round_)
            engine.steps.failure = self.steps.failure
            engine.steps.differences += self.steps.differences
        self.steps.differences.clear()
        return readings

    def _update(self, kind: Hashable, found: Sequence[HalfStep], readings: Sequence[Readings]) -> None:
        updates: list[Update] = []
        for engine, half, into in zip(self.engines, found, readings, strict=True):
            into |= engine.apply(half, updates.append)
        held = tuple((engine.knobs.g_held, engine.knobs.d_held) for engine in self.engines)
        constants, alike = tuple(update.constants for update in updates), _are_alike(updates)
        run = partial(self._run_alike if alike else self._branches, updates)
        self.steps.run(("update", kind, constants, held, alike), run, reads=kind)

    def _run_alike(self, updates: Sequence[Update]) -> None:
        """One call of Adam's kernel for the weights of all seeds."""
        for sides in zip(*(update.sides for update in updates), strict=True):
            update_together([player.optimizer for player, _ in sides], [gradients for _, gradients in sides])
        self._branches([update.finish for update in updates])


def _are_alike(updates: Sequence[Update]) -> bool:
    """True if the same sides move by the same numbers: not if somebody has steered one of the seeds."""
    rates = {tuple(player.optimizer.lr_value for player, _ in update.sides) for update in updates}
    return len(rates) == len({update.constants for update in updates}) == 1


class NotJoinableError(InputError):
    """Seeds cannot be trained together; the message is a clause that says why."""


class Branches:
    """Runs computations that do not depend on each other; while a CUDA graph is recorded, as branches of the graph.

    The streams stay the same, since memory that was freed on one is taken again on that one alone.
    """

    def __init__(self, num: int):
        self._num, self._streams = num, list[torch.cuda.Stream]()

    def __call__(self, computations: Sequence[Callable[[], T]]) -> list[T]:
        if not (torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()):
            return [compute() for compute in computations]
        trunk, results = torch.cuda.current_stream(), []
        self._streams = self._streams or [torch.cuda.Stream() for _ in range(self._num)]
        branches = self._streams[: len(computations)]
        for branch, compute in zip(branches, computations, strict=True):
            branch.wait_stream(trunk)
            with torch.cuda.stream(branch):
                results.append(compute())
        for branch in branches:
            trunk.wait_stream(branch)
        return results


def check_joinable(engine: Engine) -> None:
    """NotJoinableError where the seeds of an engine's recipe cannot be trained together."""
    if engine.recipe.non_finite.guards:
        raise NotJoinableError("a run that skips rounds or rolls back looks at every step of its own")
    z, (generator, discriminator) = engine.z(2 * engine.gan.packing, "joinable"), map(copy.deepcopy, engine.gan.networks)
    with torch.no_grad():
        drawing = _draws(generator, z) or _draws(discriminator, pack(generator(z), engine.gan.packing))
    if drawing:
        raise NotJoinableError("a layer draws from PyTorch's default generator, as dropout does, and a process has one of them")


def _draws(network: nn.Module, x: Tensor) -> bool:
    """True if a forward pass draws from PyTorch's default generator of the device."""
    module = torch if x.device.type == "cpu" else torch.get_device_module(x.device)
    before = module.get_rng_state()
    network(x)
    return not torch.equal(before, module.get_rng_state())


def _gradients_of(found: Sequence[HalfStep]) -> list[Tensor]:
    return [*chain.from_iterable(map(gradients_of, found))]
