import math
from dataclasses import dataclass, field
from typing import Annotated

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparring.augment import Adaptive, Augment, DiffAugment, InstanceNoise, adapted, overfitting
from sparring.config import codec
from sparring.errors import InputError

means = st.floats(-50, 50)


def logits(mean: float, num: int = 3) -> torch.Tensor:
    """Some logits with this mean."""
    return mean + torch.linspace(-1, 1, num, dtype=torch.float64)


@pytest.mark.parametrize(
    ("train", "held_out", "generated", "expected"),
    [
        (2.0, 2.0, -2.0, 0.0),
        (2.0, -2.0, -2.0, 1.0),
        (2.0, 1.0, -2.0, 0.25),
        (2.0, 3.0, -2.0, -0.25),
        (-1.0, -2.0, -5.0, 0.25),  # D's level does not matter
        (1.0, 0.0, 1.0, 0.0),  # D sees no difference
        (1.0, 0.0, 3.0, 0.0),
    ],
)
def test_overfitting_by_hand(train, held_out, generated, expected):
    assert overfitting(logits(train), logits(held_out, 5), logits(generated, 2)) == pytest.approx(expected)


@given(train=means, held_out=means, gap=st.floats(0.5, 50), constant=st.floats(-100, 100), factor=st.floats(0.1, 10))
def test_a_constant_and_a_factor_in_d_do_not_matter(train, held_out, gap, constant, factor):
    before = overfitting(logits(train), logits(held_out), logits(train - gap))
    after = overfitting(*(constant + factor * side for side in (logits(train), logits(held_out), logits(train - gap))))
    assert after == pytest.approx(before, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("strength", "signal", "expected"),
    [
        (0.3, 0.9, 0.304),
        (0.3, 0.1, 0.296),
        (0.3, 0.5, 0.296),  # at its target it is enough
        (0.0, 0.1, 0.0),
        (1.0, 0.9, 1.0),
        (0.002, 0.1, 0.0),
    ],
)
def test_a_step(strength, signal, expected):
    assert adapted(strength, signal, 0.5, images=400, images_to_full=100_000) == pytest.approx(expected)


def test_strength_is_full_after_as_many_images():
    adaptive = Adaptive(images_to_full=6400)
    strength, sides = 0.0, (logits(2.0), logits(-2.0), logits(-2.0))
    for _ in range(25):
        strength = adaptive.adapt(strength, *sides, images=256)
    assert strength == pytest.approx(1)
    assert adaptive.adapt(strength, logits(2.0), logits(2.0), logits(-2.0), images=640) == pytest.approx(0.9)


@given(strength=st.floats(0, 1), signal=st.floats(-10, 10), images=st.integers(0, 10**7))
def test_strength_is_a_probability(strength, signal, images):
    assert 0 <= adapted(strength, signal, 0.5, images, 500_000) <= 1


def test_it_maps_as_what_it_adapts():
    rng = torch.Generator().manual_seed(0)
    samples, uniforms = torch.rand(5, 3, 8, 8, generator=rng), torch.rand(5, 12, generator=rng)
    assert Adaptive().num_uniforms((3, 8, 8)) == 12
    assert torch.equal(Adaptive()(samples, uniforms, 0.4), DiffAugment()(samples, uniforms, 0.4))


@dataclass(frozen=True)
class Settings:
    augment: Annotated[Augment, "augment"] = field(default_factory=DiffAugment)


def test_settings_by_name_and_back():
    changes = {
        "augment": "adaptive",
        "augment.augment": "instance-noise",
        "augment.augment.std": "0.2",
        "augment.target": "0.3",
    }
    settings = codec.override(Settings(), changes)
    assert settings.augment == Adaptive(InstanceNoise(0.2), target=0.3)
    assert codec.decode(Settings, codec.encode(settings), "settings") == settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": 0.0}, r"augment\.target is 0\.0; it must lie between 0 and 1"),
        ({"target": math.nan}, r"augment\.target is nan"),
        ({"every": 0}, r"augment\.every is 0; it must be at least 1"),
        ({"images_to_full": 0}, r"augment\.images_to_full is 0; it must be at least 1"),
        ({"augment": Adaptive()}, r"augment\.augment is adaptive itself; name what it adapts, such as diff-augment"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(InputError, match=message):
        Adaptive(**settings)
