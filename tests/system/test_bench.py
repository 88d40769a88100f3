"""`sparring bench` as a person types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sparring.bench import startup

TINY = """
from dataclasses import replace
from sparring import recipes
from sparring.data import Ring
from sparring.config.registry import register
from sparring.networks import MLPDiscriminatorConfig, MLPGeneratorConfig

@register("recipe")
def tiny():
    "Points."
    return replace(
        recipes.get("vanilla"),
        data=Ring(num=1000),
        generator=MLPGeneratorConfig(widths=(8,), output="linear"),
        discriminator=MLPDiscriminatorConfig(widths=(8,)),
        batch_size=50,
    )
"""
CONVOLUTIONAL = """
from dataclasses import replace
from sparring import recipes
from sparring.data import Mnist
from sparring.config.registry import register
from sparring.networks import DcganDiscriminatorConfig, DcganGeneratorConfig

@register("recipe")
def small():
    "Digits."
    return replace(
        recipes.get("dcgan"),
        data=Mnist(held_back=59000),
        generator=DcganGeneratorConfig(width=4),
        discriminator=DcganDiscriminatorConfig(width=4),
        batch_size=BATCH,
    )
"""
UNKNOWN_LAYERS = """
from dataclasses import dataclass, field, replace
import torch
from torch import nn
from sparring import recipes
from sparring.data import Ring
from sparring.networks import Gaussian, Initial
from sparring.config.registry import register

class Own(nn.Module):
    def __init__(self, num):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, num))

    def forward(self, x):
        return (x[:, :2] @ self.weight).squeeze(1)

@register("generator")
@dataclass(frozen=True)
class OwnGenerator:
    initial: Initial = field(default_factory=Gaussian)
    def build(self, num_z, shape):
        return Own(2)

@register("discriminator")
@dataclass(frozen=True)
class OwnDiscriminator:
    initial: Initial = field(default_factory=Gaussian)
    def build(self, shape):
        return Own(1)

@register("recipe")
def own():
    "Layers of one's own."
    return replace(recipes.get("vanilla"), data=Ring(num=1000), generator=OwnGenerator(), discriminator=OwnDiscriminator())
"""


def written(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def test_one_json_value_with_the_promised_fields():
    """In a process of its own, as scripts call it."""
    files = [written("tiny.py", TINY), written("small.py", CONVOLUTIONAL.replace("BATCH", "96"))]
    command = [sys.executable, "-m", "sparring", "bench", *files, "--json", "--repeats", "2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    tiny, small = found["recipes"]
    assert (tiny["recipe"], small["recipe"]) == ("tiny", "small")
    for speed, batch in ((tiny, 50), (small, 96)):
        assert speed["floor_quotient"] > 1  # at these sizes nearly all is overhead
        assert speed["images_per_second"] <= 1000 * batch / speed["ms_per_round"] * 1.001
        assert 0 < speed["floor_ms"] < speed["ms_per_round"]
        assert 0.3 < speed["seconds_to_first_round"] < 120
        assert speed["peak_rss_mib"] is None or 50 < speed["peak_rss_mib"] < 2000
        assert (speed["num_turns"], speed["floor_coverage"]) == (2, 1)
        low, high = speed["floor_quotient_quartiles"]
        assert low <= speed["floor_quotient"] <= high
    assert tiny["images_per_second"] == pytest.approx(50_000 / tiny["ms_per_round"])  # no short batch in 1,000 points
    assert tiny["memory_format"] is None
    assert small["memory_format"] in ("contiguous", "channels_last")
    assert {"processor", "device", "threads", "torch", "sparring"} <= found["machine"].keys()
    assert "tiny: " in done.stderr


def test_a_table_for_people(sparring_command):
    done = sparring_command("bench", written("tiny.py", TINY), "--repeats", 1, "--quiet")
    assert (done.status, done.err) == (0, "")
    header, row, machine = done.out.splitlines()
    assert header.split()[:2] == ["recipe", "images/s"]
    assert row.startswith("tiny ")
    assert f"torch {torch.__version__}" in machine
    assert "1 thread(s)" in machine
    assert "memory format" not in machine


def test_layers_that_the_floor_cannot_count_make_no_quotient(sparring_command):
    path = written("own.py", UNKNOWN_LAYERS)
    done = sparring_command("bench", path, "--repeats", 1, "--json", "--quiet")
    (speed,) = json.loads(done.out)["recipes"]
    assert speed["ms_per_round"] > 0
    assert (speed["floor_ms"], speed["floor_quotient"], speed["floor_coverage"]) == (None, None, 0)
    assert "own: the floor holds 0%" in sparring_command("bench", path, "--repeats", 1, "--quiet").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["vanila"], ["unknown recipe 'vanila'", "did you mean 'vanilla'"]),
        (["missing.py"], ["no file missing.py"]),
        (["vanilla", "--repeats", "0"], ["--repeats"]),
    ],
)
def test_bad_input_ends_with_status_2(sparring_command, arguments, words):
    done = sparring_command("bench", *arguments)
    assert (done.status, done.out) == (2, "")
    assert all(word in done.err for word in words), done.err


def test_what_stops_the_first_round_is_told_in_its_own_sentence(sparring_command):
    done = sparring_command("bench", written("one.py", CONVOLUTIONAL.replace("BATCH", "1")))
    assert done.status == 2
    assert "batch_size is 1" in done.err
    assert "Traceback" not in done.err


def test_memory_is_that_of_the_recipe_and_not_of_who_asks():
    held = torch.ones(200_000_000)  # 760 MiB
    found = startup.measure_in_new_process(written("tiny.py", TINY), torch.device("cpu"))
    assert held.sum() > 0
    assert found.peak_rss_mib is None or found.peak_rss_mib < 600
