"""Runs made sick on purpose, each by settings that anybody could choose, and what the coach should name.

Each is `sparring train RECIPE --rounds N --set ...`; docs/coach.md has the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

D, G = '"move-d"', '"move-g"'
SMALL = {
    "data.held_back": "55000",
    "batch_size": "50",
    "generator.widths": "[64]",
    "discriminator.widths": "[64]",
    "journal": '{"rounds": 5}',
    "review": '{"rounds": 50}',
    "checkpoint": '{"rounds": 1000}',
    "pictures": "[]",
}
CONVOLUTIONAL = {name: value for name, value in SMALL.items() if not name.endswith("widths")}
CONVOLUTIONAL |= {"generator.width": "8", "discriminator.width": "8", "generator.bn_momentum": "1e-4"}


@dataclass(frozen=True)
class SickRun:
    """A recipe with settings that spoil it, and the cause that must be among the coach's remarks."""

    cause: str
    recipe: str
    rounds: int
    settings: Mapping[str, str]


SICK_RUNS = (
    SickRun("d has won", "paper", 200, {"generator.widths": "[2]", "discriminator.widths": "[256]", "optim.lr": "1e-3"}),
    SickRun("g has won", "paper", 200, {"round.moves": f"[{D}, {', '.join([G] * 10)}]", "discriminator.widths": "[2]"}),
    SickRun("collapse", "paper", 200, {"round.moves": f"[{D}, {', '.join([G] * 10)}]", "optim.lr": "3e-3"}),
    SickRun("flat output", "paper", 200, {"optim.lr": "0.5"}),
    SickRun("saturated output", "paper", 200, {"generator.initial.weight_std": "2", "optim.lr": "1e-5"}),
    SickRun(
        "memorising d",
        "paper",
        900,
        {"data.held_back": "59900", "batch_size": "20", "discriminator.widths": "[256]", "review": '{"rounds": 150}'},
    ),
    SickRun(
        "exploding gradients",
        "paper",
        100,
        {"generator.output": "linear", "optim.lr": "0.02", "optim.beta2": "0.1", "journal": '{"rounds": 1}'},
    ),
    SickRun("batch norm", "dcgan", 200, CONVOLUTIONAL),
    SickRun("lopsided classes", "paper", 400, {"optim.lr": "2e-3"}),
)


def settings(run: SickRun) -> dict[str, str]:
    """All settings of a sick run."""
    return {**(SMALL if run.recipe == "paper" else {}), **run.settings}
