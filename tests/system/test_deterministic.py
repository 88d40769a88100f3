"""--deterministic: accepted on the CPU, remembered by a run, and an operation that cannot is named."""

import pytest
import torch
from torch import Tensor, nn

import sparring
from sparring.config import devices
from sparring.errors import InputError
from tiny import miniature


def test_on_the_cpu_it_changes_nothing(tmp_path):
    recipe = miniature("vanilla", tmp_path, review="null", pictures="[]")
    how = {"rounds": 3, "device": "cpu", "quiet": True}
    plain = sparring.train(recipe, out=tmp_path / "plain", **how)
    wanted = sparring.train(recipe, out=tmp_path / "wanted", deterministic=True, **how)
    one, other = (next((run.path / "generator").glob("*.safetensors")).read_bytes() for run in (plain, wanted))
    assert one == other
    assert wanted.facts["deterministic"] is True
    assert "deterministic" not in plain.facts


def test_a_run_resumes_as_it_was(tmp_path, monkeypatch):
    asked = []
    original = devices.deterministic
    monkeypatch.setattr(devices, "deterministic", lambda wanted, device: asked.append(wanted) or original(wanted, device))
    recipe = miniature("vanilla", tmp_path, review="null", pictures="[]")
    for wanted in (True, False):
        run = sparring.train(recipe, rounds=2, out=tmp_path / str(wanted), device="cpu", quiet=True, deterministic=wanted)
        sparring.resume(run.path, rounds=3, quiet=True, device="cpu")
    assert asked == [True, True, False, False]


class Unpool(nn.Module):
    """An operation that PyTorch has no deterministic implementation of, for whole batches."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) < 10:  # when it is built
            return x
        pooled, places = nn.functional.max_pool2d(x, 2, return_indices=True)
        return nn.functional.max_unpool2d(pooled, places, [2])


def test_an_operation_that_cannot_is_named_and_the_run_is_saved(tmp_path):
    recipe = miniature("vanilla", tmp_path, review="null", pictures="[]")
    d = nn.Sequential(Unpool(), nn.Flatten(), nn.Linear(784, 1), nn.Flatten(0))
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(InputError, match=r"max_unpooling2d_forward_out has no .*; the last good checkpoint is kept"):
            sparring.train(recipe, discriminator=d, rounds=3, out=tmp_path / "run", device="cpu", quiet=True)
    finally:
        torch.use_deterministic_algorithms(False)
    assert '"ending": "machine"' in (tmp_path / "run" / "journal.jsonl").read_text()
