"""The pictures that matplotlib draws: strip, scatter, traces."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from sparring.visual import decode_png, losses_plot, scatter, strip, traces_plot
from sparring.visual.figure import BLUE, GREEN, GREY, VERMILION
from sparring.visual.traces import Series, running_median

VIRIDIS_LOW, VIRIDIS_HIGH = (68, 1, 84), (253, 231, 36)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(decode_png(png).convert("RGB")).astype(int)


def count_near(png: bytes, colour: tuple[int, int, int], tolerance: int = 6) -> int:
    return int((np.abs(pixels(png) - np.array(colour)).max(axis=2) <= tolerance).sum())


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def is_black(pixels: np.ndarray) -> np.ndarray:
    return pixels.max(axis=-1) < 60


# Strip


def test_strip_stretches_each_picture_to_its_own_range() -> None:
    faint = torch.zeros(2, 1, 2, 2)
    faint[0, 0, 0], faint[1, 0, 0] = 0.1, 1.0
    png = strip(faint)
    height, width, _ = pixels(png).shape
    assert (width, height) < (200, 100)  # two inches by one, trimmed
    assert count_near(png, VIRIDIS_LOW) > 500
    assert count_near(png, VIRIDIS_LOW) == pytest.approx(count_near(png, VIRIDIS_HIGH), rel=0.1)


def test_strip_keeps_colours() -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).reshape(1, 3, 1, 1)
    assert count_near(strip(red), (255, 0, 0)) > 1000


def test_strip_refuses() -> None:
    with pytest.raises(ValueError, match="images must be"):
        strip(torch.zeros(0, 1, 2, 2))
    with pytest.raises(ValueError, match="infinite or not a number"):
        strip(torch.full((1, 1, 2, 2), float("nan")))


# Scatter


@pytest.mark.parametrize("dimensions", [1, 2])
def test_scatter_is_a_square_that_shows_both(dimensions: int) -> None:
    png = scatter(normal(500, dimensions), normal(500, dimensions) / 2, title="epoch 3")
    assert pixels(png).shape == (480, 480, 3)
    assert count_near(png, rgb(VERMILION), tolerance=40) > 100


@pytest.mark.parametrize("dimensions", [1, 2])
def test_scatter_takes_its_frame_from_the_real_points(dimensions: int) -> None:
    real = normal(500, dimensions)
    near, spread = (pixels(scatter(real, factor * real)) for factor in (0.5, 0.9))
    frame = np.ones((480, 480), dtype=bool)
    frame[38:434, 60:458] = False  # the inside of the axes; what is left are ticks and their numbers
    assert (near[frame] == spread[frame]).all()
    assert (near != spread).any()


@pytest.mark.parametrize("dimensions", [1, 2])
def test_scatter_tells_of_points_that_it_cannot_show(dimensions: int) -> None:
    real, inside = normal(500, dimensions), torch.zeros(10, dimensions)
    outside = torch.cat([inside[:5], inside[5:] + 1000])
    corner = np.s_[405:428, 70:250]
    assert not is_black(pixels(scatter(real, inside))[corner]).any()
    assert is_black(pixels(scatter(real, outside))[corner]).any()


def test_density_counts_all_points() -> None:
    from sparring.visual.scatter import _density

    assert _density(np.array([0.5, 0.6, 1.2, 9.0]), np.array([0.0, 1.0, 3.0])).tolist() == [0.5, 0.125]


def test_scatter_of_one_repeated_point() -> None:
    assert scatter(torch.ones(3, 2), torch.ones(1, 2))


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (torch.zeros(3, 3), torch.zeros(3, 3), "real must be"),
        (torch.zeros(3, 2), torch.zeros(0, 2), "fake must be"),
        (torch.zeros(3, 2), torch.zeros(3, 1), "must agree"),
        (torch.zeros(3, 2), torch.full((3, 2), float("nan")), "fake holds values"),
    ],
)
def test_scatter_refuses(real: torch.Tensor, fake: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scatter(real, fake)


# Traces


def test_running_median_by_hand() -> None:
    places, medians = running_median(np.array([5.0, 1.0, 9.0, 2.0, 3.0]), window=3, num_out=5)
    assert places.tolist() == [0, 1, 2, 3, 4]
    assert medians.tolist() == [3.0, 5.0, 2.0, 3.0, 2.5]


def test_running_median_thins_its_places() -> None:
    places, medians = running_median(np.arange(1001.0), window=51, num_out=5)
    assert places.tolist() == [0, 250, 500, 750, 1000]
    assert medians.tolist() == [12.5, 250.0, 500.0, 750.0, 987.5]


@pytest.mark.parametrize("plot", [losses_plot, traces_plot])
@pytest.mark.parametrize(
    "series",
    [
        {},
        {"G loss": ([], []), "D loss": ([], [])},
        {"G loss": ([1], [0.5])},
        {"G loss": ([1, 2, 3], [0.5, None, float("nan")]), "D loss": ([1, 2], [float("inf"), 0.2])},
        {"G loss": (list(range(1000)), [0.5] * 1000)},
        {f"name {i}": ([1, 2], [0.1, 0.2]) for i in range(9)},
    ],
    ids=["nothing", "empty", "one point", "gaps", "many points", "many names"],
)
def test_plots_are_drawn_whatever_is_there(plot: Callable[..., bytes], series: dict[str, Series]) -> None:
    assert pixels(plot(series, x_label="round")).shape == (450, 800, 3)


def test_missing_values_are_skipped() -> None:
    with_gaps = losses_plot({"G loss": ([1, 2, 3, 4], [0.5, None, float("nan"), 0.2])})
    assert with_gaps == losses_plot({"G loss": ([1, 4], [0.5, 0.2])})


def test_one_colour_means_one_thing_in_losses_and_traces() -> None:
    lines = [([1, 2], [0.2, 0.2]), ([1, 2], [0.8, 0.8])]
    losses = pixels(losses_plot(dict(zip(("G", "D"), lines, strict=True))))
    traces = pixels(traces_plot(dict(zip(("D(x)", "D(G(z))"), lines, strict=True))))

    def shown(image: np.ndarray) -> list[bool]:
        return [
            bool((np.abs(image - np.array(rgb(colour))).max(axis=2) < 3).sum() > 100) for colour in (VERMILION, BLUE, GREEN)
        ]

    assert shown(losses) == [True, True, False]  # G, and D
    assert shown(traces) == [True, False, True]  # what G draws, and real images


def test_an_empty_plot_says_so() -> None:
    middle = np.s_[120:250, 250:600]
    assert (pixels(losses_plot({}))[middle] < 200).any()
    assert not (pixels(losses_plot({"G loss": ([1, 2], [0.0, 0.0])}))[middle] < 100).all(axis=2).any()


def test_traces_mark_one_half() -> None:
    axes = pixels(traces_plot({}))
    spine = is_black(axes[:, : axes.shape[1] // 8])
    spine_rows = np.flatnonzero(spine[:, spine.sum(axis=0).argmax()])  # from below 0 to as much above 1
    is_grey = np.abs(axes - np.array(rgb(GREY))).max(axis=2) < 60
    dashed_row = is_grey.sum(axis=1).argmax()
    assert is_grey[dashed_row].sum() > 300
    assert dashed_row == pytest.approx((spine_rows[0] + spine_rows[-1]) / 2, abs=2)


def test_series_of_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="series 'G loss' has 2 x and 1 y"):
        losses_plot({"G loss": ([1, 2], [0.5])})


# All of them


@pytest.mark.parametrize(
    "draw",
    [
        lambda: strip(normal(3, 1, 4, 4)),
        lambda: scatter(normal(50, 2), normal(50, 2)),
        lambda: scatter(normal(50, 1), normal(50, 1)),
        lambda: losses_plot({"G loss": ([1, 2], [0.5, 0.6])}),
        lambda: traces_plot({"D(x)": ([1, 2], [0.5, 0.6])}),
    ],
    ids=["strip", "scatter", "densities", "losses", "traces"],
)
def test_figures_are_the_same_bytes_each_time_and_name_no_software(draw: Callable[[], bytes]) -> None:
    png = draw()
    assert png == draw()
    assert b"tEXt" not in png


def test_the_room_imports_without_matplotlib_or_imageio() -> None:
    check = "import sys, sparring.visual; sys.exit(any(m in sys.modules for m in ('matplotlib', 'imageio')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
