"""What came after 2014: penalties, relativistic losses, packing, conditions, constraints, augmentation."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from steps import take_step
from test_steps import (
    NUM_X,
    NUM_Z,
    Recorded,
    assert_close,
    by_backward,
    copies,
    gradients_of,
    make_gan,
    normal,
    same,
    weights,
)
from torch import Tensor, nn
from torch.nn.functional import one_hot, softplus

from sparring.conditions import AuxiliaryClassifier, Projection
from sparring.distributed.single_process import BOTH
from sparring.losses import NonSaturating, RelativisticPairing, Wasserstein
from sparring.networks.latents import Code
from sparring.networks.layers.dropout import Dropout
from sparring.optim.adam import Adam, StepClock
from sparring.penalties import R1, R2, GradientPenalty, LeCam, SpectralNorm, WeightClipping
from sparring.recipe import MoveBoth, MoveD, MoveG
from sparring.training.gan import GAN, StepContext
from sparring.training.gradient_penalties import gradient_penalty
from sparring.training.player import Player

pytestmark = pytest.mark.usefixtures("way")
REAL, Z = normal(6, NUM_X, seed=1), normal(6, NUM_Z, seed=2)


def squared_slopes(d: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """|grad D|^2 sample by sample, each through a pass of its own."""
    values = []
    for image in images:
        point = image[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(d(point).sum(), point, create_graph=True)
        values.append(slope.square().sum())
    return torch.stack(values)


def test_a_penalty_is_not_worked_out_where_its_ramp_has_come_to_nothing():
    gan = make_gan(penalties=(R1(),), context=StepContext(gamma_factor=0.0))
    value = gradient_penalty(gan, (REAL, None, None), (REAL, None, None))
    assert value == 0
    assert value is not None
    assert not value.requires_grad
    gan.context = StepContext(gamma_factor=0.1)
    value = gradient_penalty(gan, (REAL, None, None), (REAL, None, None))
    assert value is not None
    assert value.requires_grad


@pytest.mark.parametrize("move", [MoveD(), MoveBoth()])
def test_penalties_are_added_to_what_d_minimises(move):
    gan = make_gan(penalties=(R1(gamma=3.0, every=2), R2(gamma=0.5)), context=StepContext(round=4, gamma_factor=0.1))
    g, d = copies(gan)
    fake = g(Z).detach()
    penalty = 0.1 * (2 * 3.0 / 2 * squared_slopes(d, REAL).mean() + 0.5 / 2 * squared_slopes(d, fake).mean())
    value = softplus(-d(REAL)).mean() + softplus(d(fake)).mean() + penalty
    readings = take_step(move, gan, REAL, Z)
    assert_close(gradients_of(gan.discriminator), by_backward(d, value))
    torch.testing.assert_close(gan.memory["d_penalty"].double(), penalty.detach(), rtol=1e-6, atol=0)
    torch.testing.assert_close(readings["d_loss"], (value - penalty).detach())


def test_a_lazy_penalty_waits_for_its_round():
    lazy, without = make_gan(penalties=(R1(every=2),), context=StepContext(round=3)), make_gan()
    for gan in (lazy, without):
        take_step(MoveD(), gan, REAL, Z)
    assert_close(gradients_of(lazy.discriminator), gradients_of(without.discriminator))


def test_the_place_between_real_and_fake_depends_on_the_turn_alone():
    found = []
    for seed in (1, 1, 2):
        gan = make_gan(penalties=(GradientPenalty(),), context=StepContext(seed=seed))
        take_step(MoveD(), gan, REAL, Z)
        found.append(gradients_of(gan.discriminator))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_a_penalty_moves_d_alone():
    gan = make_gan(Wasserstein(), penalties=(GradientPenalty(),))
    before = weights(gan.generator)
    take_step(MoveD(), gan, REAL, Z)
    assert same(weights(gan.generator), before)


def test_lecam_remembers_the_logits_of_d():
    penalty = LeCam(gamma=2.0, decay=0.5)
    gan = make_gan(penalties=(penalty,))
    gan.memory["penalty.0"] = torch.tensor([0.3, -0.2], dtype=torch.float64)
    g, d = copies(gan)
    real_logits, fake_logits = d(REAL), d(g(Z).detach())
    value = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    value = value + (real_logits + 0.2).square().mean() + (fake_logits - 0.3).square().mean()
    take_step(MoveD(), gan, REAL, Z)
    assert_close(gradients_of(gan.discriminator), by_backward(d, value))
    means = torch.stack([real_logits.mean(), fake_logits.mean()]).detach()
    assert_close([gan.memory["penalty.0"]], [0.5 * torch.tensor([0.3, -0.2], dtype=torch.float64) + 0.5 * means])


@pytest.mark.parametrize("move", [MoveG(), MoveBoth()])
def test_a_relativistic_g_compares_with_real_images(move):
    gan = make_gan(RelativisticPairing())
    g, d = copies(gan)
    value = softplus(d(REAL).detach() - d(g(Z))).mean()
    readings = take_step(move, gan, REAL, Z)
    assert_close(gradients_of(gan.generator), by_backward(g, value))
    torch.testing.assert_close(readings["g_loss"], value.detach())


@pytest.mark.parametrize("move", [MoveD(), MoveG(), MoveBoth()])
def test_packed_images_are_judged_together(move):
    """D of three points in one, as written out by hand; one of seven is left over."""
    wide = nn.Sequential(nn.Linear(3 * NUM_X, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0)).double()
    gan = GAN(make_gan().generator, _player(wide), NonSaturating(), packing=3, penalties=(R1(),))
    real, z = normal(7, NUM_X, seed=1), normal(7, NUM_Z, seed=2)
    g, d = copies(gan)
    real_packs, fakes = real[:6].reshape(2, -1), g(z)[:6]
    d_value = softplus(-d(real_packs)).mean() + softplus(d(fakes.detach().reshape(2, -1))).mean()
    d_value = d_value + 0.5 * squared_slopes(d, real_packs).mean()
    g_value = softplus(-d(fakes.reshape(2, -1))).mean()
    take_step(move, gan, real, z)
    if not isinstance(move, MoveG):
        assert_close(gradients_of(gan.discriminator), by_backward(d, d_value))
    if not isinstance(move, MoveD):
        assert_close(gradients_of(gan.generator), by_backward(g, g_value))


def test_an_augmented_pack_with_an_image_left_over():
    wide = nn.Sequential(nn.Linear(2 * NUM_X, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0)).double()
    parts = {"packing": 2, "penalties": (R1(),), "augment": Shift()}
    gan = GAN(make_gan().generator, _player(wide), NonSaturating(), **parts)
    take_step(MoveD(), gan, normal(5, NUM_X, seed=1), normal(5, NUM_Z, seed=2))
    assert gan.memory["d_penalty"] > 0


def _player(network: nn.Module) -> Player:
    return Player(network, Recorded(Adam(lr=0.1), network.parameters(), StepClock()))


CODE = Code(normal=1, classes=2)
CODES = one_hot(torch.tensor([0, 1, 1, 0, 1, 0]), 2).double()
CODED_Z = torch.cat([normal(6, 1, seed=3), one_hot(torch.tensor([1, 1, 0, 0, 1, 0]), 2).double()], 1)


def conditional(condition) -> GAN:
    d = nn.Sequential(nn.Linear(NUM_X, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    return GAN(make_gan().generator, _player(d), NonSaturating(), condition=condition, code=CODE, penalties=(R1(),))


@pytest.mark.parametrize("move", [MoveD(), MoveG(), MoveBoth()])
def test_projection_by_hand(move):
    gan = conditional(Projection())
    g, d = copies(gan)

    def logits(images: Tensor, codes: Tensor) -> Tensor:
        return torch.stack([row[0] + row[1 + int(code.argmax())] for row, code in zip(d(images), codes, strict=True)])

    fakes = g(CODED_Z)
    d_value = softplus(-logits(REAL, CODES)).mean() + softplus(logits(fakes.detach(), CODED_Z[:, 1:])).mean()
    slopes = torch.autograd.grad(logits(points := REAL.clone().requires_grad_(), CODES).sum(), points, create_graph=True)[0]
    d_value = d_value + 0.5 * slopes.square().sum(1).mean()
    g_value = softplus(-logits(fakes, CODED_Z[:, 1:])).mean()
    readings = take_step(move, gan, REAL, CODED_Z, CODES)
    if not isinstance(move, MoveG):
        assert_close(gradients_of(gan.discriminator), by_backward(d, d_value))
        assert readings["real_logits"].shape == (6,)
    if not isinstance(move, MoveD):
        assert_close(gradients_of(gan.generator), by_backward(g, g_value))


@pytest.mark.parametrize("move", [MoveD(), MoveG(), MoveBoth()])
def test_both_sides_are_charged_for_the_class(move):
    gan = conditional(AuxiliaryClassifier())
    g, d = copies(gan)
    fakes = g(CODED_Z)
    classes, fake_classes = CODES.argmax(1), CODED_Z[:, 1:].argmax(1)
    entropy = nn.CrossEntropyLoss()
    on_real, on_fake = d(REAL), d(fakes.detach())
    d_value = softplus(-on_real[:, 0]).mean() + softplus(on_fake[:, 0]).mean()
    d_value = d_value + entropy(on_real[:, 1:], classes) + entropy(on_fake[:, 1:], fake_classes)
    slopes = torch.autograd.grad(d(points := REAL.clone().requires_grad_())[:, 0].sum(), points, create_graph=True)[0]
    d_value = d_value + 0.5 * slopes.square().sum(1).mean()
    g_value = softplus(-d(fakes)[:, 0]).mean() + entropy(d(fakes)[:, 1:], fake_classes)
    take_step(move, gan, REAL, CODED_Z, CODES)
    if not isinstance(move, MoveG):
        assert_close(gradients_of(gan.discriminator), by_backward(d, d_value))
    if not isinstance(move, MoveD):
        assert_close(gradients_of(gan.generator), by_backward(g, g_value))


@pytest.mark.parametrize("move", [MoveD(), MoveBoth()])
def test_clipped_weights_stay_within_their_limit(move):
    gan = make_gan(Wasserstein(), constraint=WeightClipping(0.05))
    take_step(move, gan, REAL, Z)
    assert max(weight.abs().max().item() for weight in weights(gan.discriminator)) == pytest.approx(0.05)
    assert max(weight.abs().max().item() for weight in weights(gan.generator)) > 0.05


def test_under_spectral_norm_the_originals_move():
    gan = make_gan()
    network = deepcopy(gan.discriminator.network)
    SpectralNorm().install(network)
    gan = GAN(gan.generator, _player(network), NonSaturating(), constraint=SpectralNorm(), penalties=(R1(),))
    before = weights(gan.discriminator)
    take_step(MoveD(), gan, REAL, Z)
    assert not any(torch.equal(old, new) for old, new in zip(before, weights(gan.discriminator), strict=True))


class Shift:
    """An augmentation that moves each point by its own random number."""

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        return 1

    def __call__(self, images: Tensor, uniforms: Tensor, strength: float = 1.0) -> Tensor:
        return images + strength * uniforms


@pytest.mark.parametrize("move", [MoveD(), MoveG(), MoveBoth()])
def test_all_that_d_sees_is_augmented(move):
    gan = make_gan(augment=Shift(), context=StepContext(strength=0.5, seed=9), penalties=(R1(),))
    g, d = copies(gan)
    shifts = {side: 0.5 * gan.uniforms(side, 6, 1, "augment") for side in BOTH}
    assert not torch.equal(shifts["real"], shifts["fake"])
    real, fakes = REAL + shifts["real"], g(Z) + shifts["fake"]
    d_value = softplus(-d(real)).mean() + softplus(d(fakes.detach())).mean() + 0.5 * squared_slopes(d, real).mean()
    take_step(move, gan, REAL, Z)
    if not isinstance(move, MoveG):
        assert_close(gradients_of(gan.discriminator), by_backward(d, d_value))
    if not isinstance(move, MoveD):
        assert_close(gradients_of(gan.generator), by_backward(g, softplus(-d(fakes)).mean()))


@pytest.mark.parametrize("move", [MoveD(), MoveBoth()])
def test_r1_is_taken_on_the_logits_that_the_loss_sees(move):
    """With dropout in D the loss and the penalty see one mask."""
    gan = make_gan(d_extra=Dropout(0.5), penalties=(R1(gamma=3.0), R2(gamma=0.5)))
    g, d = copies(gan)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        real, fake = REAL.clone().requires_grad_(), g(Z).detach().requires_grad_()
        real_logits, fake_logits = d(real), d(fake)
        slopes = [torch.autograd.grad(y.sum(), x, create_graph=True)[0] for y, x in ((real_logits, real), (fake_logits, fake))]
        value = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        value = value + 1.5 * slopes[0].square().sum(1).mean() + 0.25 * slopes[1].square().sum(1).mean()
        expected = by_backward(d, value)
        torch.manual_seed(5)
        take_step(move, gan, REAL, Z)
    assert_close(gradients_of(gan.discriminator), expected)


class WithOwnValue(nn.Module):
    """D with one output more than the condition wants: a value of its own, that it minimises on real images."""

    def __init__(self, num_outputs: int):
        super().__init__()
        self.outputs, self.own = nn.Linear(NUM_X, num_outputs).double(), nn.Linear(NUM_X, 1).double()

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.outputs(x), self.own(x).square()), 1)


@pytest.mark.parametrize("condition", [None, AuxiliaryClassifier()])
@pytest.mark.parametrize("move", [MoveD(), MoveBoth()])
def test_d_minimises_a_value_of_its_own_on_real_images(move, condition):
    code = Code(normal=NUM_Z - 2, classes=2) if condition else None
    gan = make_gan(penalties=(R1(),), condition=condition, code=code)
    gan.discriminator = Player(WithOwnValue(3 if condition else 1), gan.discriminator.optimizer)
    gan.discriminator.optimizer = type(gan.discriminator.optimizer)(Adam(), gan.discriminator.network.parameters(), StepClock())
    z, codes = Z.clone(), one_hot(torch.arange(6) % 2, 2).double()
    z[:, -2:] = codes
    g, d = copies(gan)
    fake = g(z).detach()
    value = softplus(-d(REAL)[:, 0]).mean() + softplus(d(fake)[:, 0]).mean() + d(REAL)[:, -1].mean()
    value = value + squared_slopes(lambda x: d(x)[:, 0], REAL).mean() / 2
    if condition:
        for images in (REAL, fake):
            value = value - (d(images)[:, 1:3].log_softmax(1) * codes).sum(1).mean()
    take_step(move, gan, REAL, z, codes if condition else None)
    assert_close(gradients_of(gan.discriminator), by_backward(d, value))
