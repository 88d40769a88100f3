"""Penalties on the slope of D, against values by hand and naive loops."""

import math

import pytest
import torch
from torch import nn

from sparring.config import registry
from sparring.errors import InputError
from sparring.penalties import R1, R1FD, R2, R2FD, Dragan, FiniteDifference, GradientPenalty, Penalty

SHAPE = (1, 3, 2)
EXACT = [R1(gamma=3.0), R2(gamma=0.5), GradientPenalty(), GradientPenalty(gamma=4.0, center=0.0), Dragan(gamma=6.0)]
PENALTIES = [*EXACT, R1FD(gamma=3.0, eps=0.2), R2FD(gamma=0.5, eps=0.01)]
NO_NUMBERS = torch.empty(4, 0)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def batches(penalty: Penalty, num: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Real and generated samples, and the numbers that the penalty takes."""
    return drawn(num, *SHAPE, seed=1), drawn(num, *SHAPE, seed=2) - 2, drawn(num, penalty.num_uniforms(SHAPE), seed=3)


def quadratic(x: torch.Tensor) -> torch.Tensor:
    """D(x) = |x|^2 / 2, whose slope at x is x."""
    return x.flatten(1).square().sum(1) / 2


# --- by hand ---


def test_a_linear_critic_has_one_slope():
    w = torch.tensor([3.0, 4.0], dtype=torch.float64)
    x, y, a = drawn(4, 2, seed=1), drawn(4, 2, seed=2), drawn(4, 3, seed=3)

    def critic(samples: torch.Tensor) -> torch.Tensor:
        return samples @ w + 7

    w.requires_grad_()
    assert R1(gamma=2.0)(critic, x, y, NO_NUMBERS).tolist() == [25.0] * 4  # (gamma / 2) |w|^2
    assert R2(gamma=0.5)(critic, x, y, NO_NUMBERS).tolist() == [6.25] * 4
    assert GradientPenalty(gamma=20.0)(critic, x, y, a[:, :1]).tolist() == pytest.approx([160.0] * 4)  # 10 (|w| - 1)^2
    assert GradientPenalty(gamma=2.0, center=0.0)(critic, x, y, a[:, :1]).tolist() == pytest.approx([25.0] * 4)
    assert Dragan(gamma=2.0)(critic, x, y, a).tolist() == pytest.approx([16.0] * 4)


def test_r1_is_at_real_and_r2_at_generated_samples():
    x, y = torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0]])
    assert R1(gamma=2.0)(quadratic, x, y, NO_NUMBERS).tolist() == [25.0]
    assert R2(gamma=2.0)(quadratic, x, y, NO_NUMBERS).tolist() == [1.0]


def test_the_gradient_penalty_is_between_a_pair():
    real, fake = torch.tensor([[4.0, 0.0]] * 4), torch.tensor([[0.0, 0.0]] * 4)
    at = torch.tensor([[0.0], [0.25], [0.5], [0.75]])  # of the way from generated to real
    assert GradientPenalty(gamma=2.0)(quadratic, real, fake, at).tolist() == pytest.approx([1, 0, 1, 4])  # (|4 a| - 1)^2


def test_dragan_is_around_a_real_sample():
    real, fake = torch.tensor([[2.0, 0.0]] * 3), torch.full((3, 2), math.nan)
    numbers = torch.tensor([[0.0, 0.9, 0.9], [1.0, 0.5, 0.0], [0.5, 0.0, 1.0]])
    expected = [1.0, 1.25**2, (math.hypot(2, 0.25) - 1) ** 2]
    assert Dragan(gamma=2.0, width=0.5)(quadratic, real, fake, numbers).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_each_sample_counts_by_itself(penalty):
    """A norm over the whole batch would couple them; and a batch may be split."""
    real, fake, numbers = batches(penalty)
    whole = penalty(quadratic, real, fake, numbers)
    assert whole.shape == (4,)
    alone = [penalty(quadratic, *(x[i : i + 1] for x in (real, fake, numbers))).item() for i in range(4)]
    assert whole.tolist() == pytest.approx(alone, rel=1e-14)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_no_samples_no_values(penalty):
    assert penalty(quadratic, *(batch[:0] for batch in batches(penalty))).shape == (0,)


# --- a network of one hidden layer, against a loop in plain Python ---


class Tiny(nn.Module):
    """w2 . tanh(W1 x + b1) + b2."""

    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(drawn(3, math.prod(SHAPE), seed=4) * 2 - 1)
        self.b1 = nn.Parameter(drawn(3, seed=5))
        self.w2 = nn.Parameter(drawn(3, seed=6) * 3 - 1)
        self.b2 = nn.Parameter(drawn(1, seed=7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x.flatten(1) @ self.w1.T + self.b1) @ self.w2 + self.b2


def naive_slope(network: Tiny, x: list[float]) -> list[float]:
    """dD / dx_j = sum_i w2_i (1 - tanh^2(h_i)) W1_ij."""
    w1, b1, w2 = network.w1.tolist(), network.b1.tolist(), network.w2.tolist()
    hidden = [math.tanh(sum(w * v for w, v in zip(row, x, strict=True)) + b) for row, b in zip(w1, b1, strict=True)]
    return [sum(w2[i] * (1 - hidden[i] ** 2) * w1[i][j] for i in range(3)) for j in range(len(x))]


def naive_logit(network: Tiny, x: list[float]) -> float:
    w1, b1, w2 = network.w1.tolist(), network.b1.tolist(), network.w2.tolist()
    hidden = [math.tanh(sum(w * v for w, v in zip(row, x, strict=True)) + b) for row, b in zip(w1, b1, strict=True)]
    return sum(w * h for w, h in zip(w2, hidden, strict=True)) + network.b2.item()


def naive_value(penalty: Penalty, network: Tiny, x: list[float], y: list[float], numbers: list[float]) -> float:
    match penalty:
        case R1(gamma=gamma):
            return gamma / 2 * sum(g * g for g in naive_slope(network, x))
        case R2(gamma=gamma):
            return gamma / 2 * sum(g * g for g in naive_slope(network, y))
        case GradientPenalty(gamma=gamma, center=center):
            point = [numbers[0] * r + (1 - numbers[0]) * f for r, f in zip(x, y, strict=True)]
            return gamma / 2 * (math.sqrt(sum(g * g for g in naive_slope(network, point))) - center) ** 2
        case Dragan(gamma=gamma, width=width):
            perturbed = [r + width * u for r, u in zip(x, numbers[1:], strict=True)]
            point = [r + numbers[0] * (p - r) for r, p in zip(x, perturbed, strict=True)]
            return gamma / 2 * (math.sqrt(sum(g * g for g in naive_slope(network, point))) - 1) ** 2
        case FiniteDifference(gamma=gamma, eps=eps):
            point = x if isinstance(penalty, R1FD) else y
            neighbour = [v - eps if u < 0.5 else v + eps for v, u in zip(point, numbers, strict=True)]
            return gamma / 2 * ((naive_logit(network, neighbour) - naive_logit(network, point)) / eps) ** 2
    raise AssertionError(penalty)


def naive_mean(penalty: Penalty, network: Tiny, *inputs: torch.Tensor) -> float:
    rows = [[row.flatten().tolist() for row in batch] for batch in inputs]
    return sum(naive_value(penalty, network, *row) for row in zip(*rows, strict=True)) / len(rows[0])


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_values_against_a_loop(penalty):
    network, inputs = Tiny(), batches(penalty)
    rows = [[row.flatten().tolist() for row in batch] for batch in inputs]
    expected = [naive_value(penalty, network, *row) for row in zip(*rows, strict=True)]
    assert penalty(network, *inputs).tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_gradients_by_weights_against_differences_of_the_loop(penalty):
    network, inputs = Tiny(), batches(penalty)
    weights = [network.w1, network.b1, network.w2]
    gradients = torch.autograd.grad(penalty(network, *inputs).mean(), weights)
    h = 1e-5
    for weight, gradient in zip(weights, gradients, strict=True):
        flat = weight.data.view(-1)
        for index in range(len(flat)):
            here = flat[index].item()
            values = []
            for there in (here + h, here - h):
                flat[index] = there
                values.append(naive_mean(penalty, network, *inputs))
            flat[index] = here
            assert gradient.view(-1)[index].item() == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6, abs=1e-8)


# --- where D is flat ---


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_a_flat_critic_has_finite_gradients(penalty):
    """|grad| has no derivative at 0; a zero is taken for it, where a naive square root gives NaN."""
    hidden = nn.Linear(math.prod(SHAPE), 5)
    nn.init.constant_(hidden.bias, -1000.0)  # all of it is off
    network = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(5, 1), nn.Flatten(0)).double()
    values = penalty(network, *batches(penalty))
    center = getattr(penalty, "center", 1.0 if isinstance(penalty, Dragan) else 0.0)
    assert values.tolist() == [penalty.gamma / 2 * center**2] * 4
    for gradient in torch.autograd.grad(values.mean(), list(network.parameters()), allow_unused=True, materialize_grads=True):
        assert (gradient == 0).all()


def test_a_penalty_without_gradients_enabled_is_an_error_not_a_constant():
    network = Tiny()
    for penalty in EXACT:
        with torch.no_grad(), pytest.raises(RuntimeError, match="does not require grad"):
            penalty(network, *batches(penalty))


# --- finite differences beside exact slopes ---


@pytest.mark.parametrize(("differences", "exact"), [(R1FD(gamma=3.0), R1(gamma=3.0)), (R2FD(gamma=0.5), R2(gamma=0.5))])
def test_the_mean_over_directions_is_the_exact_penalty(differences, exact):
    """In value and gradient within 2 %: over 1,000 directions at each of 64 samples, of a smooth D at the default eps."""
    network, num = Tiny(), 64
    real, fake = drawn(num, *SHAPE, seed=1), drawn(num, *SHAPE, seed=2) - 2
    weights = [network.w1, network.b1, network.w2]
    numbers = drawn(1000 * num, math.prod(SHAPE), seed=3)
    repeated = real.repeat(1000, 1, 1, 1), fake.repeat(1000, 1, 1, 1)
    found, expected = differences(network, *repeated, numbers).mean(), exact(network, real, fake, NO_NUMBERS).mean()
    assert found.item() == pytest.approx(expected.item(), rel=0.02)
    by_differences, by_slopes = (
        torch.cat([g.flatten() for g in torch.autograd.grad(value, weights)]) for value in (found, expected)
    )
    assert (by_differences - by_slopes).norm() < 0.02 * by_slopes.norm()


def test_in_one_dimension_every_direction_gives_the_slope():
    x, numbers = drawn(5, 1, seed=1), drawn(5, 1, seed=2)
    slope = 3.0
    values = R1FD(gamma=2.0, eps=0.5)(lambda samples: slope * samples[:, 0], x, x, numbers)
    assert values.tolist() == pytest.approx([slope**2] * 5)


def test_the_default_step_is_above_the_rounding_of_float32():
    network, num = Tiny(), 256
    inputs = drawn(num, *SHAPE, seed=1), drawn(num, *SHAPE, seed=2), drawn(num, math.prod(SHAPE), seed=3)
    exact = R1FD()(network, *inputs).mean().item()
    rounded = R1FD()(network.float(), *(each.float() for each in inputs)).mean().item()
    assert rounded == pytest.approx(exact, rel=1e-4)


# --- settings ---


def test_numbers_that_a_sample_takes():
    penalties = R1(), R2(), GradientPenalty(), Dragan(), R1FD(), R2FD()
    assert [penalty.num_uniforms((3, 4, 5)) for penalty in penalties] == [0, 0, 1, 61, 60, 60]
    assert Dragan().num_uniforms((2,)) == 3


def test_pairs_need_partners():
    with pytest.raises(ValueError, match=r"joins real with generated samples, but the batches are \[3, 2\] and \[1, 2\]"):
        GradientPenalty()(quadratic, torch.zeros(3, 2), torch.zeros(1, 2), torch.zeros(3, 1))


@pytest.mark.parametrize("name", ["r1", "r2", "r1-fd", "r2-fd", "gradient-penalty", "dragan", "le-cam"])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gamma": 0.0}, r"penalty\.gamma is 0\.0; it must be above 0 and finite"),
        ({"gamma": -1.0}, r"penalty\.gamma is -1\.0"),
        ({"gamma": math.nan}, r"penalty\.gamma is nan"),
        ({"gamma": math.inf}, r"penalty\.gamma is inf"),
        ({"every": 0}, r"penalty\.every is 0; it must be at least 1"),
    ],
)
def test_settings_out_of_range(name, settings, message):
    with pytest.raises(InputError, match=message):
        registry.find("penalty", name)(**settings)


@pytest.mark.parametrize(
    ("penalty", "settings", "message"),
    [
        (GradientPenalty, {"center": -1.0}, r"penalty\.center is -1\.0; it must be at least 0 and finite"),
        (GradientPenalty, {"center": math.nan}, r"penalty\.center is nan"),
        (Dragan, {"width": 0.0}, r"penalty\.width is 0\.0; it must be above 0 and finite"),
        (Dragan, {"width": math.inf}, r"penalty\.width is inf"),
        (R1FD, {"eps": 0.0}, r"penalty\.eps is 0\.0; it must be above 0 and finite"),
        (R2FD, {"eps": math.nan}, r"penalty\.eps is nan"),
    ],
)
def test_own_settings_out_of_range(penalty, settings, message):
    with pytest.raises(InputError, match=message):
        penalty(**settings)
