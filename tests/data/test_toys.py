import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from sparring.data import Gaussian1d, Grid, Moons, Ring, SwissRoll
from sparring.errors import InputError
from sparring.visual.density import kernel_density

TOYS = [
    Gaussian1d(num=20_000),
    Ring(num=20_000),
    Ring(modes=3, radius=2.0, std=0.5, num=20_000),
    Grid(num=20_000),
    SwissRoll(num=20_000),
    Moons(num=20_000),
]


@pytest.mark.parametrize("toy", TOYS, ids=str)
def test_draws_are_alike_every_time_and_differ_between_the_halves(toy):
    assert torch.equal(toy.train().points, toy.train().points)
    assert not torch.isin(toy.test().points[:100], toy.train().points[:100]).any()
    assert len(toy.train()) == len(toy.test()) == 20_000


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    Ring(num=10).train()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_gaussian_has_its_mean_and_deviation():
    points = Gaussian1d().train().points.double()
    assert points.shape == (100_000, 1)
    assert abs(points.mean() - 0.5) < 5 * 0.15 / math.sqrt(100_000)
    assert abs(points.std() - 0.15) < 5 * 0.15 / math.sqrt(200_000)
    assert (points.abs() < 1).double().mean() > 0.999


def test_the_ring_fills_its_modes_evenly_and_narrowly():
    ring = Ring()
    points = ring.train().points.double()
    distances = torch.cdist(points, ring.centres())
    nearest, mode = distances.min(dim=1)
    counts = mode.bincount(minlength=8).double()
    assert points.shape == (100_000, 2)
    assert (counts - 12_500).abs().max() < 5 * math.sqrt(100_000 / 8 * 7 / 8)
    assert abs(nearest.square().mean() / 2 - 0.01**2) < 5 * 0.01**2 / math.sqrt(100_000)


def test_the_centres_lie_evenly_on_the_circle():
    expected = torch.tensor([[2, 0], [0, 2], [-2, 0], [0, -2]], dtype=torch.float64)
    torch.testing.assert_close(Ring(modes=4, radius=2.0).centres(), expected)


def test_the_grid_is_that_of_the_protocol():
    grid = Grid()
    assert sorted(map(tuple, grid.centres().tolist())) == [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]
    points = grid.train().points.double()
    nearest, mode = torch.cdist(points, grid.centres()).min(dim=1)
    assert points.shape == (100_000, 2)
    assert (mode.bincount(minlength=25).double() - 4000).abs().max() < 5 * math.sqrt(100_000 / 25 * 24 / 25)
    assert abs(nearest.square().mean() / 2 - 0.05**2) < 5 * 0.05**2 / math.sqrt(100_000)
    assert Grid(side=2, spacing=1.0).centres().tolist() == [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]


def test_the_swiss_roll_follows_its_spiral():
    radii = SwissRoll(std=1e-6, num=5000).train().points.double().norm(dim=1)
    assert 1 / 3 < radii.min() < radii.max() < 1
    assert abs(radii.mean() - 2 / 3) < 5 * 2 / 3 / math.sqrt(12 * 5000)  # even in t, and so in the radius
    points = SwissRoll(std=1e-6, num=5000).train().points.double()
    turn = torch.atan2(points[:, 1], points[:, 0]) - 4.5 * math.pi * radii
    assert (1 - turn.cos()).max() < 1e-8


def test_the_moons_are_two_half_circles():
    points = Moons(std=1e-6, num=5000).train().points.double()
    upper, lower = points.norm(dim=1), (points - torch.tensor([1.0, 0.5])).norm(dim=1)
    on_upper, on_lower = (upper - 1).abs() < 1e-4, (lower - 1).abs() < 1e-4
    assert (on_upper | on_lower).all()
    assert abs(on_upper.double().mean() - 0.5) < 0.03
    assert points[on_upper & ~on_lower][:, 1].min() > -1e-4
    assert points[on_lower & ~on_upper][:, 1].max() < 0.5 + 1e-4


@pytest.mark.parametrize("toy", [Grid(num=10), SwissRoll(num=10), Moons(num=10)], ids=str)
def test_log_densities_are_those_of_a_sum_over_the_nodes(toy):
    points = toy.test().points.double()
    nodes = toy._nodes()
    naive = [
        math.log(sum(math.exp(-(math.dist(x, c) ** 2) / (2 * toy.std**2)) for c in nodes.tolist()))
        - math.log(len(nodes) * 2 * math.pi * toy.std**2)
        for x in points.tolist()
    ]
    torch.testing.assert_close(toy.log_density(points), torch.tensor(naive, dtype=torch.float64))


@pytest.mark.parametrize("toy", [Grid(side=2, std=0.1), SwissRoll(std=0.1), Moons(std=0.1)], ids=str)
def test_draws_have_the_density_that_is_told(toy):
    cells = torch.cartesian_prod(*[torch.linspace(-2.5, 3, 111, dtype=torch.float64)] * 2)
    density = toy.log_density(cells).exp()
    assert abs(density.sum() * 0.05**2 - 1) < 1e-6
    entropy = -torch.special.xlogy(density, density).sum() * 0.05**2
    found = -toy.log_density(toy.train().points[:4000])
    assert abs(found.mean() - entropy) < 5 * found.std() / math.sqrt(len(found))


def test_the_gaussians_log_density_is_the_normal_one():
    points = torch.linspace(-2, 2, 9)[:, None]
    expected = Normal(torch.tensor(0.3).double(), torch.tensor(0.2).double()).log_prob(points[:, 0].double())
    density = Gaussian1d(mean=0.3, std=0.2).log_density(points)
    assert density.dtype == torch.float64
    torch.testing.assert_close(density, expected, atol=1e-5, rtol=1e-6)


def test_the_rings_log_density_is_that_of_the_mixture():
    ring = Ring(modes=5, radius=0.7, std=0.1)
    modes = Independent(Normal(ring.centres(), torch.full((5, 2), 0.1, dtype=torch.float64)), 1)
    mixture = MixtureSameFamily(Categorical(torch.ones(5, dtype=torch.float64)), modes)
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(ring.log_density(points), mixture.log_prob(points))


def test_densities_integrate_to_1():
    grid = torch.linspace(-1.5, 1.5, 601, dtype=torch.float64)
    plane = torch.cartesian_prod(grid, grid)
    assert abs(Gaussian1d().log_density(grid[:, None]).exp().sum() * 0.005 - 1) < 1e-6
    assert abs(Ring(std=0.03).log_density(plane).exp().sum() * 0.005**2 - 1) < 1e-6


def test_far_points_have_a_finite_log_density():
    assert Ring().log_density(torch.tensor([[100.0, 100.0]])).isfinite().all()


@pytest.mark.parametrize(
    ("toy", "values", "words"),
    [
        (Gaussian1d, {"std": 0.0}, "gaussian-1d: std is 0.0"),
        (Gaussian1d, {"mean": math.nan}, "gaussian-1d: mean is nan"),
        (Gaussian1d, {"num": 0}, "gaussian-1d: num is 0"),
        (Ring, {"modes": 0}, "ring: modes is 0"),
        (Ring, {"radius": -1.0}, "ring: radius is -1.0"),
        (Ring, {"std": math.inf}, "ring: std is inf"),
        (Ring, {"num": -3}, "ring: num is -3"),
        (Grid, {"side": 101}, r"grid: side is 101; it must be in 1\.\.100"),
        (Grid, {"side": 0}, "grid: side is 0"),
        (Grid, {"spacing": math.nan}, "grid: spacing is nan"),
        (SwissRoll, {"std": 0.0}, "swiss-roll: std is 0.0"),
        (Moons, {"num": 0}, "moons: num is 0"),
    ],
)
def test_impossible_settings_are_refused_by_name(toy, values, words):
    with pytest.raises(InputError, match=words):
        toy(**values)


@pytest.mark.parametrize("toy", [Gaussian1d(), Ring(std=0.1), Moons()])
def test_a_blurred_toy_has_the_density_of_its_points_with_a_kernel(toy):
    points = toy.train().batch(torch.arange(toy.num))
    axes = [torch.linspace(-1, 1.5, 12, dtype=torch.float64)] * points.shape[1]
    exact = toy.blurred(0.2).log_density(torch.cartesian_prod(*axes).view(-1, points.shape[1])).exp()
    estimated = kernel_density(points, axes, 0.2).flatten()
    assert torch.allclose(exact, estimated, atol=0.02 * float(exact.max()))
