"""A self-conditioned run as people have one: resumed, sampled, started from, and one of several seeds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sparring
from sparring.errors import InputError
from sparring.multiseed.task import Task
from sparring.networks.latents import Code
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run
from sparring.web import judging
from sparring.web.subject import opened
from tiny import SETTINGS

SMALL = SETTINGS["selfcond"] | {"checkpoint": '{"rounds": 10}', "review": "null"}


def train(out: Path, rounds: int, recipe: str = "selfcond", settings: Mapping[str, str] = SMALL, **more: Any) -> Run:
    return sparring.train(recipe, rounds=rounds, out=out, settings=settings, quiet=True, **more)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return train(tmp_path_factory.mktemp("selfcond") / "run", 20)


def tensors(run: Run) -> dict[str, torch.Tensor]:
    return run.newest_checkpoint()[0].tensors


def weights(run: Run) -> tuple[float, ...]:
    assert isinstance(run.recipe.z, Code)
    return run.recipe.z.weights


def test_resumed_it_is_the_run_that_never_stopped(run, tmp_path):
    stopped = train(tmp_path / "run", 10, settings=SMALL | {"ramps": "[]"})
    assert sum(weights(stopped)) == 1000
    assert {name for name in tensors(stopped) if "cluster" in name} == {
        f"memory.clusters.{name}" for name in ("mean", "basis", "centres")
    }
    resumed = sparring.resume(stopped, rounds=20, quiet=True)
    whole = train(tmp_path / "whole", 20, settings=SMALL | {"ramps": "[]"})
    assert resumed.recipe == whole.recipe
    assert all(torch.equal(tensor, tensors(whole)[name]) for name, tensor in tensors(resumed).items())


def test_a_resumed_run_keeps_the_clusters_that_it_was_trained_on(tmp_path, monkeypatch):
    """On another machine sums differ in their last bits, so that k-means may find others."""
    stopped = train(tmp_path / "run", 10)
    monkeypatch.setattr("sparring.training.clustering.MOST", 300)
    resumed = sparring.resume(stopped, rounds=11, quiet=True)
    assert weights(resumed) == weights(stopped)
    kept = (tensors(stopped)["memory.clusters.centres"], tensors(resumed)["memory.clusters.centres"])
    assert torch.equal(*kept)


def test_samples_follow_the_shares_and_have_their_clusters(run, sparring_command, tmp_path):
    assert run.facts["classes"] == [f"cluster {i}" for i in range(8)]
    command = ("sample", str(run.path / "generator"), "--num", "2000", "--out", str(tmp_path / "any.npz"))
    assert sparring_command(*command).status == 0
    with np.load(tmp_path / "any.npz") as found:
        shares = np.bincount(found["labels"], minlength=8) / 2000
    assert shares == pytest.approx(np.array(weights(run)) / 1000, abs=0.04)
    command = ("sample", str(run.path), "--class", "cluster 3", "--num", "4", "--out", str(tmp_path / "one.npz"))
    assert sparring_command(*command).status == 0
    with np.load(tmp_path / "one.npz") as found:
        assert found["labels"].tolist() == [3] * 4
    generator = sparring.load(run.path / "generator")
    assert isinstance(generator, SavedGenerator)
    assert (generator.noise, list(generator.classes)) == (run.recipe.z, run.facts["classes"])
    card = (run.path / "generator/README.md").read_text()
    assert "It has 8 classes.\n" in card


def test_started_from_another_run_it_takes_its_clusters(run, tmp_path):
    fewer = SMALL | {"data.held_back": "59500"}
    forked = train(tmp_path / "run", 2, start_from=run.path, seed=5, settings=fewer)
    assert torch.equal(tensors(forked)["memory.clusters.centres"], tensors(run)["memory.clusters.centres"])
    assert sum(weights(forked)) == 500
    labelled = SMALL | {"condition": "projection", "z": '{"name": "code", "normal": 64, "classes": 10}'}
    labelled = {name: value for name, value in labelled.items() if not name.startswith("condition.")}
    parent = train(tmp_path / "labelled", 1, recipe="cgan", settings=labelled)
    other = train(tmp_path / "other", 1, start_from=parent.path, settings=SMALL | {"condition.clusters": "10"})
    assert sum(weights(other)) == 1000


def test_one_of_several_seeds_is_known_again_whatever_its_clusters(run):
    Task.of("selfcond", rounds=40, settings=SMALL).check_same(run, 0)
    with pytest.raises(InputError, match="another setting of z"):
        Task.of("selfcond", rounds=40, settings=SMALL | {"condition.clusters": "9"}).check_same(run, 0)


def test_the_page_tells_d_the_clusters_of_pictures(run):
    subject = opened(str(run.newest_checkpoint()[0].path), False)
    assert subject.discriminator is not None
    assert subject.test_set is not None
    image, clusters = subject.test_set.batch(torch.arange(1)), torch.eye(8)
    with torch.no_grad():
        outputs = subject.discriminator(image)[0]
        found = judging.distributions(subject)
    expected = outputs[0] + outputs[1:]
    for class_, logit in ((None, expected.max()), (3, expected[3])):
        assert judging.verdict(subject, image, class_)["logit"] == pytest.approx(logit.item(), abs=1e-5)
    assert subject.clusters is not None
    real = subject.test_set.batch(torch.arange(20))
    codes = judging._codes_of_real(subject, real, subject.test_set, torch.arange(20))
    assert codes is not None
    assert torch.equal(codes, clusters[subject.clusters.assign(real)])
    assert sum(found["real"]) == pytest.approx(1)
    assert "real" not in judging.distributions(replace(subject, clusters=None))
