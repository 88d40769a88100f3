"""The tutorials' printed numbers beside ours, each with a 95 % prediction interval for one further value.

A tutorial prints the value of one batch of one run. We pool the values of all our runs at the same epoch and its neighbours
as if they were independent draws. With one seed, the interval does not include the variation between runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from sparring.metrics.confidence import prediction_interval
from sparring.runs.run import Run


@dataclass(frozen=True)
class Printed:
    """One printed column of a tutorial: its values by epoch (counted from 1), and our event and field in the journal.

    A `sign` of -1 turns our minimised losses into the maximised values that were printed.
    """

    label: str
    event: str
    field: str
    sign: int
    values: Mapping[int, float]


@dataclass(frozen=True)
class Line:
    """A printed number beside the mean of our runs at the same epoch, with the interval for one further value.

    With a single value of ours there is no interval: `low`, `high` and `inside` are None.
    """

    label: str
    epoch: int
    printed: float
    mean: float
    low: float | None
    high: float | None
    num_values: int

    @property
    def inside(self) -> bool | None:
        return None if self.low is None or self.high is None else self.low <= self.printed <= self.high


def _loss(label: str, field: str, epochs: Sequence[int], values: Sequence[float]) -> Printed:
    return Printed(label, "round", field, -1, dict(zip(epochs, values, strict=True)))


def _trace(label: str, field: str, values: Sequence[float]) -> Printed:
    return Printed(label, "epoch", field, 1, dict(zip((50, 100, 150, 200), values, strict=True)))


_VANILLA_EPOCHS = (2, 20, 40, 60, 80, 100)
_PAPER_D = (
    *(-0.1141, -0.1452, -0.313, -0.2078, -0.3159, -0.2368, -0.2838, -0.2135, -0.4716, -0.4089, -0.3538, -0.2687),
    *(-0.3305, -0.2956, -0.3246, -0.3229, -0.2587, -0.2495, -0.2907, -0.4475, -0.4781, -0.4655, -0.3293),
)
_PAPER_G = (
    *(-3.393, -3.577, -2.55, -2.478, -2.518, -2.835, -3.37, -3.102, -2.593, -2.861, -2.843, -2.971),
    *(-2.73, -2.903, -2.645, -3.139, -3.09, -3.134, -2.832, -2.642, -2.569, -2.451, -2.969),
)
PRINTED: Mapping[str, tuple[Printed, ...]] = {
    "vanilla": (
        _loss("G", "g_loss", _VANILLA_EPOCHS, (-3.06128, -2.32224, -1.91436, -1.69127, -1.62559, -1.76843)),
        _loss("D", "d_loss", _VANILLA_EPOCHS, (-0.200115, -0.4686, -0.619524, -0.593143, -0.574774, -0.501177)),
    ),
    "upsample": (),
    "dropout-mlp": (
        _trace("D(x)", "d_real_test", (0.739482, 0.632178, 0.606782, 0.619400)),
        _trace("D(G(z))", "d_fake_test", (0.231452, 0.219324, 0.295501, 0.373423)),
    ),
    "dcgan": (),
    "paper": (_loss("D", "d_loss", range(1, 24), _PAPER_D), _loss("G", "g_loss", range(1, 24), _PAPER_G)),
}


def compare(columns: Sequence[Printed], runs: Sequence[Run]) -> list[Line]:
    """A line for every printed number whose epoch our runs have reached, in the tutorial's order."""
    return [line for column in columns for line in _column(column, runs)]


def verdict(tutorial: str, lines: Sequence[Line]) -> str:
    """A sentence on how many printed numbers lie inside their intervals, or on why none was compared."""
    judged = [line.inside for line in lines if line.inside is not None]
    if judged:
        return f"{sum(judged)} of {len(judged)} printed numbers lie inside the interval; about 5 % are expected to lie outside"
    if lines:
        return "a single value gives no interval; train several seeds, with --seeds 0-4 for instance"
    if not PRINTED[tutorial]:
        return f"the tutorial of {tutorial} printed no numbers"
    first = min(epoch for column in PRINTED[tutorial] for epoch in column.values)
    return f"the runs are too short to compare: the tutorial's first printed numbers are of epoch {first}"


def values_by_epoch(run: Run, column: Printed) -> dict[int, float]:
    """Our value at the end of each epoch, from its last batch or from the epoch's event."""
    ended = {e["round"]: e["epoch"] for e in run.journal() if e["event"] == "epoch"}
    events = [e for e in run.journal() if e["event"] == column.event and e["round"] in ended]
    return {ended[e["round"]]: column.sign * e[column.field] for e in events if column.field in e}


def neighbours(epoch: int) -> range:
    """Epochs whose values are pooled with this one's: up to a quarter of its number either way, at most five."""
    reach = min(epoch // 4, 5)
    return range(epoch - reach, epoch + reach + 1)


def _column(column: Printed, runs: Sequence[Run]) -> Iterator[Line]:
    ours = [values_by_epoch(run, column) for run in runs]
    for epoch, printed in column.values.items():
        pool = [values[e] for values in ours for e in neighbours(epoch) if e in values]
        at_epoch = [values[epoch] for values in ours if epoch in values]
        if at_epoch:
            low, high = prediction_interval(pool) if len(pool) > 1 else (None, None)
            yield Line(column.label, epoch, printed, mean(at_epoch), low, high, len(pool))
