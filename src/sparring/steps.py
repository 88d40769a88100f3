"""One move of D, one move of G, one round: the only place where gradients are made."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Literal, Protocol, cast

import torch
from torch import Tensor, nn

from sparring import keys
from sparring.augment import Adaptive, Augment
from sparring.conditions import Condition
from sparring.losses import Loss, RelativisticLoss
from sparring.networks.layers import perceptron
from sparring.networks.layers.perceptron import Perceptron, is_hooked
from sparring.networks.layers.traits import is_function, is_per_sample
from sparring.noise import Code
from sparring.optim import AdamOptimizer
from sparring.penalties import Constraint, LogitPenalty, Penalty
from sparring.recipe import Move, MoveBoth, MoveD, MoveG
from sparring.remedies import DivergenceError, NetworkName, Trouble

_foreach_norm = torch._foreach_norm  # pyright: ignore[reportPrivateImportUsage]  (one call for all weights)

Readings = dict[str, Tensor]
"""What a move reveals, detached: "g_loss" and "d_loss" (scalars, minimised), the logits of both batches in D's move
("real_logits", "fake_logits") and of G's own fakes in G's move ("g_fake_logits")."""


Side = Literal["real", "fake"]
BOTH: tuple[Side, ...] = ("real", "fake")

Sight = Callable[[Tensor], Tensor]
"""What becomes of images before D sees them; never the very tensor, since a network may begin in place."""


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

    def num(self, side: Side, here: int) -> int:
        """How many rows one side's whole batch has, of which so many are here."""
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

    def num(self, side: Side, here: int) -> int:
        return here


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

    def __init__(self, network: nn.Module, parameters: list[Tensor], x: Tensor, inputs: bool, see: Sight = torch.clone):
        self._inputs, self._parameters = x.detach().requires_grad_(inputs), parameters
        with torch.enable_grad():
            self._graph = network(see(self._inputs))
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

    def run(self, x: Tensor, *, weights: bool = True, inputs: bool = False, see: Sight | None = None) -> Pass:
        """A batch through the network; its gradients by the weights or by the inputs can be asked for later."""
        if self._perceptron and see is None and not is_hooked(self._perceptron):
            return perceptron.Pass(self._perceptron, x)
        with nullcontext() if weights else self._held_still():
            return _AutogradPass(self.network, self.optimizer.parameters, x, inputs, see or torch.clone)

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


@dataclass(frozen=True)
class Verdict:
    """What D says of a batch, [B] or with a condition [B, 1 + n], and the codes of its images, [B, classes + continuous]."""

    outputs: Tensor
    codes: Tensor | None = None


@dataclass(frozen=True)
class Turn:
    """Where in its run a move stands: the round, the factor of every gamma, the strength of the augmentation, and the seed of
    what the move draws beside z."""

    round: int = 0
    gamma: float = 1.0
    strength: float = 1.0
    seed: int = 0


@dataclass
class Match:
    """The two players and what they play for.

    `guarded`: a move whose loss or gradient is not finite raises DivergenceError, before anybody steps.
    `code`: where there is a condition, the noise whose columns it is about. `memory`: what is remembered from move to move.
    """

    generator: Player
    discriminator: Player
    loss: Loss | RelativisticLoss
    kept: tuple[Tensor, Pass] | None = None  # z and G's pass, for a move on the same z
    guarded: bool = False
    sharing: Sharing = field(default_factory=Alone)
    penalties: tuple[Penalty | LogitPenalty, ...] = ()
    constraint: Constraint | None = None
    packing: int = 1
    condition: Condition | None = None
    code: Code | None = None
    augment: Augment | None = None
    averaged: nn.Module | None = None  # the copy of G that is shown, where there is one
    turn: Turn = field(default_factory=Turn)
    memory: dict[str, Tensor] = field(default_factory=dict)

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
            self.memory["strength"] = torch.zeros((), device=device)

    @property
    def networks(self) -> tuple[nn.Module, nn.Module]:
        return self.generator.network, self.discriminator.network

    @property
    def shown(self) -> nn.Module:
        """The generator that samples are drawn from: the averaged copy, where there is one."""
        return self.averaged or self.generator.network

    @property
    def logit_penalties(self) -> list[tuple[int, LogitPenalty]]:
        """Those that look at D's logits, with their places among all penalties."""
        return [(index, penalty) for index, penalty in enumerate(self.penalties) if isinstance(penalty, LogitPenalty)]

    @property
    def sees_plainly(self) -> bool:
        """Whether D sees the images as they are, one by one."""
        return self.augment is None and self.packing == 1

    def generate(self, z: Tensor) -> Pass:
        """G's images of z."""
        with self.sharing.showing(self.generator.network, "fake"):
            return self.generator.run(z)

    def judge(self, images: Tensor, *sides: Side, weights: bool = True, inputs: bool = False) -> Pass:
        """D's outputs for one side's images, or for both sides' in one batch."""
        see = None if self.sees_plainly else self.sight(sides[0], images)
        with self.sharing.showing(self.discriminator.network, *sides):
            return self.discriminator.run(images, weights=weights, inputs=inputs, see=see)

    def sight(self, side: Side, images: Tensor) -> Sight:
        """What is done to this side's images in this turn before D sees them: they are augmented, and packed."""
        augment = self.augment
        if augment is None:
            return lambda images: pack(images.clone(), self.packing)
        num = augment.num_uniforms(tuple(images.shape[1:]))
        uniforms = self.uniforms(side, len(images), num, "augment").to(images.dtype)
        return lambda images: pack(augment(images, uniforms, self.turn.strength), self.packing)

    def uniforms(self, side: Side, here: int, num: int, *address: str | int) -> Tensor:
        """[here, num] numbers of U(0, 1) for the rows that are here of one side's batch, the same whoever has them."""
        device = self.discriminator.optimizer.parameters[0].device
        rng = keys.generator(device, self.turn.seed, side, *address)
        whole = torch.rand(self.sharing.num(side, here), num, generator=rng, device=device)
        return self.sharing.here([side], [whole])[0]

    def logits(self, outputs: Tensor, codes: Tensor | None) -> Tensor:
        """The logits [B] among D's outputs for images of these codes."""
        return outputs if self.condition is None or codes is None else self.condition.logits(outputs, codes)

    def codes_of(self, z: Tensor) -> Tensor | None:
        """What the condition is about, of generated images: [B, classes + continuous]."""
        return None if self.code is None else self.code.codes(z)

    def g_loss(self, fake: Verdict, real_logits: Tensor) -> Tensor:
        """The value that G minimises."""
        fake_logits = self.logits(fake.outputs, fake.codes)
        if isinstance(self.loss, RelativisticLoss):
            terms = self.loss.g_terms(fake_logits, real_logits)
        else:
            terms = self.loss.g_terms(fake_logits)
        return average((*terms, *self._fake_terms(fake)))

    def d_loss(self, real: Verdict, fake: Verdict, batch: Literal["separate", "joint"] = "separate") -> Tensor:
        """The value that D minimises, penalties on gradients aside."""
        logits = self.logits(real.outputs, real.codes), self.logits(fake.outputs, fake.codes)
        terms = [*self.loss.d_terms(*logits), *self._fake_terms(fake)]
        if self.condition and self.code and real.codes is not None:
            terms += self.condition.real_terms(real.outputs, real.codes, self.code.classes)
        for index, penalty in self.logit_penalties:
            if self.turn.round % penalty.every == 0:
                factor = self.turn.gamma * penalty.every
                terms += [factor * values for values in penalty.values(*logits, self.memory[f"penalty.{index}"])]
        return average(terms, batch)

    def _fake_terms(self, fake: Verdict) -> tuple[Tensor, ...]:
        if self.condition is None or self.code is None or fake.codes is None:
            return ()
        return self.condition.fake_terms(fake.outputs, fake.codes, self.code.classes)


@torch.no_grad()
def play(move: Move, match: Match, real: Tensor, z: Tensor, codes: Tensor | None = None, keep: bool = False) -> Readings:
    """Make one move. real: [B, *shape], z: [B', num_z], the rows that are here; with a condition, `codes` of the real images.
    `keep`: G's next move is on the same z and can use this one's fakes. The readings are those of the whole batches.

    Of a guarded match, raises DivergenceError where a loss or a gradient is not finite: nobody has stepped then.
    """
    return _PLAYS[type(move)](move, match, real, z, codes, keep)


def move_d(move: MoveD, match: Match, real: Tensor, z: Tensor, codes: Tensor | None, keep: bool) -> Readings:
    fake = _fakes(move, match, z, keep)
    together = move.batch == "joint" or (match.d_is_function and match.sees_plainly)
    if together:
        passes = [match.judge(torch.cat((real, fake)), *BOTH)]
        num_real = len(passes[0].outputs) * len(real) // (len(real) + len(fake))
        outputs = passes[0].outputs[:num_real], passes[0].outputs[num_real:]
    else:
        passes = [match.judge(real, "real"), match.judge(fake, "fake")]
        outputs = passes[0].outputs, passes[1].outputs
    on_real, on_fake = _verdicts(match, BOTH, outputs, (codes, match.codes_of(z)))
    d_loss, slopes = differentiate(_value_of_d(match, on_real, on_fake, move.batch), on_real.outputs, on_fake.outputs)
    slopes = match.sharing.here(BOTH, slopes)
    slopes = [torch.cat(tuple(slopes))] if together else slopes
    pulled = [side.pull(slope, weights=True) for side, slope in zip(passes, slopes, strict=True)]
    readings = {"d_loss": d_loss, **_logits_of_d(match, on_real, on_fake)}
    penalty = penalise(match, real, fake, codes, match.codes_of(z))
    _step(match, readings, (match.discriminator, _total([*pulled, *penalty.gradients])), penalty=penalty)
    return readings


def move_g(move: MoveG, match: Match, real: Tensor, z: Tensor, codes: Tensor | None, keep: bool) -> Readings:
    kept, match.kept = match.kept, None
    fakes = kept[1] if kept and kept[0] is z else match.generate(z)
    judged = match.judge(fakes.outputs, "fake", weights=False, inputs=True)
    (on_fake,) = _verdicts(match, ["fake"], [judged.outputs], [match.codes_of(z)])
    real_logits = _real_logits(match, real, codes) if isinstance(match.loss, RelativisticLoss) else on_fake.outputs[:0]
    g_loss, slopes = differentiate(_value_of_g(match, on_fake, real_logits), on_fake.outputs)
    (slope,) = match.sharing.here(["fake"], slopes)
    (by_image,) = judged.pull(slope, inputs=True)
    readings = {"g_loss": g_loss, "g_fake_logits": match.logits(on_fake.outputs, on_fake.codes)}
    _step(match, readings, (match.generator, fakes.pull(by_image, weights=True)))
    return readings


def move_both(move: MoveBoth, match: Match, real: Tensor, z: Tensor, codes: Tensor | None, keep: bool) -> Readings:
    fakes = match.generate(z)
    judged_real, judged_fake = match.judge(real, "real"), match.judge(fakes.outputs, "fake", inputs=True)
    outputs = judged_real.outputs, judged_fake.outputs
    on_real, on_fake = _verdicts(match, BOTH, outputs, (codes, match.codes_of(z)))
    logits = _logits_of_d(match, on_real, on_fake)
    g_loss, g_slopes = differentiate(_value_of_g(match, on_fake, logits["real_logits"]), on_fake.outputs)
    d_loss, d_slopes = differentiate(_value_of_d(match, on_real, on_fake), on_real.outputs, on_fake.outputs)
    (g_slope,) = match.sharing.here(["fake"], g_slopes)
    real_slope, fake_slope = match.sharing.here(BOTH, d_slopes)
    by_itself = match.d_is_per_sample and judged_fake.outputs.shape == z.shape[:1]
    by_image, of_fake = _both_ways(judged_fake, g_slope, fake_slope, by_itself)
    penalty = penalise(match, real, fakes.outputs, codes, match.codes_of(z))
    d_gradients = _total([judged_real.pull(real_slope, weights=True), of_fake, *penalty.gradients])
    readings = {"g_loss": g_loss, "d_loss": d_loss, **logits, "g_fake_logits": logits["fake_logits"]}
    of_g = fakes.pull(by_image, weights=True)
    _step(match, readings, (match.generator, of_g), (match.discriminator, d_gradients), penalty=penalty)
    return readings


def pack(images: Tensor, num: int) -> Tensor:
    """[B, C, ...] -> [B // num, num C, ...]: so many images side by side in their channels; what is left over is left out."""
    if num == 1:
        return images
    packs = len(images) // num
    return images[: packs * num].reshape(packs, num * images.shape[1], *images.shape[2:])


def unpack(packs: Tensor, num: int) -> Tensor:
    """The images of packs, in order."""
    return packs if num == 1 else packs.reshape(len(packs) * num, packs.shape[1] // num, *packs.shape[2:])


def _verdicts(match: Match, sides: Sequence[Side], outputs: Sequence[Tensor], codes: Sequence[Tensor | None]) -> list[Verdict]:
    """What D says of whole batches, from its outputs for the rows that are here."""
    whole = match.sharing.gather(sides, outputs)
    if match.condition is None:
        return [Verdict(found) for found in whole]
    known = match.sharing.gather(sides, cast(Sequence[Tensor], codes))
    return [Verdict(found, of) for found, of in zip(whole, known, strict=True)]


def _value_of_g(match: Match, on_fake: Verdict, real_logits: Tensor) -> Callable[..., Tensor]:
    """G's loss as a function of D's outputs for its images."""
    return lambda outputs: match.g_loss(replace(on_fake, outputs=outputs), real_logits)


def _value_of_d(
    match: Match, on_real: Verdict, on_fake: Verdict, batch: Literal["separate", "joint"] = "separate"
) -> Callable[..., Tensor]:
    """D's loss as a function of its outputs for both batches."""
    return lambda real, fake: match.d_loss(replace(on_real, outputs=real), replace(on_fake, outputs=fake), batch)


def _logits_of_d(match: Match, on_real: Verdict, on_fake: Verdict) -> Readings:
    verdicts = {"real_logits": on_real, "fake_logits": on_fake}
    return {name: match.logits(verdict.outputs, verdict.codes) for name, verdict in verdicts.items()}


def _real_logits(match: Match, real: Tensor, codes: Tensor | None) -> Tensor:
    """The logits of the whole real batch, for G's loss to compare with; D is held still."""
    judged = match.judge(real, "real", weights=False)
    (verdict,) = _verdicts(match, ["real"], [judged.outputs], [codes])
    return match.logits(verdict.outputs, verdict.codes)


@dataclass(frozen=True)
class Penalised:
    """The penalties on D's gradients that are due: their sum (here: of some rows), and its gradients by D's weights."""

    value: Tensor | None = None
    gradients: Sequence[Sequence[Tensor]] = ()


def penalise(match: Match, real: Tensor, fake: Tensor, codes: Tensor | None, fake_codes: Tensor | None) -> Penalised:
    """The gradient penalties that are due in this turn, at images [B, *shape] of both sides; with gradients of those."""
    due = [p for p in match.penalties if isinstance(p, Penalty) and match.turn.round % p.every == 0]
    if not due or match.turn.gamma == 0:  # a ramp has ended
        return Penalised()
    num, discriminator = min(len(real), len(fake)), match.discriminator
    known = {"real": (real[:num], codes), "fake": (fake.detach()[:num], fake_codes)}
    packs = {side: pack(images, match.packing) for side, (images, _) in known.items()}
    values = []
    with torch.enable_grad():
        for index, penalty in enumerate(due):
            images, of = known[penalty.side]
            critic = _critic(match, penalty.side, images, of)
            width = penalty.num_uniforms(tuple(packs["real"].shape[1:]))
            uniforms = match.uniforms(penalty.side, len(packs["real"]), width, "penalty", index)
            found = penalty(critic, packs["real"], packs["fake"], uniforms.to(real.dtype))
            values.append(match.turn.gamma * penalty.every * found.sum() / match.sharing.num(penalty.side, len(found)))
        total = torch.stack(values).sum()
        gradients = torch.autograd.grad(total, discriminator.optimizer.parameters, materialize_grads=True)
    return Penalised(total.detach(), [gradients])


def _critic(match: Match, side: Side, images: Tensor, codes: Tensor | None) -> Callable[[Tensor], Tensor]:
    """D's logits as a function of packs of images, those of this side or in their places."""
    see = match.sight(side, images)
    network = match.discriminator.network

    def critic(packs: Tensor) -> Tensor:
        with match.sharing.showing(network, side):
            return match.logits(network(see(unpack(packs, match.packing))), codes)

    return critic


_PLAYS = {MoveD: move_d, MoveG: move_g, MoveBoth: move_both}


def _step(match: Match, readings: Readings, *sides: tuple[Player, Sequence[Tensor]], penalty: Penalised | None = None) -> None:
    """Move the weights of each player against its gradients, here of some rows; of a guarded match, only if all is finite."""
    value = [penalty.value] if penalty and penalty.value is not None else []
    *totals, summed_value = match.sharing.total(*(gradients for _, gradients in sides), value)
    summed = [(player, gradients) for (player, _), gradients in zip(sides, totals, strict=True)]
    if match.guarded:
        _check_finite(match, readings, summed)
    for player, gradients in summed:
        player.step(gradients)
    for found in summed_value:
        match.memory["d_penalty"].copy_(found)
    if "real_logits" in readings:  # D has moved
        _remember(match, readings["real_logits"], readings["fake_logits"])
        if match.constraint:
            match.constraint.enforce(match.discriminator.network)


def _remember(match: Match, real_logits: Tensor, fake_logits: Tensor) -> None:
    for index, penalty in match.logit_penalties:
        memory = match.memory[f"penalty.{index}"]
        memory.copy_(penalty.remember(memory, real_logits, fake_logits))


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
def read(match: Match, real: Tensor, z: Tensor, codes: Tensor | None = None) -> Readings:
    """The values of both losses as they stand, in inference mode; nothing moves."""
    generator, discriminator = match.networks
    with inference(generator), inference(discriminator):
        outputs = discriminator(pack(real, match.packing)), discriminator(pack(generator(z), match.packing))
    on_real, on_fake = _verdicts(match, BOTH, outputs, (codes, match.codes_of(z)))
    logits = _logits_of_d(match, on_real, on_fake)
    return {
        "g_loss": match.g_loss(on_fake, logits["real_logits"]),
        "d_loss": match.d_loss(on_real, on_fake),
        **logits,
        "g_fake_logits": logits["fake_logits"],
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
