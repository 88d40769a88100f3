"""Matplotlib figures without global state: no pyplot, no current figure, no window."""

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
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # imported here because matplotlib is slow to import
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
