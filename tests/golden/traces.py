"""Golden traces: the first 20 rounds of every tutorial in miniature.

Written anew only on purpose, where a change of the mathematics is meant: `make golden`.
"""

import json
from pathlib import Path

import torch

from sparring import training
from sparring.cadence import Length
from sparring.engine import own_torch_state
from sparring.loop import play
from sparring.progress import Progress
from tiny import SETTINGS

FILE = Path(__file__).parent / "traces.json"
ROUNDS = 20
READ = ("g_loss", "d_loss", "real_logit", "fake_logit")


def trace(recipe: str) -> list[list[float | None]]:
    """The four values of every round, in the order of READ."""
    settings = SETTINGS[recipe] | {"journal": '{"rounds": 1}'}
    device = torch.device("cpu")
    with Progress(quiet=True) as progress, own_torch_state(device):
        engine, _ = training.build(training.resolve(recipe, settings), 7, device, progress)
        moments = list(play(engine, Length(rounds=ROUNDS), training.START))
    return [[moment.numbers[name] for name in READ] for moment in moments if moment.numbers]


if __name__ == "__main__":
    rows = [f'"{recipe}": [\n' + ",\n".join(json.dumps(row) for row in trace(recipe)) + "\n]" for recipe in SETTINGS]
    FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n")
