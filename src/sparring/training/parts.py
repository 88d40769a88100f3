"""Gradient accumulation: a batch in parts, one after the other, with the gradients of the whole batch.

Losses see D's outputs for the whole batch, which are computed without a graph; then each part is computed again, for its share
of the gradient. So relativistic averages and LeCam are those of the whole batch, and one part's graph is in memory at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor

from sparring.distributed.rows import Rows, sharded
from sparring.distributed.single_process import Side
from sparring.training.gan import GAN, Preprocess
from sparring.training.gradient_penalties import Due, Judged, gradient_penalty
from sparring.training.player import Player


class PartsPass:
    """A batch's forward pass in `num` parts; dropout draws its masks for the whole batch at once."""

    outputs: Tensor

    def __init__(self, player: Player, x: Tensor, inputs: bool, preprocess: Preprocess, num: int):
        self._player = player
        self._inputs = x.detach().requires_grad_(inputs)
        with torch.enable_grad():
            self._seen = preprocess(self._inputs)
        self._spans = spans(len(self._seen), num)
        self._rng = _default_generator(x.device)
        self._state = self._rng.get_state()
        with torch.no_grad():
            self.outputs = torch.cat([self._part(span, self._seen[slice(*span)]) for span in self._spans])

    def vjp(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        """As of every forward pass; it may be called any number of times, as long as the weights stay."""
        parameters = self._player.optimizer.parameters * weights
        totals, by_seen, after = [torch.zeros_like(weight) for weight in parameters], [], self._rng.get_state()
        for span in self._spans:
            part = self._seen[slice(*span)].detach().requires_grad_(inputs)
            with torch.enable_grad():
                found = self._part(span, part)
            grads = [*torch.autograd.grad(found, [*parameters, *[part] * inputs], dy[slice(*span)])]
            if inputs:
                by_seen.append(grads.pop())
            for total, grad in zip(totals, grads, strict=True):
                total += grad
        self._rng.set_state(after)
        if inputs:
            totals += torch.autograd.grad(self._seen, self._inputs, torch.cat(by_seen), retain_graph=True)
        return totals

    def _part(self, span: tuple[int, int], x: Tensor) -> Tensor:
        """The network's outputs for some rows, with the random draws of the whole batch."""
        self._rng.set_state(self._state)
        with sharded(self._player.network, Rows(len(self._seen), (span,), self._rng, lambda own: own[None])):
            return self._player(x)


def spans(num_rows: int, num: int) -> list[tuple[int, int]]:
    """The first row of each part, and the one behind its last; no part is empty."""
    bounds = [num_rows * index // num for index in range(num + 1)]
    return [(first, behind) for first, behind in pairwise(bounds) if first < behind]


@contextmanager
def uniforms_of_part(gan: GAN, span: tuple[int, int], num_rows: int) -> Iterator[None]:
    """Within the block the uniforms of some rows are those that they have in the whole batch of `num_rows`."""
    first, behind = span

    def rows(side: Side, num_local: int, num: int, *address: str | int) -> Tensor:
        start, whole = (count * num_local // (behind - first) for count in (first, num_rows))  # num_local may be of packs
        return gan.draw_uniforms(side, whole, num, *address)[start : start + num_local]

    gan.uniform_source = rows
    try:
        yield
    finally:
        gan.uniform_source = None


def penalty_in_parts(
    gan: GAN, sides: Mapping[Side, Judged], due: Due, num: int
) -> tuple[Tensor | None, Sequence[Sequence[Tensor]]]:
    """The value of the gradient penalties `due` on as many real as generated images, and its gradients by D's weights."""
    num_rows, parameters = len(sides["real"][0]), gan.discriminator.optimizer.parameters
    values, weight_grads = [], []
    for span in spans(num_rows // gan.packing, num):
        rows = slice(span[0] * gan.packing, span[1] * gan.packing)
        real, fake = ((x[rows], None, None if codes is None else codes[rows]) for x, _, codes in (sides["real"], sides["fake"]))
        with uniforms_of_part(gan, (rows.start, rows.stop), num_rows), torch.enable_grad():
            value = gradient_penalty(gan, real, fake, due)
            if value is None:
                return None, ()
            share = value * (len(real[0]) / num_rows)
        values.append(share.detach())
        if share.requires_grad:
            weight_grads.append(torch.autograd.grad(share, parameters, materialize_grads=True))
    return torch.stack(values).sum(), weight_grads


def _default_generator(device: torch.device) -> torch.Generator:
    """The generator that layers draw from."""
    if device.type == "cuda":
        return torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    return torch.default_generator
