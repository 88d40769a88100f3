import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparring.losses import RelativisticAverage, RelativisticPairing

LOSSES = [RelativisticPairing(), RelativisticAverage()]
LOG2 = math.log(2)
REAL = torch.tensor([1.5, -0.25, 0.0, 4.0], dtype=torch.float64)
FAKE = torch.tensor([-2.0, 0.5, 0.0, 3.0], dtype=torch.float64)


def log_sigmoid(x: float) -> float:
    """Straight from the definition; fine in float64 for moderate x."""
    return math.log(1 / (1 + math.exp(-x)))


def naive_pairing(real: list[float], fake: list[float]) -> tuple[list[float], list[float]]:
    d = [-log_sigmoid(r - f) for r, f in zip(real, fake, strict=True)]
    g = [-log_sigmoid(f - r) for r, f in zip(real, fake, strict=True)]
    return d, g


def naive_average(mine: list[float], others: list[float]) -> tuple[list[float], list[float]]:
    """The side that wants `mine` above `others`."""
    my_mean, their_mean = sum(mine) / len(mine), sum(others) / len(others)
    first = [-log_sigmoid(m - their_mean) for m in mine]
    second = [-math.log(1 - 1 / (1 + math.exp(-(o - my_mean)))) for o in others]
    return first, second


def total(terms) -> torch.Tensor:
    return sum((term.mean() for term in terms), start=torch.zeros(()))


def test_pairing_against_the_definition():
    d, g = naive_pairing(REAL.tolist(), FAKE.tolist())
    assert RelativisticPairing().d_terms(REAL, FAKE)[0].tolist() == pytest.approx(d)
    assert RelativisticPairing().g_terms(FAKE, REAL)[0].tolist() == pytest.approx(g)


@pytest.mark.parametrize("num_fake", [4, 3])
def test_average_against_the_definition(num_fake):
    fake = FAKE[:num_fake]
    d_terms, g_terms = RelativisticAverage().d_terms(REAL, fake), RelativisticAverage().g_terms(fake, REAL)
    for terms, expected in (
        (d_terms, naive_average(REAL.tolist(), fake.tolist())),
        (g_terms, naive_average(fake.tolist(), REAL.tolist())),
    ):
        for term, values in zip(terms, expected, strict=True):
            assert term.tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ("loss", "naive"),
    [
        (RelativisticPairing(), lambda real, fake: naive_pairing(real, fake)[:1]),
        (RelativisticAverage(), naive_average),
    ],
    ids=["pairing", "average"],
)
def test_gradients_against_differences_of_the_definition(loss, naive):
    """Also through the averages."""

    def value(real: list[float], fake: list[float]) -> float:
        return sum(sum(term) / len(term) for term in naive(real, fake))

    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    slopes = torch.autograd.grad(total(loss.d_terms(real, fake)), (real, fake))
    h = 1e-6
    for side, slope in enumerate(slopes):
        for index in range(len(slope)):
            sides = [[x.tolist() for x in (REAL, FAKE)] for _ in range(2)]
            sides[0][side][index] += h
            sides[1][side][index] -= h
            assert slope[index].item() == pytest.approx((value(*sides[0]) - value(*sides[1])) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_gradients(loss):
    points = [torch.tensor([-30.0, -0.1, 1.0], dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda real, fake: (*loss.d_terms(real, fake), *loss.g_terms(fake, real)), points)


def test_equilibrium():
    zero = torch.zeros(3, dtype=torch.float64)
    assert total(RelativisticPairing().d_terms(zero, zero)).item() == pytest.approx(LOG2)
    assert total(RelativisticPairing().g_terms(zero, zero)).item() == pytest.approx(LOG2)
    assert total(RelativisticAverage().d_terms(zero, zero)).item() == pytest.approx(2 * LOG2)
    assert total(RelativisticAverage().g_terms(zero, zero)).item() == pytest.approx(2 * LOG2)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@given(
    real=st.lists(st.floats(-50, 50), min_size=3, max_size=3),
    fake=st.lists(st.floats(-50, 50), min_size=3, max_size=3),
    constant=st.floats(-1e3, 1e3),
)
def test_d_may_gain_a_constant(loss, real, fake, constant):
    r, f = torch.tensor(real, dtype=torch.float64), torch.tensor(fake, dtype=torch.float64)
    for before, after in (
        (loss.d_terms(r, f), loss.d_terms(r + constant, f + constant)),
        (loss.g_terms(f, r), loss.g_terms(f + constant, r + constant)),
    ):
        for one, other in zip(before, after, strict=True):
            assert one.tolist() == pytest.approx(other.tolist(), abs=1e-9)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_side_pulls_the_other_way(loss):
    d, g = loss.d_terms(REAL, FAKE), loss.g_terms(REAL, FAKE)  # g_terms takes the fakes first
    assert [term.tolist() for term in d] == [term.tolist() for term in g]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_give_their_limits_and_full_slopes(loss, dtype):
    high = torch.tensor([100.0], dtype=dtype, requires_grad=True)
    low = torch.tensor([-100.0], dtype=dtype, requires_grad=True)
    for real, fake, expected, slope in ((high, low, 0, 0), (low, high, 200, -1)):
        terms = loss.d_terms(real, fake)
        assert [term.item() for term in terms] == pytest.approx(
            [expected] * len(terms), abs=1e-80 if dtype == torch.float64 else 0
        )
        assert torch.autograd.grad(terms[0].sum(), real)[0].item() == pytest.approx(slope, abs=1e-80)


def test_a_small_difference_of_large_logits_keeps_its_slope():
    real, fake = torch.tensor([100.0], requires_grad=True), torch.tensor([100.0])
    (value,) = RelativisticPairing().d_terms(real, fake)
    assert torch.autograd.grad(value.sum(), real)[0].item() == -0.5


@pytest.mark.parametrize("shape", [(0,), (7,)])
def test_values_are_per_pair(shape):
    real, fake = torch.randn(shape), torch.randn(shape)
    assert [term.shape for term in RelativisticPairing().d_terms(real, fake)] == [torch.Size(shape)]
    assert [term.shape for term in RelativisticPairing().g_terms(fake, real)] == [torch.Size(shape)]


def test_pairs_need_partners():
    with pytest.raises(
        ValueError, match=r"pairs real with generated samples, but the logits are \[3\] real and \[1\] generated"
    ):
        RelativisticPairing().d_terms(torch.zeros(3), torch.zeros(1))
    with pytest.raises(ValueError, match=r"\[1\] real and \[3\] generated"):
        RelativisticPairing().g_terms(torch.zeros(3), torch.zeros(1))
