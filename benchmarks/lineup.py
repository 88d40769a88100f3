"""Who runs: the entrants of each recipe, the environment of each, and how many turns of how many rounds."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = Path(sys.executable)
TENSORFLOW, JAX = (HERE.parent / f".venv-{name}" / "bin" / "python" for name in ("tensorflow", "jax"))


@dataclass(frozen=True)
class Entrant:
    """A script of `peers/`, run by the Python of its environment."""

    script: str
    python: Path
    recipes: tuple[str, ...]
    variant: str = ""
    plays: bool = True  # the floor computes, but plays nothing

    def command(self, recipe: str, images: Path, seed: int) -> list[str]:
        return [*self._script(), recipe, str(images), f"--variant={self.variant}", f"--seed={seed}"]

    def read_once(self) -> None:
        """Import all that it needs, so that no entrant's first round waits for a disk."""
        _import_all(self._script())

    def _script(self) -> tuple[str, str]:
        return str(self.python), str(HERE / "peers" / f"{self.script}.py")


@cache
def _import_all(script: tuple[str, str]) -> None:
    subprocess.run([*script, "--help"], capture_output=True)


ROUNDS = {"vanilla": 300, "paper": 200, "dropout-mlp": 100, "dcgan": 4, "upsample": 1, "flash": 120, "photo": 80}
"""Rounds of a turn: about one to two seconds of the faster entrants, but for upsample, where a round takes longer. Where a
penalty is due in one round of eight, multiples of 8."""

REPEATS = {"vanilla": 7, "paper": 7, "dropout-mlp": 7, "dcgan": 7, "upsample": 3, "flash": 7, "photo": 7}
"""Turns of each entrant that count, unless --repeats says so."""

SECONDS = {"vanilla": 17, "paper": 11, "dropout-mlp": 12, "dcgan": 14, "upsample": 54, "flash": 3, "photo": 4}
"""What one turn of every entrant takes on two cores, roughly: only for the time that the rest will take."""

UPDATES = {"vanilla": 2, "paper": 2, "dropout-mlp": 2, "dcgan": 2, "upsample": 6, "flash": 2, "photo": 2}
"""Updates of both players in a round."""


@dataclass(frozen=True)
class Checked:
    """Where --check compares losses: their mean over `averaged` rounds after `skipped`, and over `seeds`.

    Early rounds, because seeds lie closest together there: in vanilla, one seed from another by 4 to 6 %, while an Adam of
    each player's own, in place of one for both, moves the mean of d_loss by 19 %. (In dropout-mlp by 20 %: more seeds.)
    `tolerance`: how far a mean may lie from Sparring's, as a share of it.
    """

    skipped: int
    averaged: int
    seeds: int
    tolerance: float


CHECKED = {
    "vanilla": Checked(skipped=20, averaged=30, seeds=4, tolerance=0.12),
    "paper": Checked(skipped=20, averaged=30, seeds=4, tolerance=0.12),
    "dropout-mlp": Checked(skipped=20, averaged=30, seeds=8, tolerance=0.3),
    "dcgan": Checked(skipped=6, averaged=4, seeds=2, tolerance=0.05),
    "upsample": Checked(skipped=2, averaged=2, seeds=1, tolerance=0.5),
}
"""Recipes that other frameworks play as well."""

EPOCH = {"vanilla": 550, "paper": 550, "dropout-mlp": 300, "dcgan": 234.375, "upsample": 468.75, "flash": 1875, "photo": 60}
"""Rounds that show as many real images as the training set has."""

ENTRANTS = {
    "sparring": Entrant("ours", OURS, tuple(ROUNDS)),
    "sparring-bf16": Entrant("ours", OURS, ("dcgan",), "bf16"),
    "floor": Entrant("floor", OURS, tuple(ROUNDS), plays=False),
    "jax": Entrant("jax_jit", JAX, ("vanilla", "paper", "dropout-mlp", "dcgan")),
    "tf-graph": Entrant("tf_graph", TENSORFLOW, ("vanilla", "paper")),
    "tf-function": Entrant("tf_function", TENSORFLOW, ("vanilla", "paper", "dcgan")),
    "tf-eager": Entrant("tf_function", TENSORFLOW, ("dcgan",), "eager"),
    "keras": Entrant("keras_upsample", TENSORFLOW, ("upsample",)),
    "pytorch": Entrant("torch_eager", OURS, tuple(CHECKED)),
    "pytorch-fused": Entrant("torch_eager", OURS, ("vanilla",), "fused"),
    "pytorch-channels-last": Entrant("torch_eager", OURS, ("dcgan",), "channels-last"),
    "pytorch-loader": Entrant("torch_loader", OURS, ("vanilla", "dropout-mlp")),
}


def entrants(recipe: str, only: Sequence[str]) -> dict[str, Entrant]:
    """Those of `only` that play this recipe, by name, and always Sparring, their measure."""
    chosen = {"sparring", *only}
    return {name: entrant for name, entrant in ENTRANTS.items() if recipe in entrant.recipes and name in chosen}
