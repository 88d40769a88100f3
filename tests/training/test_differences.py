"""Finite differences in a step of D: by hand, and with all that stands between a sample and its logit."""

import pytest
import torch
from steps import take_step
from test_steps import NUM_X, NUM_Z, assert_close, by_backward, copies, gradients_of, make_gan, normal
from test_steps_modern import CODED_Z, CODES, REAL, Shift, Z, _player, conditional
from torch import Tensor, nn
from torch.nn.functional import softplus

from sparring.conditions import Projection
from sparring.losses import NonSaturating
from sparring.networks.layers.dropout import Dropout
from sparring.penalties import R1, R1FD, R2, R2FD, FiniteDifference, SpectralNorm
from sparring.recipe import MoveBoth, MoveD
from sparring.training.gan import GAN, StepContext
from sparring.training.gradient_penalties import gradient_penalty

pytestmark = pytest.mark.usefixtures("way")


def by_hand(
    gan: GAN, penalty: FiniteDifference, index: int, d: nn.Module, samples: Tensor, codes: Tensor | None = None
) -> Tensor:
    """The mean of a penalty, sample by sample and value by value; under codes D's logit is that of a projection."""
    numbers = gan.uniforms(penalty.side, len(samples), samples[0].numel(), "penalty", index)
    values = []
    for place, (sample, row) in enumerate(zip(samples, numbers, strict=True)):
        signs = torch.tensor([1.0 if number >= 0.5 else -1.0 for number in row]).to(sample.dtype)
        neighbour = sample + penalty.eps * signs.view(sample.shape)
        difference = (d(neighbour[None]) - d(sample[None])).view(-1)
        if codes is not None:
            difference = difference[0] + difference[1 + int(codes[place].argmax())]
        values.append(penalty.gamma / 2 * (difference / penalty.eps).square().sum())
    return torch.stack(values).mean()


@pytest.mark.parametrize("move", [MoveD(), MoveD(batch="joint"), MoveBoth()])
def test_finite_differences_are_added_to_what_d_minimises(move):
    penalties = R1FD(gamma=3.0, every=2), R2FD(gamma=0.5, eps=0.1), R1(gamma=0.7), R1FD(gamma=0.2, eps=0.5)
    gan = make_gan(penalties=penalties, context=StepContext(round=4, gamma_factor=0.1, seed=3))
    g, d = copies(gan)
    fake = g(Z).detach()
    points = REAL.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(d(points).sum(), points, create_graph=True)
    parts = [
        2 * by_hand(gan, penalties[0], 0, d, REAL),
        by_hand(gan, penalties[1], 1, d, fake),
        0.35 * slopes.square().sum(1).mean(),
        by_hand(gan, penalties[3], 3, d, REAL),
    ]
    penalty = 0.1 * torch.stack(parts).sum()
    terms = softplus(-d(REAL)), softplus(d(fake))
    value = torch.cat(terms).mean() if isinstance(move, MoveD) and move.batch == "joint" else terms[0].mean() + terms[1].mean()
    readings = take_step(move, gan, REAL, Z)
    assert_close(gradients_of(gan.discriminator), by_backward(d, value + penalty))
    torch.testing.assert_close(gan.memory["d_penalty"].double(), penalty.detach(), rtol=1e-6, atol=0)
    torch.testing.assert_close(readings["d_loss"], value.detach())


def test_without_gamma_nothing_is_judged():
    gan, without = make_gan(penalties=(R1FD(),), context=StepContext(gamma_factor=0.0)), make_gan()
    gan.memory["d_penalty"].fill_(5.0)
    for each in (gan, without):
        take_step(MoveD(), each, REAL, Z)
    assert_close(gradients_of(gan.discriminator), gradients_of(without.discriminator))
    assert gan.memory["d_penalty"] == 0


@pytest.mark.parametrize("move", [MoveD(), MoveBoth()])
def test_neighbours_are_packed_and_augmented_like_their_samples(move):
    wide = nn.Sequential(nn.Linear(3 * NUM_X, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0)).double()
    parts = {"packing": 3, "augment": Shift(), "penalties": (R1FD(eps=0.3), R2FD())}
    gan = GAN(make_gan().generator, _player(wide), NonSaturating(), **parts)
    g, d = copies(gan)
    real = (REAL + gan.uniforms("real", 6, 1, "augment")).reshape(2, -1)
    fake = (g(Z) + gan.uniforms("fake", 6, 1, "augment")).reshape(2, -1).detach()
    value = softplus(-d(real)).mean() + softplus(d(fake)).mean()
    value = value + by_hand(gan, R1FD(eps=0.3), 0, d, real) + by_hand(gan, R2FD(), 1, d, fake)
    take_step(move, gan, REAL, Z)
    assert_close(gradients_of(gan.discriminator), by_backward(d, value))


@pytest.mark.parametrize("move", [MoveD(), MoveBoth()])
def test_neighbours_have_the_codes_of_their_samples(move):
    gan = conditional(Projection())
    differences = (R1FD(), R2FD(eps=0.2))
    gan.penalties = differences
    g, d = copies(gan)
    d_of = {"real": (REAL, CODES), "fake": (g(CODED_Z).detach(), CODED_Z[:, 1:])}
    value = torch.stack([by_hand(gan, p, index, d, *d_of[p.side]) for index, p in enumerate(differences)]).sum()
    for sign, (images, codes) in zip((-1, 1), d_of.values(), strict=True):
        outputs = d(images)
        value = value + softplus(sign * (outputs[:, 0] + (outputs[:, 1:] * codes).sum(1))).mean()
    take_step(move, gan, REAL, CODED_Z, CODES)
    assert_close(gradients_of(gan.discriminator), by_backward(d, value))


@pytest.mark.parametrize(("difference", "exact"), [(R1FD(eps=1e-6), R1()), (R2FD(eps=1e-6), R2())])
@pytest.mark.parametrize("within", ["dropout", "spectral norm"])
def test_both_points_go_through_the_same_d(difference, exact, within):
    """Another mask, or another step of the power method, would be a difference of order 1 / eps."""
    parts: dict = {"d_extra": Dropout(0.5)} if within == "dropout" else {}
    gan = make_gan(penalties=(difference, exact), **parts)
    if within == "spectral norm":
        SpectralNorm().install(gan.discriminator.network)
        gan.discriminator = _player(gan.discriminator.network)
    real, fake = REAL.repeat(50, 1), normal(300, NUM_X, seed=7)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        found, expected = (
            gradient_penalty(gan, (real, None, None), (fake, None, None), [(i, p)]) for i, p in enumerate((difference, exact))
        )
    assert found is not None
    assert expected is not None
    assert found.item() == pytest.approx(expected.item(), rel=0.3)
    take_step(MoveD(), gan, REAL, normal(6, NUM_Z))
    assert gan.memory["d_penalty"] < 10
