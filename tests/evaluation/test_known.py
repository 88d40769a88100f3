from dataclasses import replace

import pytest

from sparring.evaluation import Protocol, Score
from sparring.evaluation.known import meaning

DIGITS = Protocol("digits-25fd6534", "25fd", "mnist", "ab", "test", 10_000, 10_000, "", "", 0, "5 independent draws")


def frechet(value, protocol=DIGITS, floor: float | None = 0.02):
    return Score("frechet_distance", value, None, None, floor, None, protocol)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (4.0, "frechet distance 4.0000, lower is better: between quick after 2 epochs (3.4870) and vanilla at its full length"),
        (0.01, "better than real images (0.02)"),
        (100.0, "beyond uniform noise (88.6)"),
    ],
)
def test_a_distance_of_digits_lies_between_known_ones(value, words):
    assert words in str(meaning(frechet(value)))


def test_other_data_are_placed_beside_real_images():
    found = meaning(frechet(3.0, replace(DIGITS, num_samples=1000), 0.06))
    assert found == "frechet distance 3.0000, lower is better: 50.0 times that of real images (0.06)"
    assert "better: 1,640.0 times that" in str(meaning(frechet(82.0, replace(DIGITS, data="cats"), 0.05)))
    assert meaning(frechet(3.0, replace(DIGITS, data="cats"), None)) is None
    assert meaning(replace(frechet(0.3, replace(DIGITS, data="ring"), -0.001), metric="energy_distance")) is None
    assert meaning(replace(frechet(3.0, floor=8.0), metric="modes")) is None
