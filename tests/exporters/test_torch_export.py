"""Programs of `torch.export`."""

import json
from pathlib import Path

import pytest
import torch

from sparring.exporters import Options, torch_export
from tiny import miniature
from untrained import untrained

PATH = Path("generator.pt2")


@pytest.fixture
def flash(tmp_path):
    return untrained(miniature("flash", tmp_path))


def test_the_file_draws_what_the_generator_draws(flash):
    written = torch_export.write(flash, PATH, Options("torch"))
    assert (written.to, written.path, written.num_bytes) == ("torch", PATH, PATH.stat().st_size)
    said = {torch_export.DESCRIPTION: ""}
    loaded = torch.export.load(PATH, extra_files=said).module()
    for num in (1, 2, 17):
        z = flash.generator.z(num, seed=num)
        torch.testing.assert_close(loaded(z), flash.generator.draw(z), rtol=0, atol=1e-5)
    described = json.loads(said[torch_export.DESCRIPTION])
    assert described["z"]["shape"] == ["batch", 64]
    assert described["parity"]["difference"] == written.parity.difference


def test_half_precision_is_that_of_the_weights_alone(flash):
    parity = torch_export.write(flash, PATH, Options("torch", "float16")).parity
    assert 0 < parity.difference < 5e-3
    program = torch.export.load(PATH)
    matrices = {tensor.dtype for tensor in program.state_dict.values() if tensor.ndim > 1}
    assert matrices == {torch.float16}
    assert program.module()(flash.generator.z(3, seed=0)).dtype == torch.float32
    assert all(weight.dtype == torch.float32 for weight in flash.generator.parameters())
