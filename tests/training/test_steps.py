from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
import torch
from steps import fast_steps, take_step
from torch import Tensor, nn
from torch.nn.functional import softplus

from sparring.losses import Minimax, NonSaturating
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.perceptron import Perceptron
from sparring.optim.adam import Adam, AdamOptimizer, StepClock
from sparring.recipe import MoveBoth, MoveD, MoveG
from sparring.training.fast import FastSteps
from sparring.training.gan import GAN, reduce_mean
from sparring.training.perceptron_pass import PerceptronPass
from sparring.training.player import Player, inference
from sparring.training.readings import read_losses

NUM_Z, NUM_X = 3, 2
FAST = pytest.mark.parametrize("way", ["fast"], indirect=True)
pytestmark = pytest.mark.usefixtures("way")


class Recorded(AdamOptimizer):
    """Keeps the gradients that it is given."""

    def update(self, gradients) -> None:
        self.gradients = list(gradients)
        super().update(self.gradients)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def make_gan(loss=None, g_extra: nn.Module | None = None, d_extra: nn.Module | None = None, **parts: Any) -> GAN:
    """Tiny float64 perceptrons; the extra modules stand between their layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        g = nn.Sequential(nn.Linear(NUM_Z, 5), g_extra or nn.Identity(), nn.Tanh(), nn.Linear(5, NUM_X))
        d = nn.Sequential(nn.Linear(NUM_X, 5), nn.Tanh(), d_extra or nn.Identity(), nn.Linear(5, 1), nn.Flatten(0))
    players = [Player(n.double(), Recorded(Adam(lr=0.1), n.parameters(), StepClock())) for n in (g, d)]
    return GAN(*players, loss=loss or NonSaturating(), **parts)


def weights(player: Player) -> list[Tensor]:
    return [p.detach().clone() for p in player.network.parameters()]


def gradients_of(player: Player) -> list[Tensor]:
    assert isinstance(player.optimizer, Recorded)
    return player.optimizer.gradients


def by_backward(network: nn.Module, value: Tensor) -> list[Tensor]:
    """The gradients of a value that was computed with this network, the everyday way."""
    network.zero_grad()
    value.backward(retain_graph=True)
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


def assert_close(these: list[Tensor], those: list[Tensor]) -> None:
    assert len(these) == len(those) > 0
    for this, that in zip(these, those, strict=True):
        torch.testing.assert_close(this, that, rtol=1e-12, atol=1e-14)


def same(these: list[Tensor], those: list[Tensor]) -> bool:
    return all(torch.equal(this, that) for this, that in zip(these, those, strict=True))


def copies(gan: GAN) -> tuple[nn.Module, nn.Module]:
    generator, discriminator = deepcopy(gan.networks)
    return generator, discriminator


class Calls:
    """What a network was called with, and in which mode."""

    def __init__(self, network: nn.Module):
        self.inputs: list[Tensor] = []
        self.modes: list[bool] = []
        network.register_forward_pre_hook(self._note)

    def _note(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self.inputs.append(args[0].detach().clone())
        self.modes.append(module.training)


@pytest.mark.parametrize(("move", "moved"), [(MoveD(), "d"), (MoveG(), "g"), (MoveBoth(), "gd")])
def test_only_whose_move_it_is_moves(move, moved):
    gan = make_gan()
    before = weights(gan.generator), weights(gan.discriminator)
    take_step(move, gan, normal(4, NUM_X), normal(4, NUM_Z))
    assert same(weights(gan.generator), before[0]) == ("g" not in moved)
    assert same(weights(gan.discriminator), before[1]) == ("d" not in moved)
    assert all(p.grad is None for network in gan.networks for p in network.parameters())


def test_move_d_by_hand():
    gan, real, z = make_gan(), normal(4, NUM_X, seed=1), normal(4, NUM_Z, seed=2)
    g, d = copies(gan)
    real_logits, fake_logits = d(real), d(g(z).detach())
    value = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    readings = take_step(MoveD(), gan, real, z)
    assert_close(gradients_of(gan.discriminator), by_backward(d, value))
    assert set(readings) == {"d_loss", "real_logits", "fake_logits"}
    assert_close(list(readings.values()), [value, real_logits, fake_logits])
    assert not any(reading.requires_grad for reading in readings.values())


@pytest.mark.parametrize("loss", [NonSaturating(), Minimax()])
def test_move_g_by_hand(loss):
    gan, z = make_gan(loss), normal(4, NUM_Z, seed=2)
    g, d = copies(gan)
    logits = d(g(z))
    value = softplus(-logits).mean() if type(loss) is NonSaturating else -softplus(logits).mean()
    readings = take_step(MoveG(), gan, torch.empty(0), z)
    assert_close(gradients_of(gan.generator), by_backward(g, value))
    assert set(readings) == {"g_loss", "g_fake_logits"}
    assert_close([readings["g_loss"], readings["g_fake_logits"]], [value, logits])
    assert not any(reading.requires_grad for reading in readings.values())


@pytest.mark.parametrize("dropout", [nn.Dropout(0.5), Dropout(0.5)])
def test_move_both_takes_both_gradients_from_one_forward_pass(dropout):
    gan, real, z = make_gan(d_extra=dropout), normal(8, NUM_X, seed=1), normal(8, NUM_Z, seed=2)
    g, d = copies(gan)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        real_logits, fake_logits = d(real), d(g(z))
        g_value = softplus(-fake_logits).mean()
        d_value = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        g_gradients, d_gradients = by_backward(g, g_value), by_backward(d, d_value)
        g_calls, d_calls = Calls(gan.generator.network), Calls(gan.discriminator.network)
        torch.manual_seed(5)
        readings = take_step(MoveBoth(), gan, real, z)
    assert_close(gradients_of(gan.generator), g_gradients)
    assert_close(gradients_of(gan.discriminator), d_gradients)
    assert len(g_calls.inputs) == 1
    assert [len(x) for x in d_calls.inputs] == [8, 8]
    assert readings["g_fake_logits"] is not None
    assert_close([readings["g_fake_logits"], readings["fake_logits"]], [fake_logits, fake_logits])
    assert_close([readings["g_loss"], readings["d_loss"]], [g_value, d_value])


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("bias", [0.0, -1000.0, 1000.0])
def test_move_both_by_hand_whatever_d_thinks(bias, batch_norm):
    """One way back through D serves both losses, unless samples depend on each other or D's slope has vanished."""
    gan, real, z = make_gan(d_extra=nn.BatchNorm1d(5) if batch_norm else None), normal(4, NUM_X), normal(6, NUM_Z)
    gan.discriminator.network.get_parameter("3.bias").data += bias
    g, d = copies(gan)
    real_logits, fake_logits = d(real), d(g(z))
    g_gradients = by_backward(g, softplus(-fake_logits).mean())
    d_gradients = by_backward(d, softplus(-real_logits).mean() + softplus(fake_logits).mean())
    take_step(MoveBoth(), gan, real, z)
    assert batch_norm or any(gradient.abs().max() > 1e-6 for gradient in g_gradients) == (bias <= 0)
    assert_close(gradients_of(gan.generator), g_gradients)
    assert_close(gradients_of(gan.discriminator), d_gradients)


def perceptrons(loss=None) -> GAN:
    """A match whose networks have their gradients written out."""
    networks = [Perceptron(*network.children()) for network in make_gan(loss).networks]
    players = [Player(n, Recorded(Adam(lr=0.1), n.parameters(), StepClock())) for n in networks]
    return GAN(*players, loss=loss or NonSaturating())


@FAST
@pytest.mark.parametrize("moves", [(MoveD(), MoveG()), (MoveG(), MoveD(batch="joint")), (MoveBoth(),)])
def test_written_out_gradients_play_the_same_match(moves):
    gans, real, z = (make_gan(), perceptrons()), normal(4, NUM_X, seed=1), normal(6, NUM_Z, seed=2)
    for move in (*moves, *moves):
        one, other = (take_step(move, gan, real, z) for gan in gans)
        assert_close(list(one.values()), list(other.values()))
    assert isinstance(FastSteps(gans[1])._discriminate(real, "real"), PerceptronPass)
    assert_close(weights(gans[0].generator), weights(gans[1].generator))
    assert_close(weights(gans[0].discriminator), weights(gans[1].discriminator))


@FAST
@pytest.mark.parametrize("make", [make_gan, perceptrons])
def test_fakes_that_are_kept_are_those_that_g_would_make_again(make):
    gans, real, z = (make(), make()), normal(4, NUM_X, seed=1), normal(6, NUM_Z, seed=2)
    assert not any(fast_steps(gan).reused for gan in gans)
    calls = Calls(gans[0].generator.network)
    for keep, gan in zip((True, False), gans, strict=True):
        take_step(MoveD(), gan, real, z, keep=keep)
        take_step(MoveG(z="same"), gan, real, z)
        assert fast_steps(gan).reused is None
    assert len(calls.inputs) <= 1
    assert_close(weights(gans[0].generator), weights(gans[1].generator))
    assert_close(weights(gans[0].discriminator), weights(gans[1].discriminator))


@FAST
def test_d_sees_both_sides_in_one_pass_only_where_that_changes_nothing():
    for extra, passes in ((nn.Identity(), [10]), (Dropout(0.5), [4, 6]), (nn.BatchNorm1d(5), [4, 6])):
        gan = make_gan(d_extra=extra)
        assert fast_steps(gan).gan is gan
        calls = Calls(gan.discriminator.network)
        take_step(MoveD(), gan, normal(4, NUM_X), normal(6, NUM_Z))
        assert [len(x) for x in calls.inputs] == passes


class Shifted(nn.Module):
    """Weights as a sum of two, which autograd gives one and the same gradient; and an input overwritten."""

    def __init__(self):
        super().__init__()
        self.one, self.other = (nn.Parameter(normal(NUM_X, seed=seed)) for seed in (7, 8))

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(2).tanh() @ (self.one + self.other)


@pytest.mark.parametrize("move", [MoveD(), MoveBoth(), MoveG()])
def test_a_network_of_ones_own_may_share_gradients_and_begin_in_place(move):
    gan, real, z = make_gan(), normal(4, NUM_X, seed=1), normal(4, NUM_Z, seed=2)
    network = Shifted()
    optimizer = Recorded(Adam(lr=0.1), network.parameters(), StepClock())
    gan = GAN(gan.generator, Player(network, optimizer), gan.loss)
    g, d = copies(gan)
    real_logits, fake_logits = d(real.clone()), d(g(z).clone())
    d_value = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    g_gradients, d_gradients = by_backward(g, softplus(-fake_logits).mean()), by_backward(d, d_value)
    take_step(move, gan, real, z)
    if not isinstance(move, MoveD):
        assert_close(gradients_of(gan.generator), g_gradients)
    if not isinstance(move, MoveG):
        assert_close(gradients_of(gan.discriminator), d_gradients)


@FAST
def test_fakes_that_are_kept_serve_their_own_z_only():
    gan, other = perceptrons(), normal(3, NUM_Z, seed=3)
    take_step(MoveD(), gan, normal(4, NUM_X), normal(4, NUM_Z), keep=True)
    assert len(take_step(MoveG(), gan, normal(4, NUM_X), other)["g_fake_logits"]) == 3


def test_what_is_frozen_stays_frozen():
    gan = make_gan(d_extra=nn.BatchNorm1d(5))
    frozen = gan.discriminator.network.get_parameter("0.weight").requires_grad_(False)
    take_step(MoveG(), gan, normal(4, NUM_X), normal(4, NUM_Z))
    assert not frozen.requires_grad


def test_g_moves_without_gradients_by_the_weights_of_d():
    gan = make_gan(d_extra=nn.BatchNorm1d(5))
    d_pass = FastSteps(gan)._discriminate(normal(4, NUM_X), "fake", weights=False, inputs=True)
    with pytest.raises(RuntimeError, match=r"require grad|not have been used"):
        d_pass.vjp(torch.ones(4, dtype=torch.float64), weights=True)
    assert all(p.requires_grad for p in gan.discriminator.network.parameters())


def test_a_joint_batch_has_one_mean_and_one_pass():
    real, z = normal(4, NUM_X, seed=1), normal(4, NUM_Z, seed=2)
    separate, joint = make_gan(), make_gan()
    calls = Calls(joint.discriminator.network)
    one = take_step(MoveD(batch="separate"), separate, real, z)
    two = take_step(MoveD(batch="joint"), joint, real, z)
    assert [len(x) for x in calls.inputs] == [8]
    assert torch.equal(calls.inputs[0][:4], real)
    assert_close([two["d_loss"]], [one["d_loss"] / 2])
    assert_close([two["real_logits"], two["fake_logits"]], [one["real_logits"], one["fake_logits"]])
    assert_close(gradients_of(joint.discriminator), [g / 2 for g in gradients_of(separate.discriminator)])


def test_a_joint_batch_of_unequal_halves_weighs_samples_alike():
    gan, real, z = make_gan(NonSaturating(real_target=0.9)), normal(3, NUM_X, seed=1), normal(5, NUM_Z, seed=2)
    readings = take_step(MoveD(batch="joint"), gan, real, z)
    real_logits, fake_logits = readings["real_logits"], readings["fake_logits"]
    assert (len(real_logits), len(fake_logits)) == (3, 5)
    real_values = 0.9 * softplus(-real_logits) + 0.1 * softplus(real_logits)
    assert_close([readings["d_loss"]], [(real_values.sum() + softplus(fake_logits).sum()) / 8])


def test_a_short_real_batch_beside_a_full_one_of_fakes():
    gan, real, z = make_gan(), normal(96, NUM_X, seed=1), normal(256, NUM_Z, seed=2)
    for move in (MoveD(), MoveBoth()):
        readings = take_step(move, gan, real, z)
        real_logits, fake_logits = readings["real_logits"], readings["fake_logits"]
        assert (len(real_logits), len(fake_logits)) == (96, 256)
        expected = softplus(-real_logits).sum() / 96 + softplus(fake_logits).sum() / 256
        assert_close([readings["d_loss"]], [expected])


def statistics(network: nn.Module) -> list[Tensor]:
    return [buffer.clone() for buffer in network.buffers()]


def warmed_up(**extras: nn.Module) -> GAN:
    """A match whose G has batch norm with statistics of its own."""
    gan = make_gan(g_extra=nn.BatchNorm1d(5), **extras)
    gan.generator.network(3 + 2 * normal(64, NUM_Z, seed=9))
    return gan


def test_fakes_from_inference_use_running_statistics_and_leave_them():
    gan, real, z = warmed_up(), normal(4, NUM_X, seed=1), normal(4, NUM_Z, seed=2)
    g, d = copies(gan)
    before = statistics(gan.generator.network)
    value = softplus(-d(real)).mean() + softplus(d(g.eval()(z).detach())).mean()
    readings = take_step(MoveD(fakes_from="inference"), gan, real, z)
    assert_close([readings["d_loss"]], [value])
    assert_close(gradients_of(gan.discriminator), by_backward(d, value))
    assert same(statistics(gan.generator.network), before)
    assert all(network.training for network in gan.networks)


def test_fakes_from_training_use_the_batch_and_move_running_statistics():
    gan, real, z = warmed_up(), normal(4, NUM_X, seed=1), normal(4, NUM_Z, seed=2)
    g, d = copies(gan)
    before = statistics(gan.generator.network)
    value = softplus(-d(real)).mean() + softplus(d(g(z).detach())).mean()
    readings = take_step(MoveD(), gan, real, z)
    assert_close([readings["d_loss"]], [value])
    assert not same(statistics(gan.generator.network), before)


def test_d_stays_in_training_mode_while_fakes_come_from_inference():
    gan = warmed_up(d_extra=Dropout(0.5))
    calls = Calls(gan.generator.network), Calls(gan.discriminator.network)
    take_step(MoveD(fakes_from="inference"), gan, normal(4, NUM_X), normal(4, NUM_Z))
    assert calls[0].modes == [False]
    assert calls[1].modes == [True, True]


def test_reading_changes_nothing():
    gan, real, z = warmed_up(d_extra=nn.Dropout(0.5)), normal(4, NUM_X, seed=1), normal(6, NUM_Z, seed=2)
    g, d = copies(gan)
    state = torch.get_rng_state()
    before = [*weights(gan.generator), *weights(gan.discriminator), *statistics(gan.generator.network)]
    readings = read_losses(gan, real, z)
    after = [*weights(gan.generator), *weights(gan.discriminator), *statistics(gan.generator.network)]
    assert same(after, before)
    assert all(network.training for network in gan.networks)
    assert torch.equal(torch.get_rng_state(), state)
    real_logits, fake_logits = d.eval()(real), d(g.eval()(z))
    assert_close([readings["real_logits"], readings["fake_logits"]], [real_logits, fake_logits])
    assert_close([readings["g_loss"]], [softplus(-fake_logits).mean()])
    assert_close([readings["d_loss"]], [softplus(-real_logits).mean() + softplus(fake_logits).mean()])


def test_inference_ends_even_after_an_error():
    network = nn.Dropout()
    with suppress(RuntimeError), inference(network):
        assert not network.training
        raise RuntimeError
    assert network.training
    with inference(network.eval()):
        pass
    assert not network.training


def test_averages_by_hand():
    terms = torch.tensor([1.0, 3.0]), torch.tensor([10.0, 20.0, 30.0])
    assert reduce_mean(terms) == 22
    assert reduce_mean(terms, "joint") == pytest.approx(64 / 5)
