"""Matplotlib figures without global state: no pyplot, no current figure, no window."""

import os
import sys
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100

GREY = "#8c8c8c"
BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#cc79a7"
ORANGE = "#e69f00"
SKY = "#56b4e9"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)  # palette of Okabe and Ito, safe for colour-blind readers


def new_figure(width: int, height: int) -> "Figure":
    """An empty figure of width x height pixels on an Agg canvas."""
    _import_matplotlib()  # here, because it is slow
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def figure_png(figure: "Figure", *, tight: bool = False) -> bytes:
    """Render a figure as PNG bytes without dates and version names; `tight` crops it to its content."""
    buffer = BytesIO()
    box = "tight" if tight else figure.bbox_inches
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches=box, metadata={"Software": None})
    return buffer.getvalue()


def _import_matplotlib() -> None:
    """Import matplotlib, even where MPLBACKEND names a backend that is not there, as notebooks leave it to their children."""
    if "matplotlib" in sys.modules:
        return
    named = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if named is not None:
            os.environ["MPLBACKEND"] = named
    with suppress(ValueError):
        if named:
            matplotlib.rcParams["backend"] = named
