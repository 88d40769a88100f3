"""Fine-tuning: a run that starts from trained weights, on other data, with D's first layers frozen."""

import shlex

import pytest
import torch
from torch import nn

import sparring
from sparring.errors import InputError
from sparring.networks.layers.perceptron import Perceptron
from sparring.penalties import SpectralNorm
from sparring.recipe import Recipe
from sparring.training.build import freeze_layers
from sparring.training.perceptron_pass import has_written_gradients
from tiny import SETTINGS, pictures

TINY = SETTINGS["photo"] | {"pictures": "[]", "average": "null", "condition": "null", "review": "null"}
FROZEN = ("0.", "3.")  # the first two convolutions of dcgan-discriminator


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two folders of pictures, a run on the first, and one on the second that starts from it."""
    root = tmp_path_factory.mktemp("fine-tuning")
    (root / "other").mkdir()
    first, other = pictures(root), pictures(root / "other", num=16, size=48)
    sparring.train("photo", data=first, rounds=3, out=root / "run", settings=TINY, quiet=True)
    sparring.train(data=other, rounds=4, start_from=root / "run", settings={"freeze_d": 2}, out=root / "tuned", quiet=True)
    return root


def discriminator(run) -> dict:
    found = sparring.Run.open(run).newest_checkpoint()[0].tensors
    return {name.removeprefix("discriminator."): t for name, t in found.items() if name.startswith("discriminator.")}


def test_frozen_weights_keep_their_bits_and_have_no_moments(root):
    before, after = discriminator(root / "run"), discriminator(root / "tuned")
    assert before.keys() - after.keys() == {
        f"optimizer.{moment}.{layer}{kind}"
        for moment in ("exp_avg", "exp_avg_sq")
        for layer in FROZEN
        for kind in ("weight", "bias")
    }
    for name in (name for name in after if name.startswith("network.")):
        assert before[name].equal(after[name]) == name.removeprefix("network.").startswith(FROZEN), name


def test_they_stay_frozen_in_a_run_that_goes_on(root, tmp_path):
    whole = sparring.train(replay=root / "tuned", out=tmp_path / "again", quiet=True)
    sparring.train(replay=root / "tuned", rounds=2, out=tmp_path / "half", quiet=True)
    half = sparring.resume(tmp_path / "half", rounds=4, quiet=True)
    for tensors in (discriminator(whole.path), discriminator(half.path)):
        assert all(tensors[name].equal(t) for name, t in discriminator(root / "tuned").items())


def test_the_plain_steps_freeze_the_same(root, tmp_path):
    settings = {"freeze_d": 2, "penalties": "[]", "augment": "null"}
    given = {"data": root / "other" / "pictures", "rounds": 2, "start_from": root / "run", "settings": settings, "quiet": True}
    for engine in ("eager", "auto"):
        sparring.train(engine=engine, out=tmp_path / engine, **given)
    eager, auto = (discriminator(tmp_path / engine) for engine in ("eager", "auto"))
    assert eager.keys() == auto.keys()
    assert all(torch.allclose(eager[name], auto[name], atol=1e-6) for name in auto)


def test_the_recipe_comes_from_the_parent_and_the_first_lines_say_so(root, sparring_command, tmp_path):
    other = root / "other" / "pictures"
    given = ("train", "--from", root / "run", "--data", other, "--set", "lr=1e-4", "--rounds", 1, "--out", tmp_path / "tuned")
    told = sparring_command(*given, "--set", "freeze_d=1").err
    assert (
        f"fine-tuning from {root / 'run'}, with learning rates 0.0001 of G and 0.0001 of D, and 1 of D's layers frozen" in told
    )
    assert sparring.Run.open(tmp_path / "tuned").recipe.generator == sparring.Run.open(root / "run").recipe.generator
    dry = sparring_command(*given[:-2], "--data", root / "pictures", "--dry-run")
    assert (dry.status, f"starting from {root / 'run'}, with" in dry.err) == (0, True)


def test_what_does_not_fit_is_refused_with_the_command_that_does(root, sparring_command, tmp_path):
    other, start = root / "other" / "pictures", ("train", "photo", "--from", root / "run", "--rounds", 1)
    small = sparring_command(*start, "--data", other, "--set", "data.size=32", "--out", tmp_path / "a")
    assert (small.status, "draws samples of 3 x 64 x 64, and the data's are 3 x 32 x 32; this fits: `" in small.err) == (
        2,
        True,
    )
    wide = sparring_command(*start, "--data", other, "--out", tmp_path / "b")
    assert (wide.status, "keeps its networks: `" in wide.err) == (2, True)
    grey = sparring_command(*start, "--data", "mnist", "--out", tmp_path / "c")
    assert (grey.status, "name data of that shape with --data" in grey.err) == (2, True)
    assert not [*tmp_path.iterdir()]
    for refused in (small, wide):
        command = shlex.split(refused.err.split("`")[1])
        assert command[0] == "sparring"
        assert sparring_command(*command[1:], "--rounds", 1, "--out", tmp_path / f"{len(command)}").status == 0


def test_layers_are_frozen_only_where_they_are_trained(root, sparring_command, tmp_path):
    done = sparring_command("train", "photo", "--data", root / "pictures", "--set", "freeze_d=1", "--out", tmp_path / "run")
    assert (done.status, "freeze_d is 1, and D has no trained weights" in done.err) == (2, True)
    with pytest.raises(InputError, match=r"freeze_d is 5; it must be less than 5, the number of dcgan-discriminator's layers"):
        sparring.train(start_from=root / "run", settings={"freeze_d": 5}, out=tmp_path / "run", quiet=True)
    assert Recipe.setting_called("freezed") == "freeze_d"


def test_a_layer_under_spectral_norm_is_one_layer_and_a_perceptron_leaves_its_own_gradients():
    network = Perceptron(nn.Linear(2, 3), nn.LeakyReLU(0.2), nn.Linear(3, 1))
    assert has_written_gradients(network)
    SpectralNorm().install(network)
    freeze_layers(network, 1, "mlp")
    assert [name for name, weight in network.named_parameters() if weight.requires_grad] == [
        "2.bias",
        "2.parametrizations.weight.original",
    ]
    plain = Perceptron(nn.Linear(2, 3), nn.LeakyReLU(0.2), nn.Linear(3, 1))
    freeze_layers(plain, 1, "mlp")
    assert not has_written_gradients(plain)
