"""A self-conditioned run: clusters in the place of classes, whatever the labels say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.api.resolve import resolve
from sparring.conditions import Projection, SelfConditioned
from sparring.config.rng import own_torch_state
from sparring.config.schedules import RoundInfo
from sparring.data import ImageSet
from sparring.data.sets import HostImageSet
from sparring.errors import InputError
from sparring.networks.latents import Code, Mixture, Normal
from sparring.recipe import Recipe
from sparring.runs import checkpoint
from sparring.training.clustering import without_shares
from sparring.training.engine import Engine
from sparring.training.probes import run_probes
from sparring.training.settle import settle
from sparring.visual.codes import ClassGrid
from tiny import SETTINGS

CPU = torch.device("cpu")


class Unlabelled:
    """A data set whose labels nobody may look at."""

    def __init__(self, data: Any):
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getattr__(self, name: str) -> Any:
        assert name not in ("labels", "classes"), f"{name} were read"
        return getattr(self._data, name)

    def to(self, device: Any) -> "Unlabelled":
        return self


@pytest.fixture(autouse=True)
def own_randomness():
    with own_torch_state(CPU):
        yield


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return resolve("selfcond", SETTINGS["selfcond"])


@pytest.fixture(scope="module")
def digits(recipe) -> ImageSet:
    return recipe.data.train()


def built(recipe: Recipe, data: Any, seed: int = 0) -> Engine:
    return Engine.build(recipe, data, seed, CPU)


def state(engine: Engine) -> dict[str, torch.Tensor]:
    return checkpoint.state_tensors(engine.gan)


def test_labels_are_never_read(recipe, digits):
    blind, seeing = built(recipe, Unlabelled(digits)), built(recipe, digits)
    for round_ in range(3):
        blind.train_round(round_)
        seeing.train_round(round_)
    assert all(torch.equal(tensor, state(seeing)[name]) for name, tensor in state(blind).items())
    assert run_probes(blind, Unlabelled(digits)) == run_probes(seeing, digits)  # pyright: ignore[reportArgumentType]
    assert blind.codes.names(digits) == tuple(f"cluster {i}" for i in range(8))


def test_clusters_are_drawn_by_their_shares_and_the_first_is_the_largest(recipe, digits):
    engine = built(recipe, digits)
    z, clusters = engine.recipe.z, engine.codes.clusters
    assert isinstance(z, Code)
    assert clusters is not None
    sizes = torch.bincount(clusters.assign(digits.batch(torch.arange(len(digits)))), minlength=8).tolist()
    assert list(z.weights) == sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == len(digits)
    assert min(sizes) > 0


def test_d_is_told_the_cluster_of_each_real_image(recipe, digits):
    engine = built(recipe, digits)
    chosen = torch.tensor([5, 0, 17])
    codes = engine.codes(digits.batch(chosen), digits, chosen)
    assert codes is not None
    assert engine.codes.clusters is not None
    assert codes.argmax(1).tolist() == engine.codes.clusters.assign(digits.batch(chosen)).tolist()
    assert codes.sum(1).tolist() == [1, 1, 1]
    engine.train_round(0)
    assert torch.equal(engine.last[2], engine.codes(engine.last[0], digits, chosen))  # pyright: ignore


def test_clusters_follow_the_seed_and_the_data_alone(recipe, digits):
    def centres(data: Any, seed: int, threads: int = 1) -> torch.Tensor:
        torch.set_num_threads(threads)
        return state(built(recipe, data, seed))["memory.clusters.centres"]

    one = centres(digits, 0)
    assert torch.equal(centres(HostImageSet.of(digits), 0), one)
    assert torch.equal(centres(digits, 0, threads=2), one)
    assert not torch.equal(centres(digits, 1), one)


def test_a_checkpoint_brings_its_clusters(recipe, digits):
    engine, other = built(recipe, digits, 0), built(recipe, digits, 1)
    engine.train_round(0)
    saved = checkpoint.Checkpoint(Path(), RoundInfo(1, 32, 1, 0.0), 0, (1, 1), state(engine))
    checkpoint.restore(saved, other.gan)
    assert engine.codes.clusters is not None
    assert other.codes.clusters is not None
    examples = digits.batch(torch.arange(200))
    assert torch.equal(other.codes.clusters.assign(examples), engine.codes.clusters.assign(examples))


@pytest.mark.parametrize(("num", "clusters"), [(1000, 100), (999, 99), (20, 2)])
def test_there_are_as_many_clusters_as_the_data_are_enough_for(recipe, digits, num, clusters):
    found = settle(replace(recipe, condition=SelfConditioned()), digits.take(torch.arange(num)), CPU)
    assert found.recipe.z == Code(normal=64, classes=clusters)
    assert found.recipe.condition == SelfConditioned(clusters=clusters)
    assert found.sentences[0].startswith(f"conditioned on {clusters} clusters of the data, found without labels")
    assert settle(found.recipe, digits, CPU).recipe is found.recipe
    assert isinstance(found.recipe.pictures[0], ClassGrid) == (clusters == 2)
    assert without_shares(built(found.recipe, digits.take(torch.arange(num))).recipe) == found.recipe


def test_fewer_than_two_clusters_are_refused(recipe, digits):
    with pytest.raises(InputError, match="self-conditioning needs 20 examples, and the data have 19; set condition=null"):
        settle(recipe, digits.take(torch.arange(19)), CPU)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"packing": "2"}, "packing is 2; it must be 1"),
        ({"z": "uniform"}, "z has no classes or codes"),
        ({"z": '{"name": "code", "classes": 10}'}, "z.classes is 10; it must be 8, the condition's clusters"),
        ({"condition.clusters": "1"}, "condition.clusters is 1"),
    ],
)
def test_what_does_not_suit_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        resolve("selfcond", SETTINGS["selfcond"] | settings)


def test_points_may_be_clustered_too():
    settings = SETTINGS["grid"] | {"condition": "self-conditioned", "condition.clusters": "30"}
    recipe = resolve("grid", settings)
    assert isinstance(recipe.z, Mixture)
    engine = built(recipe, recipe.data.train())
    assert isinstance(engine.recipe.z, Code)
    assert (engine.recipe.z.normal, engine.recipe.z.classes, engine.recipe.z.std) == (2, 30, recipe.z.std) == (2, 30, 0.3)
    assert engine.recipe.pictures == recipe.pictures  # points have no grid of classes
    engine.train_round(0)


def test_as_a_condition_it_is_a_projection():
    code, condition = Code(normal=3, classes=4), SelfConditioned(clusters=4)
    outputs, codes = torch.randn(5, 5), torch.eye(4)[torch.arange(5) % 4]
    assert torch.equal(condition.logits(outputs, codes), Projection().logits(outputs, codes))
    assert condition.num_outputs(code) == 4
    assert condition.real_terms(outputs, codes, 4) == condition.fake_terms(outputs, codes, 4) == ()
    assert Normal(64) == resolve("selfcond").z
