"""Line plots of a run over time: losses, D's outputs on real and generated samples, and scores."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sparring.visual.figure import BLUE, COLOURS, GREEN, GREY, VERMILION, figure_png, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Series = tuple[Sequence[float], Sequence[float | None]]  # x and y of equal length; None, NaN and infinite y are left out

WIDTH, HEIGHT = 800, 450  # pixels
STYLES = ("-", "--", ":", "-.")
MANY_POINTS = 200  # longer lines are drawn pale, below their running median
NUM_MEDIANS = 400
OF_LOSSES = (VERMILION, BLUE)  # G and D, as in the pictures of toys
OF_TRACES = (GREEN, VERMILION)  # real, and what G generated
_TITLE = "D's output on real and generated samples"


def losses_plot(losses: Mapping[str, Series], x_label: str = "epoch") -> bytes:
    """Draw losses over time as a PNG of 800 x 450 pixels, one line for each name, G's first.

    A line of more than 200 points is drawn pale, with its running median (a window of 1/40 of its points) on top.
    Raises ValueError for a series whose x and y differ in length.
    """
    return lines_plot("Losses", "loss", losses, x_label, OF_LOSSES)


def traces_plot(traces: Mapping[str, Series], x_label: str = "epoch") -> bytes:
    """Draw mean D(x) and D(G(z)) over time as a PNG of 800 x 450 pixels, one line for each name, real first.

    The axis is [0, 1]; a dashed line marks 0.5, the output of a D that cannot tell real from generated samples. Long series
    are drawn as in `losses_plot`.
    Raises ValueError for a series whose x and y differ in length.
    """
    return probabilities_plot(_TITLE, traces, x_label, OF_TRACES)


def logits_plot(logits: Mapping[str, Series], x_label: str = "epoch") -> bytes:
    """Draw mean logits over time as `traces_plot` does, for a D whose output is not a probability."""
    return lines_plot(_TITLE, "mean logit", logits, x_label, OF_TRACES)


def lines_plot(title: str, y_label: str, lines: Mapping[str, Series], x_label: str, colours: Sequence[str] = COLOURS) -> bytes:
    """Draw values over time as `losses_plot` does, with any title; more lines than colours repeat these with dashes."""
    figure, ax = _titled_axes(title, x_label, y_label)
    _draw_all(ax, lines, colours)
    return _finished(figure, ax)


def probabilities_plot(title: str, lines: Mapping[str, Series], x_label: str, colours: Sequence[str] = COLOURS) -> bytes:
    """Draw probabilities over time as `traces_plot` does, with any title."""
    figure, ax = _titled_axes(title, x_label, "mean probability of being real")
    ax.axhline(0.5, color=GREY, linestyle="--", linewidth=1)
    ax.set_ylim(-0.02, 1.02)
    _draw_all(ax, lines, colours)
    return _finished(figure, ax)


def scores_plot(title: str, y_label: str, lines: Mapping[str, Series], x_label: str, floor: float | None) -> bytes:
    """Draw scores over time on a logarithmic axis, without values that are not above 0; a dashed line marks the floor.

    A line without points is not drawn, but still takes up its colour.
    """
    figure, ax = _titled_axes(title, x_label, y_label)
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    above = {name: _above_zero(series) for name, series in lines.items()}
    shown = [y for _, ys in above.values() for y in ys if y is not None]
    if floor is not None and floor > 0:
        shown.append(floor)
        ax.axhline(floor, color=GREY, linestyle="--", linewidth=1, label="floor")
    if shown:
        ax.set_ylim(min(shown) / 1.6, max(shown) * 1.6)  # 1.6 ** 2 > 5 / 2, so at least one tick has a label
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter("")
    _draw_all(ax, above, marker="o")
    return _finished(figure, ax)


def running_median(values: np.ndarray, window: int, num_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Running medians at no more than `num_out` evenly spaced positions; windows shrink at both ends.

    values: [N], N at least 1; window: the number of values in each window; even numbers are rounded up to odd ones.
    Returns the positions, as indices into `values`, and the medians.
    """
    half = window // 2
    places = np.linspace(0, len(values) - 1, min(num_out, len(values))).round().astype(int)
    medians = np.array([np.median(values[max(0, i - half) : i + half + 1]) for i in places])
    return places, medians


def _titled_axes(title: str, x_label: str, y_label: str) -> "tuple[Figure, Axes]":
    figure = new_figure(WIDTH, HEIGHT)  # which imports matplotlib with care
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator

    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))  # inches
    ax = figure.subplots()
    ax.set(title=title, xlabel=x_label, ylabel=y_label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax


def _draw_all(
    ax: "Axes", all_series: Mapping[str, Series], colours: Sequence[str] = COLOURS, marker: str | None = None
) -> None:
    num_drawn = 0
    for i, (name, series) in enumerate(all_series.items()):
        x, y = _finite(name, series)
        if len(x) == 0:
            continue
        _draw(ax, name, x, y, colours[i % len(colours)], STYLES[i // len(colours) % len(STYLES)], marker)
        num_drawn += len(x)
    if num_drawn == 0:
        ax.set(xticks=[], yticks=[])
        ax.text(0.5, 0.6, "no rounds yet", transform=ax.transAxes, ha="center", fontsize=14, color=GREY)


def _draw(ax: "Axes", name: str, x: np.ndarray, y: np.ndarray, colour: str, style: str, marker: str | None) -> None:
    if len(x) <= MANY_POINTS:
        ax.plot(x, y, style, color=colour, linewidth=1.5, marker="o" if len(x) == 1 else marker, markersize=5, label=name)
        return
    places, medians = running_median(y, window=len(y) // 40, num_out=NUM_MEDIANS)
    ax.plot(x, y, color=colour, linewidth=0.5, alpha=0.35)
    ax.plot(x[places], medians, style, color=colour, linewidth=1.8, label=f"{name} (running median)")


def _finite(name: str, series: Series) -> tuple[np.ndarray, np.ndarray]:
    """The finite points of a series, x and y as float64 [N]."""
    if len(series[0]) != len(series[1]):
        raise ValueError(f"series {name!r} has {len(series[0])} x and {len(series[1])} y: as many of both are needed")
    x, y = np.asarray(series[0], dtype=float), np.asarray(series[1], dtype=float)  # None becomes NaN
    drawable = np.isfinite(x) & np.isfinite(y)
    return x[drawable], y[drawable]


def _above_zero(series: Series) -> Series:
    return series[0], [y if y is not None and 0 < y < float("inf") else None for y in series[1]]


def _finished(figure: "Figure", ax: "Axes") -> bytes:
    if ax.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure_png(figure)
