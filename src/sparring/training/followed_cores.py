"""Rounds that take as many threads as there are free cores, where that changes no bit."""

import copy
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from sparring.config.non_finite import DivergenceError
from sparring.config.threads import CoreUse, own_number, suitable
from sparring.training.capture import EagerSteps

if TYPE_CHECKING:
    from sparring.training.engine import Engine

EVERY = 1.0  # seconds between two looks at the cores


class FollowedCores:
    """Looks at the cores every second, and trains the next rounds with a thread for each that is free, at most `most`.

    Only with a number of threads that gives the same bits as the run's own, which is tried on copies of the engine: most matrix
    products are split by rows, but gradients of convolutions are sums of the threads' parts.
    """

    def __init__(self, most: int):
        self._most, self._number = most, torch.get_num_threads()
        self._same_bits: dict[int, bool] = {self._number: True}
        self._since = CoreUse.now()

    def threads_of(self, engine: "Engine", round_: int) -> AbstractContextManager[None]:
        """A context in which PyTorch has the threads for this round of this engine."""
        if time.monotonic() - self._since.seconds > EVERY:
            self._look(engine, round_)
        return own_number(self._number)

    def _look(self, engine: "Engine", round_: int) -> None:
        now = CoreUse.now()
        most = suitable(self._most, self._since.free_since(now))
        self._since = now
        for number in range(most, 0, -1):
            if number not in self._same_bits:
                self._same_bits[number] = has_same_bits(engine, round_, number)
            if self._same_bits[number]:
                self._number = number
                break


def has_same_bits(engine: "Engine", round_: int, number: int) -> bool:
    """True if this round, and one with an epoch's last, shorter batch, change all weights alike with so many threads.

    False for an engine that cannot be copied, such as one whose network, of the user's own, keeps outputs with their graph.
    """
    if any(isinstance(layer, _ConvNd | _BatchNorm) for network in engine.gan.networks for layer in network.modules()):
        return False
    last = (engine.order.batches_per_epoch - 1) // engine.recipe.round.num_batches
    try:
        return all(
            torch.equal(ours, theirs)
            for each in (round_, last)
            for ours, theirs in zip(_after(engine, each, torch.get_num_threads()), _after(engine, each, number), strict=True)
        )
    except (DivergenceError, RuntimeError, TypeError):  # of a copy; what ails the run itself its own rounds will say
        return False


def _after(engine: "Engine", round_: int, number: int) -> list[Tensor]:
    """The weights that a copy of the engine has after this round."""
    memo: dict[int, object] = {id(shared): shared for shared in (engine.data, engine.held_out, engine.cores)}
    memo[id(engine.steps)] = EagerSteps(engine.device)  # what is recorded is about the engine's own weights
    if engine.fast:
        memo[id(engine.fast.reused)] = None  # its graph can be used once
    played = copy.deepcopy(engine, memo)
    with own_number(number):
        played.train_round(round_)
    return [tensor for network in played.gan.networks for tensor in network.state_dict().values()]
