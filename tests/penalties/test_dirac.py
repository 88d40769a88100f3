"""The Dirac-GAN (Mescheder et al. 2018): data at 0, G at theta, D(x) = psi x; the flow at its equilibrium (0, 0)."""

from cmath import sqrt
from functools import partial
from math import hypot

import pytest
import torch

from sparring.losses import (
    Hinge,
    Loss,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    RelativisticLoss,
    RelativisticPairing,
    Wasserstein,
)
from sparring.penalties import R1, R1FD, R2, R2FD, GradientPenalty, Penalty

LOSSES = {  # with f'(0), the slope of D's loss by the logit of a generated sample
    NonSaturating(): 0.5,
    Minimax(): 0.5,
    RelativisticPairing(): 0.5,
    RelativisticAverage(): 1.0,  # two terms, with half the slope each
    Wasserstein(): 1.0,
    Hinge(): 1.0,
}


def flow(loss: Loss | RelativisticLoss, penalties: tuple[Penalty, ...], theta: torch.Tensor, psi: torch.Tensor) -> torch.Tensor:
    """(theta, psi)' under gradient descent of both sides, from the losses and penalties themselves."""
    real, fake = torch.zeros(1, 1, dtype=torch.float64), theta.view(1, 1)

    def critic(x: torch.Tensor) -> torch.Tensor:
        return psi * x[:, 0]

    logits = critic(real), critic(fake)
    d = torch.stack([term.mean() for term in loss.d_terms(*logits)]).sum()
    for penalty in penalties:
        d = d + penalty(critic, real, fake, torch.full((1, 1), 0.5, dtype=torch.float64)).mean()
    terms = loss.g_terms(logits[1], logits[0]) if isinstance(loss, RelativisticLoss) else loss.g_terms(logits[1])
    g = torch.stack([term.mean() for term in terms]).sum()
    (by_psi,) = torch.autograd.grad(d, psi, create_graph=True)
    (by_theta,) = torch.autograd.grad(g, theta, create_graph=True)
    return -torch.stack((by_theta, by_psi))


def eigenvalues(loss: Loss | RelativisticLoss, *penalties: Penalty) -> list[complex]:
    zero = torch.zeros((), dtype=torch.float64)
    rows = torch.autograd.functional.jacobian(lambda theta, psi: flow(loss, penalties, theta, psi), (zero, zero.clone()))
    found = torch.linalg.eigvals(torch.stack(rows, dim=1)).tolist()
    return sorted(found, key=lambda value: (value.real, value.imag))


def expected(friction: float, slope: float) -> list[complex]:
    """Of theta'' + friction theta' + slope^2 theta = 0."""
    root = sqrt(friction**2 / 4 - slope**2)
    return sorted((-friction / 2 - root, -friction / 2 + root), key=lambda value: (value.real, value.imag))


@pytest.mark.parametrize(("loss", "slope"), LOSSES.items(), ids=map(repr, LOSSES))
def test_without_a_penalty_it_goes_round_for_ever(loss, slope):
    assert eigenvalues(loss) == pytest.approx([-slope * 1j, slope * 1j])


@pytest.mark.parametrize(("loss", "slope"), LOSSES.items(), ids=map(repr, LOSSES))
@pytest.mark.parametrize("gamma", [0.3, 4.0])
@pytest.mark.parametrize("penalty", [R1, R2, R1FD, R2FD, partial(GradientPenalty, center=0.0)])
def test_a_zero_centred_penalty_is_a_friction_of_gamma(loss, slope, gamma, penalty):
    assert eigenvalues(loss, penalty(gamma=gamma)) == pytest.approx(expected(gamma, slope))


def test_r1_and_r2_together_brake_twice():
    assert eigenvalues(RelativisticPairing(), R1(gamma=0.3), R2(gamma=0.3)) == pytest.approx(expected(0.6, 0.5))


def test_simultaneous_steps_of_the_bilinear_game_go_outwards():
    """With D's logit psi theta and Wasserstein's losses the radius grows by sqrt(1 + h^2) a step."""
    theta, psi = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.6, -0.8))
    after = torch.stack((theta, psi)) + 0.1 * flow(Wasserstein(), (), theta, psi)
    assert hypot(*after.tolist()) == pytest.approx((1 + 0.1**2) ** 0.5)
