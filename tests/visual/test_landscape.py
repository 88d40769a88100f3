"""Toys in full view: what the pictures claim, how they look, and that training draws and animates them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import sparring
from sparring.config.schedules import Duration, Interval
from sparring.data.toys import Gaussian1d, Ring
from sparring.errors import InputError
from sparring.losses import NonSaturating
from sparring.networks import MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.latents import Normal
from sparring.recipe import Recipe
from sparring.visual import DiscriminatorFunction, decode_png, landscape
from sparring.visual.figure import BLUE, VERMILION
from sparring.visual.landscape import PALE, SIZE, densities
from sparring.visual.snapshots import FixedGrid, Landscape

LOWER_LEFT = np.s_[400:640, 70:315]  # the inside of the panels, of points in the plane
LOWER_RIGHT = np.s_[400:640, 400:645]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def says(logit: float, *, probabilistic: bool = True) -> DiscriminatorFunction:
    """A D that says the same of everything."""
    return DiscriminatorFunction(lambda points: torch.full((len(points),), logit), probabilistic)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(decode_png(png).convert("RGB")).astype(int)


def share_of(colour: str, region: np.ndarray) -> float:
    wanted = np.array([*bytes.fromhex(colour.removeprefix("#"))])
    return float((np.abs(region - wanted).max(axis=2) <= 8).mean())


def grid_of(low: float, high: float, num: int, num_axes: int) -> list[Tensor]:
    return [torch.linspace(low, high, num, dtype=torch.float64)] * num_axes


# What is claimed


@pytest.mark.parametrize("num_axes", [1, 2])
def test_equal_samples_leave_the_best_discriminator_undecided(num_axes: int) -> None:
    points = normal(500, num_axes)
    best = densities(points, points, grid_of(-9, 9, 37, num_axes), 0.3).best
    assert best.flatten()[0].isnan()  # nobody was seen there
    assert 0.02 < best.isfinite().float().mean() < 0.5
    assert (best[best.isfinite()] == 0.5).all()


def test_a_mode_that_is_a_ninth_of_the_whole_is_said_to_be_one() -> None:
    ring = Ring(num=8000)
    real = ring.train().points
    own = (real - torch.tensor([1.0, 0.0])).norm(dim=1) < 0.1  # of eight, the generator has this one
    at_modes = [torch.tensor([-1.0, 1.0]), torch.tensor([0.0])]
    best = densities(real, real[own], at_modes, 0.05).best
    assert best[1, 0].item() == pytest.approx(own.sum().item() / (own.sum().item() + 8000), rel=1e-9)  # about 1/9
    assert best[0, 0].item() == pytest.approx(1)


def test_a_known_density_is_taken_as_it_is() -> None:
    toy = Gaussian1d(num=20_000)
    x = torch.linspace(0.2, 0.8, 13, dtype=torch.float64)
    found = densities(toy.train().points, toy.test().points, [x], 0.01, toy.log_density)
    torch.testing.assert_close(found.real, toy.log_density(x[:, None]).exp())
    assert found.is_exact
    torch.testing.assert_close(found.best, torch.full_like(x, 0.5), atol=0.03, rtol=0)
    torch.testing.assert_close(found.best, found.real / (found.real + found.fake))


def test_a_known_density_of_the_plane_keeps_the_order_of_the_axes() -> None:
    axes = [torch.tensor([-1.0, 0.0, 1.0]), torch.tensor([-2.0, 2.0])]
    found = densities(
        normal(9, 2), normal(9, 2), axes, 1.0, lambda points: points.double() @ torch.tensor([10.0, 1.0]).double()
    )
    assert found.real.log().tolist() == [pytest.approx(row) for row in ([-12, -8], [-2, 2], [8, 12])]


# How it looks


@pytest.mark.parametrize("probabilistic", [True, False])
@pytest.mark.parametrize("num_axes", [1, 2])
def test_a_landscape_is_the_same_bytes_each_time_and_names_no_software(num_axes: int, probabilistic: bool) -> None:
    verdict = DiscriminatorFunction(lambda points: points.sum(1), probabilistic)
    first, second = (landscape(normal(200, num_axes), normal(100, num_axes) / 2, verdict, title="round 3") for _ in range(2))
    assert first == second
    assert b"tEXt" not in first
    assert pixels(first).shape == (*SIZE[::-1], 3)


def test_colours_say_what_d_says() -> None:
    real, fake = normal(300, 2), normal(300, 2) / 4
    for logit, colour, other in ((20.0, BLUE, VERMILION), (-20.0, VERMILION, BLUE)):
        left = pixels(landscape(real, fake, says(logit)))[LOWER_LEFT]
        assert share_of(colour, left) > 0.7
        assert share_of(other, left) == 0


def test_x_goes_to_the_right_and_y_up() -> None:
    real, fake = normal(300, 2), normal(300, 2) / 4
    for axis in (0, 1):
        inside = pixels(landscape(real, fake, DiscriminatorFunction(lambda points, axis=axis: 100 * points[:, axis])))[
            LOWER_LEFT
        ]
        halves = (inside[:, :100], inside[:, -100:]) if axis == 0 else (inside[-100:], inside[:100])
        assert [share_of(BLUE, half) > 0.5 for half in halves] == [False, True]


def test_a_critic_is_drawn_in_other_colours() -> None:
    real, fake = normal(300, 2), normal(300, 2) / 4
    page = pixels(landscape(real, fake, DiscriminatorFunction(lambda points: 1000 * points[:, 0], probabilistic=False)))
    assert share_of("#440154", page[LOWER_LEFT]) > 0.02
    assert share_of("#fde725", page[LOWER_LEFT]) > 0.02
    assert share_of(BLUE, page[LOWER_LEFT]) == 0
    assert share_of(BLUE, page[LOWER_RIGHT]) > 0.02


def test_where_nobody_is_the_best_discriminator_is_left_out() -> None:
    corners = torch.tensor([[-1.0, -1.0], [1.0, 1.0]]).repeat(50, 1)
    page = pixels(landscape(corners, corners, says(0.0)))
    assert share_of(PALE, page[LOWER_RIGHT]) > 0.8
    assert share_of(PALE, page[LOWER_LEFT]) == 0


@pytest.mark.parametrize(("num_axes", "inside"), [(1, np.s_[66:325, 84:730]), (2, np.s_[70:330, 392:655])])
def test_the_axes_are_those_of_the_real_points(num_axes: int, inside: tuple[slice, slice]) -> None:
    real = normal(300, num_axes)
    near, far = (pixels(landscape(real, factor * real, says(0.0), title="same")) for factor in (0.5, 2.5))
    upper = np.zeros(near.shape[:2], dtype=bool)
    upper[:370] = True
    upper[inside] = False
    assert (near[upper] == far[upper]).all()
    corner = np.s_[inside[0].stop - 18 : inside[0].stop - 4, inside[1].start + 12 : inside[1].start + 100]
    black = [(page[corner].max(axis=2) < 60).any() for page in (near, far)]
    assert black == [False, True]  # the words that some lie outside


@pytest.mark.parametrize("num_axes", [1, 2])
def test_points_that_are_all_one_can_be_drawn(num_axes: int) -> None:
    assert landscape(torch.ones(3, num_axes), torch.ones(2, num_axes), says(0.0))


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (torch.zeros(3, 3), torch.zeros(3, 3), "real must be"),
        (torch.zeros(3, 2), torch.zeros(0, 2), "fake must be"),
        (torch.zeros(3, 2), torch.zeros(3, 1), "must agree"),
        (torch.zeros(3, 2), torch.full((3, 2), math.inf), "fake holds values"),
    ],
)
def test_other_points_are_refused(real: Tensor, fake: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        landscape(real, fake, says(0.0))


@pytest.mark.parametrize("settings", [{"num": 0}, {"num": 10**9}, {"bandwidth": 0.0}, {"bandwidth": math.inf}])
def test_settings_out_of_range_are_refused(settings: dict) -> None:
    with pytest.raises(InputError, match=f"landscape.{next(iter(settings))}"):
        Landscape(**settings)


# In training


@pytest.fixture
def toy() -> Recipe:
    return Recipe(
        data=Ring(num=1000),
        z=Normal(2),
        generator=MLPGeneratorConfig(widths=(8,), output="linear"),
        discriminator=MLPDiscriminatorConfig(widths=(8,)),
        loss=NonSaturating(),
        length=Duration(rounds=8),
        pictures=(FixedGrid(every=Interval(rounds=4)), Landscape(num=200, every=Interval(rounds=3))),
        review=None,
    )


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((0, 1), ["round_000004.png", "round_000008.png"]),
        ((1, 0), ["landscape_round_000003.png", "landscape_round_000006.png", "landscape_round_000008.png"]),
    ],
)
def test_the_animation_is_of_the_picture_named_first(
    toy: Recipe, tmp_path: Path, order: tuple[int, ...], expected: list[str]
) -> None:
    run = sparring.train(replace(toy, pictures=tuple(toy.pictures[i] for i in order)), out=tmp_path / "run", quiet=True)
    assert [path.name for path in run.frames()] == expected
    with Image.open(run.path / "training.gif") as animation:
        assert getattr(animation, "n_frames", 1) == len(expected)
        assert (animation.size == SIZE) == (order == (1, 0))
    assert len([*(run.path / "samples").iterdir()]) == 5


def test_training_draws_what_the_networks_of_the_run_say(toy: Recipe, tmp_path: Path) -> None:
    run = sparring.train(toy, out=tmp_path / "run", quiet=True, settings={"data": "gaussian-1d"})
    again = sparring.train(toy, out=tmp_path / "again", quiet=True, settings={"data": "gaussian-1d"})
    last = "samples/landscape_round_000008.png"
    assert (run.path / last).read_bytes() == (again.path / last).read_bytes()
    other = sparring.train(toy, out=tmp_path / "other", seed=1, quiet=True, settings={"data": "gaussian-1d"})
    assert (run.path / last).read_bytes() != (other.path / last).read_bytes()


def test_images_have_no_landscape(toy: Recipe, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"landscape .* shape is \[1, 28, 28\]; it must be"):
        sparring.train(toy, data="mnist", out=tmp_path / "run", quiet=True)
