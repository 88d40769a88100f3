"""Losses of critics whose outputs are no logits: least squares, Wasserstein, hinge."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparring.errors import InputError
from sparring.losses import Hinge, LeastSquares, Wasserstein

PEARSON = LeastSquares(a=-1.0, b=1.0, c=0.0)
LOSSES = [LeastSquares(), PEARSON, LeastSquares(b=0.9), Wasserstein(), Hinge()]
REAL = [-100.0, -2.5, -0.3, 0.0, 0.4, 1.7, 100.0]
FAKE = [3.0, -100.0, 0.2, -0.9, 100.0]


def naive(loss, side: str, x: float) -> float:
    """Straight from the papers, a sample at a time."""
    match loss:
        case LeastSquares(a=a, b=b, c=c):
            return 0.5 * (x - {"fake": a, "real": b, "g": c}[side]) ** 2
        case Wasserstein():
            return {"real": -x, "fake": x, "g": -x}[side]
        case Hinge():
            return {"real": -min(0, -1 + x), "fake": -min(0, -1 - x), "g": -x}[side]
    raise AssertionError(loss)


def naive_slope(loss, side: str, x: float) -> float:
    """A symmetric difference; exact for squares and for lines."""
    return (naive(loss, side, x + 2**-10) - naive(loss, side, x - 2**-10)) / 2**-9


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_values_and_slopes_are_the_papers(loss):
    real, fake = (torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (REAL, FAKE))
    terms = {"real": (loss.d_terms(real, fake)[0], real), "fake": (loss.d_terms(real, fake)[1], fake)}
    terms["g"] = loss.g_terms(fake)[0], fake
    for side, (values, logits) in terms.items():
        assert values.tolist() == pytest.approx([naive(loss, side, x) for x in logits.tolist()], rel=1e-12, abs=1e-12)
        (slopes,) = torch.autograd.grad(values.sum(), logits)
        assert slopes.tolist() == pytest.approx([naive_slope(loss, side, x) for x in logits.tolist()], rel=1e-9, abs=1e-9)


def test_equilibrium():
    zero, half = torch.zeros(3), torch.full((3,), 0.5)
    assert sum(term.mean().item() for term in Hinge().d_terms(zero, zero)) == 2
    assert sum(term.mean().item() for term in LeastSquares().d_terms(half, half)) == 0.25
    assert sum(term.mean().item() for term in Wasserstein().d_terms(half, half)) == 0


def test_least_squares_by_hand():
    real, fake = LeastSquares(a=-1.0, b=1.0, c=0.0).d_terms(torch.tensor([3.0, 1.0]), torch.tensor([1.0, -1.0]))
    assert (real.tolist(), fake.tolist()) == ([2.0, 0.0], [2.0, 0.0])
    assert PEARSON.g_terms(torch.tensor([3.0]))[0].tolist() == [4.5]


def test_hinge_has_no_slope_beyond_the_margin():
    real, fake = torch.tensor([1.5, 0.5, -100.0], requires_grad=True), torch.tensor([-1.5, -0.5, 100.0], requires_grad=True)
    on_real, on_fake = Hinge().d_terms(real, fake)
    slopes = torch.autograd.grad(on_real.sum() + on_fake.sum(), (real, fake))
    assert [slope.tolist() for slope in slopes] == [[0, -1, -1], [0, 1, 1]]


def test_what_the_critic_of_wasserstein_says_is_the_distance():
    """In one dimension W1 = mean |x_(i) - y_(i)| after sorting; x -> -x is the best critic of y = x + 3."""
    x = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = x + 3
    d_loss = sum(term.mean() for term in Wasserstein().d_terms(-x, -y))
    assert -d_loss == pytest.approx((x.sort().values - y.sort().values).abs().mean().item())


@given(real=st.floats(-50, 50), fake=st.floats(-50, 50), constant=st.floats(0.5, 50))
def test_only_wasserstein_does_not_notice_a_constant(real, fake, constant):
    def d_loss(loss, shift: float) -> float:
        logits = (torch.tensor([value + shift], dtype=torch.float64) for value in (real, fake))
        return sum(term.mean().item() for term in loss.d_terms(*logits))

    assert d_loss(Wasserstein(), constant) == pytest.approx(d_loss(Wasserstein(), 0), abs=1e-9)


@pytest.mark.parametrize("loss", [LeastSquares(), PEARSON, Hinge()], ids=repr)
def test_the_others_notice_it(loss):
    real, fake = torch.tensor([0.5]), torch.tensor([-0.25])
    shifted = sum(term.mean() for term in loss.d_terms(real + 3, fake + 3))
    assert shifted != sum(term.mean() for term in loss.d_terms(real, fake))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 1, 4, 4)])
def test_values_are_per_sample(loss, shape):
    real, fake = torch.randn(shape), torch.randn(5)
    assert [term.shape for term in loss.d_terms(real, fake)] == [torch.Size(shape), torch.Size([5])]
    assert [term.shape for term in loss.g_terms(real)] == [torch.Size(shape)]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"a": 1.0}, r"loss\.b is 1\.0; it must differ from loss\.a"),
        ({"c": 0.0}, r"loss\.c is 0\.0; it must differ from loss\.a"),
        ({"a": math.nan}, r"loss\.a is nan; it must be finite"),
        ({"b": math.inf}, r"loss\.b is inf; it must be finite"),
        ({"c": -math.inf}, r"loss\.c is -inf; it must be finite"),
    ],
)
def test_targets_that_make_no_game(targets, message):
    with pytest.raises(InputError, match=message):
        LeastSquares(**targets)
