"""What `sparring sample` draws."""

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
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
        assert np.abs(found[num].astype(int) - found[200][:num]).max() <= 1  # products of other heights round in other ways


def test_a_folder_is_filled_as_the_pictures_are_drawn(tmp_path, sparring_command, monkeypatch):
    run = sparring.train("paper", rounds=1, out="run", settings=MLP, quiet=True)
    drawn: list[int] = []
    draw = type(run.generator).draw
    monkeypatch.setattr(type(run.generator), "draw", lambda self, z: drawn.append(len(z)) or draw(self, z))
    assert sparring_command("sample", "run", "--num", 600, "--out", "some").err == ""
    assert drawn == [256, 256, 88]
    monkeypatch.setattr(type(run.generator), "draw", draw)
    with Image.open("some/00599.png") as last:
        pixels = torch.from_numpy(np.asarray(last).copy())
    assert (
        pixels.int() - run.generator.draw(run.generator.z_in_blocks(600, 0))[-1, 0].add(1).mul(127.5).round().int()
    ).abs().max() <= 1
    assert (
        "some holds 600 pictures already; those of the same names are replaced"
        in sparring_command("sample", "run", "--num", 2, "--out", "some").err
    )
