"""Golden traces: the first 20 rounds of every recipe in miniature, and one round's gradients from a state made by a formula.

Both are stored as numbers, in float64 and in float32, in a JSON file a recipe. They are written anew only on purpose, where a
change of the mathematics is meant: `make golden`.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from sparring.config.rng import own_torch_state
from sparring.config.schedules import Duration, RoundInfo
from sparring.optim.adam import AdamOptimizer
from sparring.recipe import Recipe
from sparring.training.engine import Engine
from sparring.training.loop import run_rounds
from tiny import SETTINGS, miniature

FOLDER = Path(__file__).parent / "recipes"
NAMES = (*sorted(SETTINGS), "modern")
DTYPES = {"float64": torch.float64, "float32": torch.float32}
DIGITS = {"float64": 17, "float32": 9}
ROUNDS, SEED = 20, 7
CALM = {"r3": "2e-5", "sngan": "1e-4", "upsample": "2e-5"}  # rates in float32, where at the full one rounding errors grow fast
READ = ("g_loss", "d_loss", "real_logit", "fake_logit", "g_gradient", "d_gradient", "d_penalty", "strength")
START = RoundInfo(round=0, images=0, epoch=1, seconds=0.0)
CPU = torch.device("cpu")


class Widened:
    """A data set whose batches have PyTorch's default type."""

    def __init__(self, data: Any):
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def to(self, device: torch.device) -> "Widened":
        return self

    def take(self, chosen: Tensor) -> "Widened":
        return Widened(self._data.take(chosen))

    def batch(self, indices: Tensor) -> Tensor:
        return self._data.batch(indices).to(torch.get_default_dtype())


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Within the block new tensors have this type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def golden(name: str, dtype: str, folder: Path) -> dict[str, Any]:
    """What is stored of a recipe: "trace", a row a round, and "gradients", a row a parameter of each step of an optimiser."""
    with default_dtype(DTYPES[dtype]), own_torch_state(CPU):
        rate = {"optim.lr": CALM[name]} if dtype == "float32" and name in CALM else {}
        recipe = miniature(name, folder, journal='{"rounds": 1}', **rate)
        return {"trace": trace(recipe), "gradients": gradients(recipe)}


def trace(recipe: Recipe) -> list[list[float]]:
    """Of each round the values of READ that it has, then the norms of both networks' weights and of the averaged copy's."""
    engine = _engine(recipe)
    rows = []
    for info in run_rounds(engine, lambda: Duration(rounds=ROUNDS), START):
        values = [(info.numbers or {}).get(name) for name in READ]
        rows.append([value for value in values if value is not None] + _norms(engine))
    return rows


def gradients(recipe: Recipe) -> list[list[float]]:
    """Of the gradients that the optimisers are given in one round, a row for each parameter of each step.

    A row holds the norm of the step's gradient over all parameters, that of its own, and its products with two fixed waves.
    """
    engine = _engine(recipe)
    for network in engine.gan.networks:
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(_formula(name, tensor))
    with _recorded() as steps:
        engine.train_round(0)
    return [row for step in steps for row in _projected(step)]


def _engine(recipe: Recipe) -> Engine:
    return Engine.build(recipe, Widened(recipe.data.train()), SEED, CPU)  # pyright: ignore[reportArgumentType]


def _norms(engine: Engine) -> list[float]:
    networks = (*engine.gan.networks, engine.gan.g_ema)
    return [_norm(network) for network in networks if network]


def _norm(network: nn.Module) -> float:
    return torch.stack([tensor.detach().double().norm() for tensor in network.parameters()]).norm().item()


def _formula(name: str, tensor: Tensor) -> Tensor:
    """Values that depend on the name, the shape and the place alone, as large as those of a network that learns."""
    waves = torch.sin(1.7 * torch.arange(tensor.numel(), dtype=torch.float64) + crc32(name.encode()) % 1000).view(tensor.shape)
    if name.endswith("running_var"):
        return 1 + waves / 2
    if name.endswith(("_u", "_v")):  # unit vectors of the power method
        return waves / waves.norm()
    return waves / (tensor[0].numel() if tensor.ndim > 1 else 4) ** 0.5


@contextmanager
def _recorded() -> Iterator[list[list[Tensor]]]:
    """Within the block the list grows by the gradients of every step that an optimiser makes."""
    found, update = [], AdamOptimizer.update

    def recording(self: AdamOptimizer, gradients: Any) -> None:
        found.append([gradient.detach().double() for gradient in gradients])
        update(self, gradients)

    AdamOptimizer.update = recording
    try:
        yield found
    finally:
        AdamOptimizer.update = update


def _projected(step: list[Tensor]) -> Iterator[list[float]]:
    total = torch.stack([gradient.norm() for gradient in step]).norm().item()
    for values in (gradient.flatten() for gradient in step):
        places = torch.arange(len(values), dtype=torch.float64)
        waves = ((values * torch.cos(pace * places)).sum().item() for pace in (0.7, 2.3))
        yield [total, values.norm().item(), *waves]


def read(name: str) -> dict[str, dict[str, Any]]:
    """What is stored of a recipe, by type."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def write(name: str, folder: Path) -> None:
    """Store a recipe's traces and gradients, a line a row."""
    parts = []
    for dtype in DTYPES:
        found = golden(name, dtype, folder)
        rows = {key: ",\n".join(_row(row, DIGITS[dtype]) for row in table) for key, table in found.items()}
        parts.append(f'"{dtype}": {{\n' + ",\n".join(f'"{key}": [\n{text}\n]' for key, text in rows.items()) + "\n}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _row(values: list[float], digits: int) -> str:
    return "[" + ", ".join(f"{value:.{digits}g}" for value in values) + "]"


if __name__ == "__main__":
    torch.set_num_threads(1)
    for wanted in sys.argv[1:] or NAMES:
        with TemporaryDirectory() as scratch:
            write(wanted, Path(scratch))
