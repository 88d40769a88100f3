"""One move of D, one move of G, one round: the only place where gradients are made."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite
from typing import Literal, Protocol, cast

import torch
from torch import Tensor, nn

from sparring.losses import Loss
from sparring.networks.layers import perceptron
from sparring.networks.layers.perceptron import Perceptron, is_hooked
from sparring.networks.layers.traits import is_function, is_per_sample
from sparring.optim import AdamOptimizer
from sparring.recipe import Move, MoveBoth, MoveD, MoveG
from sparring.remedies import DivergenceError, NetworkName, Trouble

_foreach_norm = torch._foreach_norm  # pyright: ignore[reportPrivateImportUsage]  (one call for all weights)

Readings = dict[str, Tensor]
"""What a move reveals, detached: "g_loss" and "d_loss" (scalars, minimised), the logits of both batches in D's move
("real_logits", "fake_logits") and of G's own fakes in G's move ("g_fake_logits")."""


Side = Literal["real", "fake"]
BOTH: tuple[Side, ...] = ("real", "fake")


class Sharing(Protocol):
    """How a match is shared: some rows of each side's batch are here, the others elsewhere, and gradients are of all."""

    def showing(self, network: nn.Module, *sides: Side) -> AbstractContextManager[None]:
        """Within the block the network is shown the rows that are here, of one batch or of both in one."""
        ...

    def gather(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        """From the logits of the rows that are here those of the whole batches, in order."""
        ...

    def here(self, sides: Sequence[Side], whole: Sequence[Tensor]) -> Sequence[Tensor]:
        """Of what belongs to the whole batches the rows that are here."""
        ...

    def total(self, *gradients: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        """Each network's gradients, from those of the rows that are here."""
        ...


class Alone:
    """A match that is played here alone: all rows are here."""

    def showing(self, network: nn.Module, *sides: Side) -> AbstractContextManager[None]:
        return _NOTHING

    def gather(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        return logits

    def here(self, sides: Sequence[Side], whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return whole

    def total(self, *gradients: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        return gradients


_NOTHING = nullcontext()


class Pass(Protocol):
    """One way of a batch through a network."""

    outputs: Tensor

    def pull(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        """The vector-Jacobian product: from the gradient by the outputs, whose memory it may take, those by every weight, then
        that by the inputs. `again`: this is not the last time."""
        ...


class _AutogradPass:
    """A pass that PyTorch differentiates."""

    def __init__(self, network: nn.Module, parameters: list[Tensor], x: Tensor, inputs: bool):
        self._inputs, self._parameters = x.detach().requires_grad_(inputs), parameters
        with torch.enable_grad():
            self._graph = network(self._inputs.clone())  # a network may begin in place
        self.outputs = self._graph.detach()

    def pull(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> Sequence[Tensor]:
        wanted = self._parameters * weights + [self._inputs] * inputs
        return torch.autograd.grad(self._graph, wanted, dy, retain_graph=again)


@dataclass
class Player:
    """A network and what moves it."""

    network: nn.Module
    optimizer: AdamOptimizer
    gradients: Sequence[Tensor] = ()  # of the last move

    def __post_init__(self) -> None:
        network = self.network
        written_out = isinstance(network, Perceptron) and network.written_out  # asked once: it takes a while
        self._perceptron = cast(Perceptron, network) if written_out else None

    def run(self, x: Tensor, *, weights: bool = True, inputs: bool = False) -> Pass:
        """A batch through the network; its gradients by the weights or by the inputs can be asked for later."""
        if self._perceptron and not is_hooked(self._perceptron):
            return perceptron.Pass(self._perceptron, x)
        with nullcontext() if weights else self._held_still():
            return _AutogradPass(self.network, self.optimizer.parameters, x, inputs)

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move every weight against its gradient."""
        self.gradients = gradients
        self.optimizer.step(gradients)

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of the last move's gradient over all weights."""
        return torch.stack([gradient.norm() for gradient in self.gradients]).norm()

    @contextmanager
    def _held_still(self) -> Iterator[None]:
        """Within the block nothing is kept for gradients by the weights."""
        moving = [parameter for parameter in self.optimizer.parameters if parameter.requires_grad]
        for parameter in moving:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in moving:
                parameter.requires_grad_(True)


@dataclass
class Match:
    """The two players and what they play for.

    `guarded`: a move whose loss or gradient is not finite raises DivergenceError, before anybody steps.
    """

    generator: Player
    discriminator: Player
    loss: Loss
    kept: tuple[Tensor, Pass] | None = None  # z and G's pass, for a move on the same z
    guarded: bool = False
    sharing: Sharing = field(default_factory=Alone)

    def __post_init__(self) -> None:
        self.g_is_function = is_function(self.generator.network)
        self.d_is_function = is_function(self.discriminator.network)
        self.d_is_per_sample = is_per_sample(self.discriminator.network)

    @property
    def networks(self) -> tuple[nn.Module, nn.Module]:
        return self.generator.network, self.discriminator.network

    def generate(self, z: Tensor) -> Pass:
        """G's images of z."""
        with self.sharing.showing(self.generator.network, "fake"):
            return self.generator.run(z)

    def judge(self, images: Tensor, *sides: Side, weights: bool = True, inputs: bool = False) -> Pass:
        """D's logits of one side's images, or of both sides' in one batch."""
        with self.sharing.showing(self.discriminator.network, *sides):
            return self.discriminator.run(images, weights=weights, inputs=inputs)

    def g_loss(self, fake_logits: Tensor) -> Tensor:
        """The value that G minimises."""
        return average(self.loss.g_terms(fake_logits))

    def d_loss(self, real_logits: Tensor, fake_logits: Tensor, batch: Literal["separate", "joint"] = "separate") -> Tensor:
        """The value that D minimises."""
        return average(self.loss.d_terms(real_logits, fake_logits), batch)


@torch.no_grad()
def play(move: Move, match: Match, real: Tensor, z: Tensor, keep: bool = False) -> Readings:
    """Make one move. real: [B, *shape], z: [B', num_z], the rows that are here. `keep`: G's next move is on the same z and can
    use this one's fakes. The readings are those of the whole batches.

    Of a guarded match, raises DivergenceError where a loss or a gradient is not finite: nobody has stepped then.
    """
    return _PLAYS[type(move)](move, match, real, z, keep)


def move_d(move: MoveD, match: Match, real: Tensor, z: Tensor, keep: bool = False) -> Readings:
    fake = _fakes(move, match, z, keep)
    together = move.batch == "joint" or match.d_is_function
    if together:
        passes = [match.judge(torch.cat((real, fake)), *BOTH)]
        num_logits = len(passes[0].outputs) * len(real) // (len(real) + len(fake))
        logits = passes[0].outputs[:num_logits], passes[0].outputs[num_logits:]
    else:
        passes = [match.judge(real, "real"), match.judge(fake, "fake")]
        logits = passes[0].outputs, passes[1].outputs
    real_logits, fake_logits = match.sharing.gather(BOTH, logits)
    d_loss, slopes = differentiate(partial(match.d_loss, batch=move.batch), real_logits, fake_logits)
    slopes = match.sharing.here(BOTH, slopes)
    slopes = [torch.cat(tuple(slopes))] if together else slopes
    pulled = [side.pull(slope, weights=True) for side, slope in zip(passes, slopes, strict=True)]
    readings = {"d_loss": d_loss, "real_logits": real_logits, "fake_logits": fake_logits}
    _step(match, readings, (match.discriminator, _total(pulled)))
    return readings


def move_g(move: MoveG, match: Match, real: Tensor, z: Tensor, keep: bool = False) -> Readings:
    kept, match.kept = match.kept, None
    fakes = kept[1] if kept and kept[0] is z else match.generate(z)
    judged = match.judge(fakes.outputs, "fake", weights=False, inputs=True)
    (fake_logits,) = match.sharing.gather(["fake"], [judged.outputs])
    g_loss, slopes = differentiate(match.g_loss, fake_logits)
    (slope,) = match.sharing.here(["fake"], slopes)
    (by_image,) = judged.pull(slope, inputs=True)
    readings = {"g_loss": g_loss, "g_fake_logits": fake_logits}
    _step(match, readings, (match.generator, fakes.pull(by_image, weights=True)))
    return readings


def move_both(move: MoveBoth, match: Match, real: Tensor, z: Tensor, keep: bool = False) -> Readings:
    fakes = match.generate(z)
    on_real, on_fake = match.judge(real, "real"), match.judge(fakes.outputs, "fake", inputs=True)
    real_logits, fake_logits = match.sharing.gather(BOTH, (on_real.outputs, on_fake.outputs))
    g_loss, g_slopes = differentiate(match.g_loss, fake_logits)
    d_loss, d_slopes = differentiate(match.d_loss, real_logits, fake_logits)
    (g_slope,) = match.sharing.here(["fake"], g_slopes)
    real_slope, fake_slope = match.sharing.here(BOTH, d_slopes)
    by_itself = match.d_is_per_sample and on_fake.outputs.shape == z.shape[:1]
    by_image, of_fake = _both_ways(on_fake, g_slope, fake_slope, by_itself)
    d_gradients = _total([on_real.pull(real_slope, weights=True), of_fake])
    readings = {
        "g_loss": g_loss,
        "d_loss": d_loss,
        "real_logits": real_logits,
        "fake_logits": fake_logits,
        "g_fake_logits": fake_logits,
    }
    _step(match, readings, (match.generator, fakes.pull(by_image, weights=True)), (match.discriminator, d_gradients))
    return readings


_PLAYS = {MoveD: move_d, MoveG: move_g, MoveBoth: move_both}


def _step(match: Match, readings: Readings, *sides: tuple[Player, Sequence[Tensor]]) -> None:
    """Move the weights of each player against its gradients, here of some rows; of a guarded match, only if all is finite."""
    totals = match.sharing.total(*(gradients for _, gradients in sides))
    summed = [(player, gradients) for (player, _), gradients in zip(sides, totals, strict=True)]
    if match.guarded:
        _check_finite(match, readings, summed)
    for player, gradients in summed:
        player.step(gradients)


def _check_finite(match: Match, readings: Readings, sides: Sequence[tuple[Player, Sequence[Tensor]]]) -> None:
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
            raise DivergenceError(replace(Trouble.of(name, network_of(name), loss), batch=readings))
    index = next(index for index, total in enumerate(totals) if not total.isfinite())
    (player, gradients), worst = sides[index], int(norms[index].argmax())  # NaN counts as the greatest
    side: NetworkName = "generator" if player is match.generator else "discriminator"
    name = [name for name, _ in player.network.named_parameters()][worst]
    raise DivergenceError(replace(Trouble.of(f"gradient of {name}", side, gradients[worst]), batch=readings))


def network_of(reading: str) -> NetworkName:
    """The network that a reading is told of: what begins with g_ is G's, all else is what D says."""
    return "generator" if reading.startswith("g_") else "discriminator"


def _fakes(move: MoveD, match: Match, z: Tensor, keep: bool) -> Tensor:
    """G's images for D's move, [B', *shape]; kept with their way back for G's."""
    if keep:
        match.kept = z, match.generate(z)
        return match.kept[1].outputs
    generator = match.generator.network
    mode = inference(generator) if move.fakes_from == "inference" else nullcontext()
    with mode, match.sharing.showing(generator, "fake"):
        return generator(z)


def _both_ways(on_fake: Pass, g_slope: Tensor, d_slope: Tensor, by_itself: bool) -> tuple[Tensor, Sequence[Tensor]]:
    """G's gradient by its images, and D's by its weights, from the slopes of either loss by the logits [B].

    Where D takes each sample by itself, the gradient by an image is the slope times what is the same for both losses: one way
    back serves both, by the ratio of the slopes. On a GPU nobody waits to see whether they divide.
    """
    if by_itself and d_slope.device.type == "cpu" and d_slope.abs().min() > 1e-20:
        ratio = g_slope / d_slope
        *d_gradients, by_image = on_fake.pull(d_slope, weights=True, inputs=True)
        return by_image * ratio.view(-1, *[1] * (by_image.ndim - 1)), d_gradients
    (by_image,) = on_fake.pull(g_slope, inputs=True, again=True)
    return by_image, on_fake.pull(d_slope, weights=True)


def differentiate(value: Callable[..., Tensor], *logits: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """A scalar function of logits, and its gradients by them."""
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
def read(match: Match, real: Tensor, z: Tensor) -> Readings:
    """The values of both losses as they stand, in inference mode; nothing moves."""
    generator, discriminator = match.networks
    with inference(generator), inference(discriminator):
        logits = discriminator(real), discriminator(generator(z))
    real_logits, fake_logits = match.sharing.gather(BOTH, logits)
    return {
        "g_loss": match.g_loss(fake_logits),
        "d_loss": match.d_loss(real_logits, fake_logits),
        "real_logits": real_logits,
        "fake_logits": fake_logits,
        "g_fake_logits": fake_logits,
    }


def average(terms: Sequence[Tensor], batch: Literal["separate", "joint"] = "separate") -> Tensor:
    """The sum of the terms' means; for a joint batch the mean over all samples of all terms."""
    if batch == "joint":
        return torch.cat(tuple(terms)).mean()
    first, *others = (term.mean() for term in terms)
    return sum(others, start=first)


@contextmanager
def inference(network: nn.Module) -> Iterator[None]:
    """The network in inference mode (running statistics, no dropout) for the block; otherwise a match is in training mode."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
