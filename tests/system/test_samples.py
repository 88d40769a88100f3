"""What `sparring sample` draws."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.networks import MLPGeneratorConfig
from sparring.networks.latents import Normal
from sparring.runs.generator import SavedGenerator
from sparring.visual import grid, to_uint8
from tiny import MLP

KINDS = {
    "codes": '{"name": "code", "normal": 7, "classes": 10, "continuous": 2}',
    "a mixture": '{"name": "mixture", "normal": 3, "components": 5}',
    "an odd number of columns": '{"name": "normal", "num": 7}',
}


@pytest.mark.parametrize("z", KINDS.values(), ids=KINDS)
def test_fewer_samples_are_the_first_of_more(tmp_path, sparring_command, z):
    sparring.train("paper", rounds=1, out="run", settings=MLP | {"z": z}, quiet=True)
    for num in (5, 16, 64, 200):
        assert sparring_command("sample", "run", "--num", num, "--seed", 3, "--out", f"{num}.npz").status == 0
    found = {num: np.load(f"{num}.npz")["images"] for num in (5, 16, 64, 200)}
    for num in (5, 16, 64):
        assert np.array_equal(found[num], found[200][:num])


def expected(run, num: int) -> np.ndarray:
    """So many pictures, uint8 [num, H, W]."""
    blocks = run.generator.draw_in_blocks(run.generator.z_in_blocks(num, 0))
    return to_uint8(torch.cat([*blocks]))[:, 0].numpy()


@pytest.mark.parametrize("out", ["x.npz", "x.png", "x"])
def test_files_are_written_as_the_pictures_are_drawn(out, sparring_command, monkeypatch):
    run = sparring.train("paper", rounds=1, out="run", settings=MLP, quiet=True)
    drawn: list[int] = []
    draw = type(run.generator).draw
    monkeypatch.setattr(type(run.generator), "draw", lambda self, z: drawn.append(len(z)) or draw(self, z))
    assert sparring_command("sample", "run", "--num", 150, "--out", out).err == ""
    assert drawn == [64, 64, 64]  # the last one is filled up
    sparring.sample(run, num=5)
    assert drawn[3:] == [64]  # so that the images are the same to the bit


def test_every_kind_of_file_holds_the_same_pictures(sparring_command):
    run = sparring.train("paper", rounds=1, out="run", settings=MLP, quiet=True)
    pictures = expected(run, 150)
    for out in ("x.npz", "x.png", "x"):
        assert sparring_command("sample", "run", "--num", 150, "--out", out).status == 0
    assert np.array_equal(np.load("x.npz")["images"], pictures)
    for place in (0, 63, 64, 149):
        with Image.open(f"x/{place:05d}.png") as picture:
            assert np.array_equal(np.asarray(picture), pictures[place])
    with Image.open("x.png") as page:
        in_memory = grid(torch.from_numpy(pictures)[:, None] / 127.5 - 1, columns=12, scale=2)
        assert page.mode == in_memory.mode == "L"
        assert np.array_equal(np.asarray(page), np.asarray(in_memory))
    assert not list(Path().rglob(".*.part"))


def test_a_run_knows_the_samples_in_its_folder(sparring_command):
    sparring.train("paper", rounds=1, out="run", settings=MLP, quiet=True)
    for seed in (0, 1):
        for out in ("run/x.npz", "run/x.png"):
            assert sparring_command("sample", "run", "--seed", seed, "--out", out).status == 0
    assert sparring_command("animate", "run", "--latent").status == 0
    names = [line[66:] for line in Path("run/SHA256SUMS").read_text().splitlines()]
    assert len(names) == len({*names})  # `sha256sum --check` takes every line for a file of its own
    assert {"x.npz", "x.png", "latent.gif"} <= {*names}
    assert sparring_command("runs", "run", "--check").status == 0


def test_a_folder_that_holds_pictures_is_named(sparring_command):
    sparring.train("paper", rounds=1, out="run", settings=MLP, quiet=True)
    assert sparring_command("sample", "run", "--num", 3, "--out", "some").err == ""
    assert (
        "some holds 3 pictures already; those of the same names are replaced"
        in sparring_command("sample", "run", "--num", 2, "--out", "some").err
    )


MEASURE = """
import resource, sys
from sparring.cli import main
sys.argv = ["sparring", "sample", "generator", "--num", "{num}", "--out", "{out}"]
main()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in other units elsewhere")
@pytest.mark.parametrize("out", ["x.npz", "x.png"])
def test_many_pictures_need_no_more_memory_than_few(out):
    config, z = MLPGeneratorConfig(widths=(8,)), Normal(4)
    shape = (3, 64, 64)
    network = config.build(z.num, shape)
    SavedGenerator(config, z, shape, network).write(Path("generator"), "")

    def peak(num: int) -> int:
        """In KiB."""
        code = MEASURE.format(num=num, out=out)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-1])

    assert peak(3000) - peak(300) < 3000 * 15  # all of them are 12 KiB each as bytes, and 48 as floats
