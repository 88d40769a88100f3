"""Densities by kernels, and the best discriminator between them, against what is known exactly."""

import math

import pytest
import torch
from torch import Tensor

from sparring.visual.density import SUMMED_AT_ONCE, kernel_density, num_in_kernel, optimal_discriminator, scott_bandwidth


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def normal_log_density(x: Tensor, mean: float, std: float) -> Tensor:
    return -((x - mean) / std).square() / 2 - math.log(std * math.sqrt(2 * math.pi))


def naive_density(points: list[list[float]], x: list[float], width: float) -> float:
    total = 0.0
    for point in points:
        squares = sum((a - b) ** 2 for a, b in zip(point, x, strict=True))
        total += math.exp(-squares / (2 * width**2)) / (2 * math.pi * width**2) ** (len(x) / 2)
    return total / len(points)


@pytest.mark.parametrize("num_axes", [1, 2])
def test_density_is_that_of_a_double_loop(num_axes: int) -> None:
    points = normal(7, num_axes)
    axes = [torch.linspace(-2, 2, 5), torch.linspace(-1, 3, 4)][:num_axes]
    found = kernel_density(points, axes, 0.3)
    assert found.dtype == torch.float64
    assert found.shape == tuple(len(axis) for axis in axes)
    for x, value in zip(torch.cartesian_prod(*axes).view(-1, num_axes).tolist(), found.flatten().tolist(), strict=True):
        assert value == pytest.approx(naive_density(points.tolist(), x, 0.3), rel=1e-6)  # the axes are float32


@pytest.mark.parametrize("num_axes", [1, 2])
def test_density_integrates_to_one(num_axes: int) -> None:
    axes = [torch.linspace(-9, 9, 361, dtype=torch.float64)] * num_axes  # steps of 0.05
    mass = kernel_density(normal(50, num_axes), axes, 0.2).sum().item() * 0.05**num_axes
    assert mass == pytest.approx(1, abs=1e-12)


def test_density_of_many_points_is_the_mean_over_their_parts() -> None:
    points, axes = normal(2 * SUMMED_AT_ONCE, 2), [torch.linspace(-1, 1, 3, dtype=torch.float64)] * 2
    parts = [kernel_density(part, axes, 0.5) for part in points.split(SUMMED_AT_ONCE)]
    torch.testing.assert_close(kernel_density(points, axes, 0.5), (parts[0] + parts[1]) / 2)


def test_density_of_a_normal_distribution_is_that_distribution_blurred() -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    found = kernel_density(normal(100_000, 1), [x], 0.5)
    torch.testing.assert_close(found, normal_log_density(x, 0, math.sqrt(1 + 0.25)).exp(), rtol=0.02, atol=0)


@pytest.mark.parametrize(("points", "axes"), [(torch.zeros(3, 3), 3), (torch.zeros(3), 1), (torch.zeros(3, 2), 1)])
def test_density_refuses_other_shapes(points: Tensor, axes: int) -> None:
    with pytest.raises(ValueError, match="with an axis each"):
        kernel_density(points, [torch.zeros(1)] * axes, 1.0)


def test_density_refuses_kernels_of_no_width() -> None:
    with pytest.raises(ValueError, match="bandwidth must be above 0"):
        kernel_density(torch.zeros(3, 1), [torch.zeros(1)], 0.0)


def test_scott_by_hand() -> None:
    assert scott_bandwidth(torch.tensor([[-1.0], [1.0]])) == pytest.approx(2 ** (-1 / 5), rel=1e-12)
    corners = torch.tensor([[-1.0, -3.0], [1.0, -3.0], [-1.0, 3.0], [1.0, 3.0]])
    assert scott_bandwidth(corners) == pytest.approx(math.sqrt((1 + 9) / 2) * 4 ** (-1 / 6), rel=1e-12)
    assert scott_bandwidth(torch.ones(5, 2)) == 0


def test_the_best_discriminator_between_two_normal_distributions() -> None:
    x = torch.linspace(-30, 30, 121, dtype=torch.float64)
    best = optimal_discriminator(normal_log_density(x, 0, 1), normal_log_density(x, 1, 1))
    torch.testing.assert_close(best, torch.sigmoid(0.5 - x), rtol=1e-12, atol=0)  # ln(p / q) = 1/2 - x


def test_the_best_discriminator_where_a_density_is_zero() -> None:
    nothing, something = torch.tensor(0.0).log(), torch.tensor(-1000.0)
    assert optimal_discriminator(something, nothing) == 1
    assert optimal_discriminator(nothing, something) == 0
    assert optimal_discriminator(nothing, nothing).isnan()


@pytest.mark.parametrize("mean", [0.0, 0.5, 3.0])
def test_the_value_of_the_best_discriminator_is_that_of_the_divergence(mean: float) -> None:
    x = torch.linspace(-12, 15, 5401, dtype=torch.float64)  # steps of 0.005
    log_p, log_q = normal_log_density(x, 0, 1), normal_log_density(x, mean, 1)
    p, q, best = log_p.exp(), log_q.exp(), optimal_discriminator(log_p, log_q)
    middle = (p + q) / 2
    value = (p * best.log() + q * torch.sigmoid(log_q - log_p).log()).sum().item() * 0.005
    jensen_shannon = (p * (p / middle).log() + q * (q / middle).log()).sum().item() * 0.005 / 2
    assert value == pytest.approx(-math.log(4) + 2 * jensen_shannon, abs=1e-9)
    assert -math.log(4) - 1e-9 <= value < 0


@pytest.mark.parametrize("num_axes", [1, 2])
def test_neighbours_are_counted_by_the_kernel(num_axes: int) -> None:
    points = normal(20, num_axes)
    density = kernel_density(points, [torch.zeros(1)] * num_axes, 0.7)
    weights = torch.exp(-points.square().sum(1) / (2 * 0.7**2))
    assert num_in_kernel(density, 20, 0.7, num_axes).item() == pytest.approx(weights.sum().item(), rel=1e-12)
