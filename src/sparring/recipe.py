"""A recipe: everything that determines a training run but its seed, as one frozen value."""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, fields, replace
from typing import Annotated, Any, Literal, Protocol

from sparring.augment import Augment
from sparring.conditions import Auto, Condition, SelfConditioned
from sparring.config.non_finite import NonFinitePolicy, Stop
from sparring.config.ranges import Length, Range, Ranged
from sparring.config.registry import register, suggest
from sparring.config.schedules import Duration, Interval, Schedule
from sparring.data import Data
from sparring.errors import InputError, check
from sparring.losses import Loss, RelativisticLoss, is_probabilistic
from sparring.networks import DiscriminatorConfig, GeneratorConfig
from sparring.networks.latents import Code, Mixture, Noise, Normal
from sparring.optim.adam import Adam
from sparring.optim.ema import EMA
from sparring.penalties import Constraint, LogitPenalty, Penalty
from sparring.visual.sampler import Picture

Z = Literal["fresh", "same"]
_ADAM = Adam()
_OF_ADAM = tuple(f.name for f in fields(Adam))
_SIDES = ("g_optim", "d_optim")
_ALSO_CALLED: Mapping[str, str] = {
    **dict.fromkeys(("learning_rate", "rate"), "optim.lr"),
    **dict.fromkeys(("g_lr", "lr_g", "generator_lr"), "g_optim.lr"),
    **dict.fromkeys(("d_lr", "lr_d", "discriminator_lr"), "d_optim.lr"),
    **dict.fromkeys(("betas", "beta_1", "b1", "momentum"), "optim.beta1"),
    **dict.fromkeys(("beta_2", "b2"), "optim.beta2"),
    **dict.fromkeys(("batch", "batchsize", "bs"), "batch_size"),
    **dict.fromkeys(("latent_dim", "latent_size", "noise_dim", "z_dim", "nz"), "z.num"),
    **dict.fromkeys(("image_size", "img_size", "imsize", "resolution"), "data.size"),
    **dict.fromkeys(("ema", "ema_decay"), "average"),
    **dict.fromkeys(("n_critic", "num_critic", "d_steps"), "round.moves"),
    **dict.fromkeys(("freezed", "freeze"), "freeze_d"),
}
"""What other programs call a setting."""


class Move(Protocol):
    """One update within a round: a step of D, of G, or of both. `z` "same" takes the z of the move before."""

    @property
    def z(self) -> Z: ...


@register("move")
@dataclass(frozen=True)
class MoveD:
    """D's step on a new batch of real images and on G(z); G is held still.

    `fakes_from`: G draws its fakes in training mode (batch statistics, dropout) or as in inference.
    `batch`: "separate" judges real and generated images in two batches and adds the two means; "joint" makes them one batch,
    one pass through D and one mean, half as large where both halves have the same size.
    """

    z: Z = "fresh"
    fakes_from: Literal["training", "inference"] = "training"
    batch: Literal["separate", "joint"] = "separate"


@register("move")
@dataclass(frozen=True)
class MoveG:
    """G's step against D; D is held still.

    `real`: a loss that compares fakes with real images takes those of D's move before, or a fresh batch.
    """

    z: Z = "fresh"
    real: Z = "same"


@register("move")
@dataclass(frozen=True)
class MoveBoth:
    """A simultaneous update: both gradients from one forward pass of a new real batch and of G(z), then both sides step."""

    z: Z = "fresh"


@dataclass(frozen=True)
class Round:
    """One training iteration: its moves in order (for n_critic = 5, five `MoveD` and a `MoveG`), and where losses are read.

    `read` "during": each loss before its own update, in the step that computes it. "after": both losses again when all moves
    are done, on the round's last batch and z, in inference mode, so that reading changes nothing.
    """

    moves: tuple[Annotated[Move, "move"], ...] = (MoveD(), MoveG())
    read: Literal["during", "after"] = "during"

    def __post_init__(self) -> None:
        sides = {type(move) for move in self.moves}
        if MoveBoth not in sides and not {MoveD, MoveG} <= sides:
            raise InputError("round.moves moves only one side; it needs a move-d and a move-g, or a move-both")
        if self.moves[0].z != "fresh":
            raise InputError("round.moves.0.z is 'same', but the first move of a round has no z before it; use 'fresh'")

    @property
    def num_batches(self) -> int:
        """Batches of real images that a round shows to D."""
        return sum(draws_real(move) for move in self.moves)

    def with_moves(self, g: int, d: int) -> "Round":
        """The round with so many moves of either side, at least 1: its last ones are left out, or the last one is repeated.

        Where both sides move at once they do so as often as both may, and what is left of one side comes after.
        """
        both = [move for move in self.moves if isinstance(move, MoveBoth)]
        if both:
            return replace(self, moves=(*both[:1] * min(g, d), *[MoveG()] * (g - d), *[MoveD()] * (d - g)))
        left, moves = {MoveG: g, MoveD: d}, list[Move]()
        last = {type(move): index for index, move in enumerate(self.moves)}
        for index, move in enumerate(self.moves):
            kind = type(move)
            num = left[kind] if index == last[kind] else min(1, left[kind])
            left[kind] -= num
            moves += [move] * num
        return replace(self, moves=tuple(moves))


def draws_real(move: Move) -> bool:
    """True where a move takes a new batch of real images."""
    return move.real == "fresh" if isinstance(move, MoveG) else True


@dataclass(frozen=True)
class Recipe(Ranged):
    """All settings of a training run.

    `order` of the real images: as in the "file" every epoch, "shuffled" anew each epoch, or drawn "with-replacement".
    A short last batch of an epoch is used as it is, beside a full batch of z; where batches must be whole
    (`needs_full_batches`), it is filled up with the first images of the next epoch instead.
    `accumulate`: the number of parts in which a batch is computed, one after the other, for less memory; the result differs by
    rounding alone.
    `snapshot_mib`: what at most 16 snapshots of G may take, at rounds spaced evenly in their logarithm; 0 for none.
    `test_traces`: read mean D(x) on the test images and D(G(z)), both in inference mode, at every epoch's end.
    `review`: the interval of checkups and quick scores, which are taken at the run's end in any case; None for never.
    `non_finite`: the policy for a loss or a gradient that is infinite or not a number.
    `batch_norm`, where several processes share a batch: "synchronised" normalises over the whole batch, as a single process
    does; "per-process" over the rows of each by itself, with the running statistics averaged, which is another computation.
    `frames` of the animation: "all", or the thinning "square-root" of the DCGAN tutorial.
    `g_optim` and `d_optim`: Adam for either network (`optim`, when a recipe is made, for both); `ramps`: schedules of their
    values and gamma. `shared_clock`: one count of steps for both, as when one TensorFlow 1 AdamOptimizer serves two networks;
    the bias corrections then fade twice as fast.
    `precision` of a round: "tf32" rounds the factors of convolutions and matrix products to 10 bits on an NVIDIA GPU; "bf16"
    computes them in bfloat16 in both networks but for D's head; losses, penalties, Adam and the moving average stay in float32.
    "auto" is bf16 where the device has instructions for it and both networks have convolutions, else float32.
    `freeze_d`: the number of D's first layers whose weights stay, in a run that starts from trained ones (Freeze-D, Mo et al.
    2020, https://arxiv.org/abs/2002.10964).
    `penalties` are added to D's loss; a `constraint` bounds D's weights. `packing`: the number of images that D judges
    together, side by side in their channels (PacGAN, Lin et al. 2018, https://arxiv.org/abs/1712.04086).
    `condition`: how D is conditioned on classes and codes; z is then a `code`. With "auto" it is a projection where the data
    have classes; under "self-conditioned" z becomes a code of clusters. `augment` is applied to all images that D sees; "auto"
    follows their number. What is "auto" is chosen when a run begins, and recorded so. `average`: the moving average of G, for
    samples, scores and export.
    """

    data: Annotated[Data, "data"]
    generator: Annotated[GeneratorConfig, "generator"]
    discriminator: Annotated[DiscriminatorConfig, "discriminator"]
    z: Annotated[Noise, "noise"]
    loss: Annotated[Loss | RelativisticLoss, "loss"]
    pictures: tuple[Annotated[Picture, "picture"], ...]
    length: Duration
    round: Round = field(default_factory=Round)
    g_optim: Adam = _ADAM
    d_optim: Adam = _ADAM
    shared_clock: bool = False
    batch_size: Annotated[int, Range(1)] = 64
    accumulate: Annotated[int, Range(1)] = 1
    order: Literal["file", "shuffled", "with-replacement"] = "shuffled"
    test_traces: bool = False
    batch_norm: Literal["synchronised", "per-process"] = "synchronised"
    journal: Interval = field(default_factory=lambda: Interval(rounds=50))
    checkpoint: Interval = field(default_factory=lambda: Interval(epochs=5))
    keep_checkpoints: Annotated[int, Range(1)] = 2
    snapshot_mib: Annotated[int, Range(0, 1 << 20)] = 0
    review: Interval | None = field(default_factory=lambda: Interval(epochs=5))
    frames: Literal["all", "square-root"] = "all"
    non_finite: Annotated[NonFinitePolicy, "remedy"] = field(default_factory=Stop)
    ramps: tuple[Schedule, ...] = ()
    precision: Literal["float32", "tf32", "bf16", "auto"] = "float32"
    penalties: Annotated[tuple[Annotated[Penalty | LogitPenalty, "penalty"], ...], Length(0, 16)] = ()
    constraint: Annotated[Constraint, "constraint"] | None = None
    packing: Annotated[int, Range(1, 64)] = 1
    condition: Annotated[Condition, "condition"] | None = None
    augment: Annotated[Augment, "augment"] | None = None
    average: EMA | None = None
    freeze_d: Annotated[int, Range(0)] = 0
    name: str = "custom"
    source: str = ""
    optim: InitVar[Adam | None] = None

    def __post_init__(self, optim: Adam | None) -> None:
        if optim is not None:
            if self.d_optim == self.g_optim:
                object.__setattr__(self, "d_optim", optim)
            object.__setattr__(self, "g_optim", optim)
        super().__post_init__()
        check(self.batch_size % self.packing == 0, "batch_size", self.batch_size, f"be a multiple of packing, {self.packing}")
        is_even = self.batch_size % (self.accumulate * self.packing) == 0
        check(is_even, "accumulate", self.accumulate, f"divide the batch_size, {self.batch_size}, into parts of whole packs")
        traced = not self.test_traces or is_probabilistic(self.loss)
        check(traced, "test_traces", True, "be false for a loss under which D gives no probabilities")
        self._check_ramps()
        self._check_moves()
        self._check_condition()

    @staticmethod
    def upgraded(data: dict[str, Any]) -> dict[str, Any]:
        """The fields, out of JSON, of a recipe that an earlier version wrote: `optim` was of both networks, or of G alone where
        there was a `d_optim`."""
        if "optim" not in data:
            return data
        kept = dict(data)
        kept["g_optim"] = kept.pop("optim")
        kept["d_optim"] = kept.get("d_optim") or kept["g_optim"]
        for side in _SIDES:
            if isinstance(kept[side], dict):
                kept[side] = dict(kept[side])
                kept["shared_clock"] = kept[side].pop("shared_clock", False)
        return kept

    @staticmethod
    def expanded(changes: Mapping[str, str]) -> dict[str, str]:
        """Overrides by dotted name, in which `optim.lr` or `lr` stands for those of `g_optim.lr` and `d_optim.lr` that are not
        given themselves, and so on for each setting of Adam."""
        found = {}
        for name, text in changes.items():
            head, _, setting = name.rpartition(".")
            if name == "optim.shared_clock":
                found["shared_clock"] = text
            elif head in ("", "optim") and setting in _OF_ADAM:
                found |= {f"{side}.{setting}": text for side in _SIDES if f"{side}.{setting}" not in changes}
            elif name == "optim":
                found |= {side: text for side in _SIDES if side not in changes}
            elif head == "optim":
                raise InputError(f"unknown setting {name!r}; {suggest(name, [f'optim.{each}' for each in _OF_ADAM])}")
            elif name in _ALSO_CALLED:
                raise InputError(f"unknown setting {name!r}; did you mean {_ALSO_CALLED[name]!r}?")
            else:
                found[name] = text
        return found

    @staticmethod
    def setting_called(word: str) -> str | None:
        """The dotted name of the setting that this word stands for here or in other programs: "lr" -> "optim.lr"."""
        word = word.replace("-", "_").lower()
        if word in _OF_ADAM:
            return f"optim.{word}"
        return word if word in Recipe.__dataclass_fields__ else _ALSO_CALLED.get(word)

    @property
    def needs_full_batches(self) -> bool:
        """True where real and generated images are compared in pairs or packs, so that both batches must be whole."""
        penalised = any(isinstance(penalty, Penalty) for penalty in self.penalties)
        return penalised or isinstance(self.loss, RelativisticLoss) or self.packing > 1

    def _check_ramps(self) -> None:
        quantities = [ramp.of for ramp in self.ramps]
        for of in quantities:
            check(quantities.count(of) == 1, "ramps", f"{of} twice", "have each quantity once")
        check("gamma" not in quantities or bool(self.penalties), "ramps", "of gamma", "be of lr or beta2 without penalties")
        check("strength" not in quantities or bool(self.augment), "ramps", "of strength", "be of others without an augment")
        whole = any(ramp.images is None for ramp in self.ramps)
        rule = "be epochs, images or rounds, since a ramp follows it; or give the ramp its images"
        check(not whole or self.length.minutes is None, "length", self.length, rule)

    def _check_moves(self) -> None:
        moves = self.round.moves
        if isinstance(self.loss, RelativisticLoss) and isinstance(moves[0], MoveG) and moves[0].real == "same":
            raise InputError(
                "round.moves.0.real is 'same', but the loss compares with real images, and none came before; use 'fresh'"
            )
        if any(isinstance(move, MoveD) and move.batch == "joint" for move in moves):
            for name in ("augment", "condition"):
                check(getattr(self, name) is None, name, "set", "be null where a move takes a joint batch")
            check(self.packing == 1, "packing", self.packing, "be 1 where a move takes a joint batch")
            on_logits = [penalty for penalty in self.penalties if isinstance(penalty, LogitPenalty)]
            check(
                not on_logits, "penalties", "le-cam", "be others where a move takes a joint batch, which has one mean for all"
            )

    def _check_condition(self) -> None:
        if self.condition is None or isinstance(self.condition, Auto):
            return
        check(self.packing == 1, "packing", self.packing, "be 1 where there is a condition")
        if isinstance(self.condition, SelfConditioned) and isinstance(self.z, Normal | Mixture):
            return  # a code takes its place when a run begins
        if not isinstance(self.z, Code):
            raise InputError("z has no classes or codes for the condition; set z=code, and z.classes or z.continuous")
        self.condition.num_outputs(self.z)
