"""The close look at both networks: measured right, and nothing moved."""

import pytest
import torch

from sparring.api.resolve import resolve
from sparring.config.rng import keyed_generator, own_torch_state
from sparring.runs import checkpoint
from sparring.training.engine import Engine
from sparring.training.probes import NUM_PROBED, run_probes
from sparring.training.sampler import EngineSampler, num_at_once
from tiny import SETTINGS

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_randomness():
    with own_torch_state(CPU):
        yield


def test_a_checkup_measures_and_changes_nothing():
    recipe = resolve("dcgan", SETTINGS["dcgan"])
    data, test = recipe.data.train(), recipe.data.test()
    engine = Engine.build(recipe, data, 0, CPU)
    engine.train_round(0)
    before = {name: tensor.clone() for name, tensor in checkpoint.state_tensors(engine.gan).items()}
    numbers = run_probes(engine, test)
    assert all(torch.equal(tensor, before[name]) for name, tensor in checkpoint.state_tensors(engine.gan).items())
    assert all(network.training for network in engine.gan.networks)
    fake = EngineSampler(engine, engine.data).samples(500, "checkup").double()
    real = test.batch(torch.randperm(len(test), generator=keyed_generator("cpu", 0, "checkup"))[:500]).double()
    assert numbers["spread"] == pytest.approx(
        (fake.var(0, correction=0).mean() / real.var(0, correction=0).mean()).sqrt().item()
    )
    stds = [images.flatten(1).std(1, correction=0).mean().item() for images in (fake, real)]
    assert numbers["contrast"] == pytest.approx(stds[0] / stds[1])
    assert numbers["batch_norm_gap"] > 1  # after one round the running statistics know next to nothing
    steps = [engine.train_round(round_)["g_loss"].item() for round_ in (1, 2)]
    other = Engine.build(recipe, data, 0, CPU)
    assert [other.train_round(round_)["g_loss"].item() for round_ in (0, 1, 2)][1:] == steps


def test_gradient_norms_are_those_of_the_last_moves():
    recipe = resolve("paper", SETTINGS["paper"])
    engine = Engine.build(recipe, recipe.data.train(), 0, CPU)
    numbers = engine.numbers(engine.train_round(0))
    for side, player in (("g", engine.gan.generator), ("d", engine.gan.discriminator)):
        squares = sum(gradient.double().square().sum().item() for gradient in player.gradients)
        assert numbers[f"{side}_gradient"] == pytest.approx(squares**0.5, rel=1e-5)


def test_what_a_critic_says_is_no_probability():
    recipe = resolve("dropout-mlp", SETTINGS["dropout-mlp"] | {"loss": "wasserstein", "test_traces": "false"})
    engine = Engine.build(recipe, recipe.data.train(), 0, CPU)
    assert run_probes(engine, recipe.data.test()).keys() == {"spread", "contrast"}


def test_of_large_images_fewer_are_drawn_at_once_and_alike(monkeypatch):
    recipe = resolve("dcgan", SETTINGS["dcgan"])
    engine = Engine.build(recipe, recipe.data.train(), 0, CPU)
    sampler, before = EngineSampler(engine, recipe.data.test()), EngineSampler(engine, engine.data).samples(300, "some")
    monkeypatch.setattr("sparring.training.sampler._SMALL", 28 * 28 // 4)  # so that 28 pixels are twice too many on each side
    seen = []
    engine.gan.g_eval.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    assert torch.equal(sampler.samples(300, "some"), before)
    run_probes(engine, sampler.test)
    assert max(seen) == NUM_PROBED // 4
    assert seen[:5] == [64, 64, 64, 64, 44]
    assert num_at_once(256, (3, 1000, 1000)) == 1
