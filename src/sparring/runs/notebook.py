"""The progress of a training in a notebook: a bar and the losses, which replace themselves; IPython alone is needed."""

import sys
import time
from base64 import b64encode
from contextlib import suppress
from html import escape
from math import inf
from typing import Any

from sparring.training.observers import Event, Observer
from sparring.visual import losses_plot

SHORTEST = 0.2  # seconds between two updates
CURVES_SHARE = 0.01  # of the time, which the plot of the losses may take
MOST_POINTS = 2000


def is_notebook() -> bool:
    """True in a notebook, where standard error would appear in red, and a line cannot be overwritten."""
    shell = type(getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)())
    return shell.__name__ == "ZMQInteractiveShell" or shell.__module__.startswith("google.colab")


class NotebookProgress(Observer):
    """A bar with a line of news, and beneath it the losses of the training, if there is one."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._bar, self._curves = "", ""
        self._shown = self._next_curves = 0.0
        self._losses: tuple[list[Any], ...] = ([], [], [])

    def show(self, label: str, share: float, news: str) -> None:
        """Show how much is done; at most five times a second."""
        now = time.monotonic()
        if now - self._shown >= SHORTEST or share >= 1:
            self._bar = f'{escape(label)} <progress value="{share:.4f}"></progress> {share:.0%} {escape(news)}'
            self._shown = now
            self._display()

    def on_round(self, event: Event) -> None:
        """Add the losses of a round that the journal has."""
        numbers = event.info.numbers
        if numbers is None:
            return
        point = event.images / event.num_images, numbers["g_loss"], numbers["d_loss"]
        for values, value in zip(self._losses, point, strict=True):
            values.append(value)
        if time.monotonic() >= self._next_curves:
            self._draw()

    def on_end(self, event: Event) -> None:
        """Draw the losses of the whole training."""
        if self._losses[0]:
            self._draw()

    def _draw(self) -> None:
        began, self._next_curves = time.monotonic(), inf  # a plot that fails is not tried again, and ends no training
        x, g, d = (values[:: 1 + len(values) // MOST_POINTS] for values in self._losses)
        with suppress(Exception):
            png = losses_plot({"G": (x, g), "D": (x, d)})
            self._curves = f'<br><img width="560" src="data:image/png;base64,{b64encode(png).decode()}">'
            self._next_curves = time.monotonic() + (time.monotonic() - began) / CURVES_SHARE
            self._display()

    def _display(self) -> None:
        from IPython.display import HTML, display

        content = HTML(self._bar + self._curves)
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)
