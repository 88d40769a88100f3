"""A recipe's figures, from a measurement that is over at once."""

import pytest
import torch

from sparring import bench
from sparring.bench.products import Linear, Product
from sparring.bench.startup import StartUp
from tiny import miniature

LAYER = Linear("d", 1, 2, 3, False)
AT_ONCE = StartUp(seconds_to_first_round=1.0, seconds_per_round=0.3, peak_rss_mib=None, peak_gpu_mib=None)


@pytest.mark.parametrize(
    ("rhythms", "seconds", "num"),
    [
        ((1,), 0.1, 6),
        ((1,), 100.0, 1),
        ((1, 8), 0.1, 8),  # from 6
        ((1, 4), 0.1, 8),
        ((1, 2, 3), 0.1, 6),
        ((1, 16), 0.1, 6),  # a turn would be more than twice as long
        ((), 0.1, 6),
    ],
)
def test_a_turn_has_whole_cycles_of_penalties(rhythms, seconds, num):
    products = [Product(LAYER, "output", 1, every) for every in rhythms]
    assert bench._rounds_per_turn(seconds, products) == num


@pytest.mark.parametrize(("name", "low", "high"), [("vanilla", 1, 1), ("gaussian", 0.88, 0.91)])
def test_coverage_is_the_floors_share_of_the_operations(name, low, high, tmp_path):
    speed = bench.measure(miniature(name, tmp_path), AT_ONCE, torch.device("cpu"), repeats=1)
    assert low <= speed.floor_coverage <= high
    assert speed.rounds_per_turn == 2


def test_the_floor_has_the_penalties_of_the_same_rounds(tmp_path, monkeypatch):
    """Four rounds to warm up, and four in each of three turns, from where the engine begins."""
    floors = []
    monkeypatch.setattr(bench, "build", lambda *given: floors.append(Recorded()) or floors[0])
    recipe = miniature("ring", tmp_path)
    speed = bench.measure(recipe, AT_ONCE, torch.device("cpu"), repeats=3)
    assert floors[0].rounds == list(range(16))
    assert speed.rounds_per_turn == 4


class Recorded:
    """A floor that notes its rounds."""

    memory_format = None

    def __init__(self):
        self.rounds = []

    def run(self, round_: int) -> None:
        self.rounds.append(round_)
