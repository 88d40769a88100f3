"""Plots of generated points over real ones: a scatter plot in two dimensions, two histograms in one."""

from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from sparring.visual.figure import GREY, VERMILION, figure_png, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 480  # pixels, width and height
MARGIN = 0.25  # of the real points' extent, left free on each side
NUM_BINS = 60
HEADROOM = 2.0  # highest density shown, in units of the real points' highest


def scatter(real: Tensor, fake: Tensor, title: str = "") -> bytes:
    """Draw generated points over real ones as a PNG of 480 x 480 pixels.

    real [N, D] and fake [M, D], D 1 or 2, N and M at least 1. Axis limits depend on `real` alone, so the frames of an
    animation do not jump; the number of generated points outside them is written in the corner. With D = 1, both
    histograms share their bins and are normalised by all points, including those outside.
    Raises ValueError for another shape, or a value that is infinite or not a number.
    """
    real_points, fake_points = checked("real", real), checked("fake", fake)
    if real_points.shape[1] != fake_points.shape[1]:
        raise ValueError(f"real has {real_points.shape[1]} dimensions and fake {fake_points.shape[1]}: they must agree")
    figure = new_figure(SIZE, SIZE)
    ax = figure.add_axes((0.13, 0.1, 0.82, 0.82))
    draw = _draw_plane if real_points.shape[1] == 2 else _draw_densities
    num_outside = draw(ax, real_points, fake_points)
    if num_outside:
        note(ax, f"{num_outside} of {len(fake_points)} generated points lie outside")
    ax.set_title(title)
    ax.legend(loc="upper right", framealpha=0.9, markerscale=2)
    return figure_png(figure)


def checked(name: str, points: Tensor) -> np.ndarray:
    """Points as float64 [N, D]; ValueError, naming them, unless they can be drawn."""
    if points.ndim != 2 or points.shape[0] == 0 or points.shape[1] not in (1, 2):
        raise ValueError(f"{name} must be [N, 1] or [N, 2] with N at least 1, got {list(points.shape)}")
    if not points.isfinite().all():
        raise ValueError(f"{name} holds values that are infinite or not a number")
    return points.detach().double().cpu().numpy()


def _draw_plane(ax: "Axes", real: np.ndarray, fake: np.ndarray) -> int:
    # real, fake: [N, 2]; returns the number of generated points outside the axes
    low, high = limits(real)
    for points, colour, name in ((real, GREY, "real"), (fake, VERMILION, "generated")):
        ax.scatter(points[:, 0], points[:, 1], s=6, color=colour, alpha=0.6, linewidths=0, label=name)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    return int(((fake < low) | (fake > high)).any(axis=1).sum())


def _draw_densities(ax: "Axes", real: np.ndarray, fake: np.ndarray) -> int:
    # real, fake: [N, 1]; returns the number of generated points outside the axes
    low, high = (limit[0] for limit in limits(real))
    edges = np.linspace(low, high, NUM_BINS + 1)
    real_density, fake_density = _density(real[:, 0], edges), _density(fake[:, 0], edges)
    ax.stairs(real_density, edges, fill=True, color=GREY, alpha=0.6, label="real")
    ax.stairs(fake_density, edges, color=VERMILION, linewidth=1.5, label="generated")
    ax.set(xlim=(low, high), ylim=(0, HEADROOM * real_density.max()), ylabel="density")
    return int(((fake < low) | (fake > high)).sum())


def limits(real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits [D] of a square around the real points [N, D], margin included."""
    low, high = real.min(axis=0), real.max(axis=0)
    centre, extent = (low + high) / 2, (high - low).max() or 1.0
    half = extent * (0.5 + MARGIN)
    return centre - half, centre + half


def _density(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    # numpy's density=True would count only the values within the edges
    counts, _ = np.histogram(values, edges)
    return counts / (len(values) * np.diff(edges))


def note(ax: "Axes", text: str) -> None:
    """Write a text in the lower left corner of the axes."""
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2}
    ax.text(0.02, 0.02, text, transform=ax.transAxes, fontsize=9, bbox=box)
