"""What a program asks of a run: its history as a table, its networks as modules."""

import sys

import pytest
import torch
from torch import nn

import sparring
from sparring.config.rng import derive_seed
from sparring.errors import InputError
from sparring.runs.media import newest_picture
from sparring.runs.run import Run
from sparring.training.build import build_discriminator
from tiny import SETTINGS, miniature


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    settings = SETTINGS["flash"] | {"journal": '{"rounds": 2}'}
    return sparring.train("flash", rounds=6, out=tmp_path_factory.mktemp("run"), settings=settings, quiet=True)


def test_a_run_prints_as_one_line(run):
    assert str(run) == repr(run) == f"Run({str(run.path)!r}, recipe='flash', seed=0)"


@pytest.mark.parametrize("of_fixed_z", [True, False])
def test_a_notebook_has_the_picture_that_show_has(run, monkeypatch, of_fixed_z):
    if not of_fixed_z:
        monkeypatch.setattr(Run, "frames", lambda self: [])
    path, _ = newest_picture(run)
    assert run._repr_png_() == path.read_bytes()


def test_history_is_the_journals_rounds(run):
    history = run.history
    assert [row["round"] for row in history] == [2, 4, 6]
    assert history == [{k: v for k, v in event.items() if k != "event"} for event in run.journal() if event["event"] == "round"]
    assert {"epoch", "images", "seconds", "g_loss", "d_loss", "d_real", "d_fake"} <= history[0].keys()


def test_history_becomes_a_table(run):
    pytest.importorskip("pandas")
    table = run.history.to_pandas()
    assert table["round"].tolist() == [2, 4, 6]
    assert table["g_loss"].tolist() == [row["g_loss"] for row in run.history]


def test_without_pandas_a_sentence_says_so(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="pandas is not installed"):
        run.history.to_pandas()


def test_the_generator_is_a_module_through_which_gradients_go(run: Run):
    g = run.generator
    assert isinstance(g, nn.Module)
    assert not g.training
    z = g.z(5, seed=3).requires_grad_()
    images = g(z)
    assert torch.equal(images.detach(), run.sample(5, seed=3))
    (gradient,) = torch.autograd.grad(images.square().sum(), z)
    assert gradient.abs().sum() > 0
    assert g.shape == (1, 28, 28)
    assert sum(p.numel() for p in g.parameters()) == sum(p.numel() for p in g.network.parameters()) > 0


@pytest.mark.parametrize("name", ["flash", "sngan", "pacgan", "infogan"])
def test_the_discriminator_is_that_of_the_checkpoint(name, tmp_path):
    recipe = miniature(name, tmp_path)
    run = sparring.train(recipe, rounds=2, out=tmp_path / "run", quiet=True)
    d = run.discriminator
    assert isinstance(d, nn.Module)
    assert not d.training
    x = torch.rand(3, recipe.packing, 28, 28) * 2 - 1
    with torch.no_grad():
        logits = d(x)
        initial = build_discriminator(recipe, run.shape, derive_seed(run.seed, "other")).eval()(x)
    assert logits.shape == initial.shape
    assert not torch.equal(logits, initial)
    saved = run.newest_checkpoint()[0].tensors
    for key, tensor in d.state_dict().items():
        assert torch.equal(tensor, saved[f"discriminator.network.{key}"])
    assert torch.equal(Run.open(run.path).discriminator(x).detach(), logits)
