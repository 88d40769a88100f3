import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.errors import InputError
from sparring.losses import Minimax, NonSaturating
from sparring.losses.non_saturating import cross_entropy

SMOOTHED = NonSaturating(real_target=0.9)
LOSSES = [NonSaturating(), Minimax(), SMOOTHED, Minimax(real_target=0.7)]
MODERATE = torch.linspace(-8, 8, 33, dtype=torch.float64)
logits = st.floats(-1e4, 1e4)


def naive_cross_entropy(logit: float, target: float) -> float:
    """Straight from the definition; fine in float64 while the sigmoid is far from 0 and 1."""
    d = 1 / (1 + math.exp(-logit))
    return -target * math.log(d) - (1 - target) * math.log(1 - d)


def slope(values, at: float, dtype=torch.float32) -> float:
    logit = torch.tensor(at, dtype=dtype, requires_grad=True)
    return torch.autograd.grad(values(logit), logit)[0].item()


def g_value(loss):
    return lambda logit: loss.g_terms(logit)[0]


@pytest.mark.parametrize("loss", LOSSES)
def test_d_terms_are_the_two_cross_entropies(loss):
    real, fake = loss.d_terms(MODERATE, MODERATE.flip(0))
    assert real.tolist() == pytest.approx([naive_cross_entropy(x, loss.real_target) for x in MODERATE.tolist()])
    assert fake.tolist() == pytest.approx([naive_cross_entropy(x, 0) for x in MODERATE.flip(0).tolist()])


@pytest.mark.parametrize("loss", [NonSaturating(), SMOOTHED])
def test_g_minimises_minus_log_d(loss):
    (value,) = loss.g_terms(MODERATE)  # its own target is 1, whatever that of the real images
    assert value.tolist() == pytest.approx([naive_cross_entropy(x, 1) for x in MODERATE.tolist()])


def test_minimax_g_minimises_log_1_minus_d():
    (value,) = Minimax().g_terms(MODERATE)
    assert value.tolist() == pytest.approx([math.log(1 - 1 / (1 + math.exp(-x))) for x in MODERATE.tolist()])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("values", "at_minus_100", "at_100"),
    [
        (lambda x: NonSaturating().d_terms(x, x)[0], 100, 0),
        (lambda x: NonSaturating().d_terms(x, x)[1], 0, 100),
        (lambda x: NonSaturating().g_terms(x)[0], 100, 0),
        (lambda x: Minimax().g_terms(x)[0], 0, -100),
        (lambda x: SMOOTHED.d_terms(x, x)[0], 90, 10),
        (lambda x: SMOOTHED.d_terms(x, x)[1], 0, 100),
    ],
)
def test_extreme_logits_give_their_limits(values, at_minus_100, at_100, dtype):
    low, high = values(torch.tensor([-100.0, 100.0], dtype=dtype)).tolist()
    assert (low, high) == pytest.approx((at_minus_100, at_100), rel=1e-7, abs=1e-40)


def test_the_near_limit_keeps_its_last_digits():
    (value,) = NonSaturating().g_terms(torch.tensor(40.0, dtype=torch.float64))
    assert value.item() == pytest.approx(math.exp(-40), rel=1e-12)  # log(sigmoid(40)) naively is 0


def test_slope_of_g_is_exactly_minus_1_where_d_rejects():
    assert slope(g_value(NonSaturating()), -20) == -1
    assert slope(g_value(NonSaturating()), -100) == -1
    assert slope(g_value(NonSaturating()), 0) == -0.5


@pytest.mark.parametrize("logit", [-20.0, -3.0, 0.0, 2.0, 20.0])
def test_slope_of_minimax_g_is_minus_d(logit):
    assert slope(g_value(Minimax()), logit) == pytest.approx(-1 / (1 + math.exp(-logit)), rel=1e-6)


@pytest.mark.parametrize("logit", [-6.0, 0.0, 3.0])
def test_slope_of_g_is_minus_1_minus_d(logit):
    assert slope(g_value(NonSaturating()), logit) == pytest.approx(-1 / (1 + math.exp(logit)), rel=1e-6)


def test_equilibrium():
    zero = torch.zeros((), dtype=torch.float64)
    for loss in (NonSaturating(), Minimax()):
        assert sum(term.item() for term in loss.d_terms(zero, zero)) == pytest.approx(2 * math.log(2), rel=1e-15)
    assert NonSaturating().g_terms(zero)[0].item() == pytest.approx(math.log(2))
    assert Minimax().g_terms(zero)[0].item() == pytest.approx(-math.log(2))


@pytest.mark.parametrize(
    ("logit", "expected"),
    [
        (0.0, 0.6931471805599453),  # ln 2, for any target
        (2.0, 0.3269280110429725),  # ln(1 + e^-2) + 0.1 * 2
        (-2.0, 1.9269280110429725),  # ln(1 + e^-2) + 0.9 * 2
        (math.log(9), 0.3250829733914482),  # the minimum, where D = 0.9: its entropy
    ],
)
def test_smoothed_target_by_hand(logit, expected):
    real, _ = SMOOTHED.d_terms(torch.tensor(logit, dtype=torch.float64), torch.zeros(1))
    assert real.item() == pytest.approx(expected, rel=1e-14)


def test_a_smoothed_target_is_where_the_slope_vanishes():
    assert slope(lambda x: SMOOTHED.d_terms(x, x)[0], math.log(9), torch.float64) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients(loss):
    points = torch.tensor([-30.0, -2.0, -0.1, 0.0, 1.0, 30.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: (*loss.d_terms(x, x), *loss.g_terms(x)), points)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3), (2, 1, 4, 4)])
def test_values_are_per_sample(loss, shape):
    real, fake = torch.randn(shape), torch.randn(5)
    assert [term.shape for term in loss.d_terms(real, fake)] == [torch.Size(shape), torch.Size([5])]
    assert [term.shape for term in loss.g_terms(real)] == [torch.Size(shape)]


@pytest.mark.parametrize("kind", [NonSaturating, Minimax])
@pytest.mark.parametrize("target", [0.0, -0.1, 1.0001, 2.0, math.inf, math.nan])
def test_targets_out_of_range(kind, target):
    with pytest.raises(InputError, match=r"loss\.real_target is .*; it must lie in \(0, 1\]"):
        kind(real_target=target)


@settings(deadline=None)
@given(logit=logits, target=st.floats(0, 1))
def test_cross_entropy_is_at_least_the_entropy_of_its_target(logit, target):
    value = cross_entropy(torch.tensor(logit, dtype=torch.float64), target).item()
    entropy = -sum(p * math.log(p) for p in (target, 1 - target) if p > 0)
    assert math.isfinite(value)
    assert value >= entropy - 1e-12


@settings(deadline=None)
@given(logit=logits, target=st.floats(0, 1))
def test_cross_entropy_falls_by_the_logit_as_the_target_goes_from_0_to_1(logit, target):
    x = torch.tensor(logit, dtype=torch.float64)
    expected = cross_entropy(x, 0).item() - target * logit
    assert cross_entropy(x, target).item() == pytest.approx(expected, rel=1e-12, abs=1e-11)


@settings(deadline=None)
@given(logit=logits)
def test_real_and_fake_mirror_each_other(logit):
    x = torch.tensor(logit)
    real, fake = NonSaturating().d_terms(x, -x)
    assert real == fake == NonSaturating().g_terms(x)[0]


@settings(deadline=None)
@given(logit=logits)
def test_minimax_is_a_zero_sum_game(logit):
    x = torch.tensor(logit)
    assert Minimax().g_terms(x)[0] == -Minimax().d_terms(x, x)[1] <= 0
