"""An observer that shows a run in TensorBoard."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sparring.errors import InputError
from sparring.training.observers import Event, Observer
from sparring.visual import decode_png

FOLDER = "tensorboard"
SHOWN = ("round", "epoch", "score", "checkup")
PLACE = ("round", "epoch", "images", "seconds")


class TensorBoard(Observer):
    """Writes the numbers, scores and pictures of a run's journal to `tensorboard/` in the run's folder, by round.

    A resumed run continues its curves, and what a kill left beyond the last checkpoint is hidden. Raises InputError where the
    package `tensorboard` is missing.
    """

    def __init__(self):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise InputError('--tensorboard needs a package that is missing; pip install "sparring[tensorboard]"') from None
        self._open = SummaryWriter

    def on_start(self, event: Event) -> None:
        self._writer = self._open(str(event.run.path / FOLDER), purge_step=event.round + 1 if event.round else None)

    def on_line(self, event: Event) -> None:
        if event.line["event"] in SHOWN:
            for name, value in _numbers(event.line).items():
                self._writer.add_scalar(f"{event.line['event']}/{name}", value, event.round)

    def on_epoch(self, event: Event) -> None:
        self._writer.flush()

    def on_sample(self, event: Event) -> None:
        picture = np.asarray(decode_png(event.file.read_bytes(), str(event.file)).convert("RGB"))
        self._writer.add_image(f"samples/{_series(event.file.stem)}", picture, event.round, dataformats="HWC")

    def on_end(self, event: Event) -> None:
        self._writer.close()


def _numbers(line: Mapping[str, Any]) -> dict[str, float]:
    """The measured numbers of a line; a critic has no probabilities."""
    numbers = {name: value for name, value in line.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    return {name: value for name, value in numbers.items() if name not in PLACE}


def _series(stem: str) -> str:
    """The name that pictures of one kind share: `landscape_epoch_0001` -> `landscape_epoch`, `009` -> `strip`."""
    return re.sub(r"_?\d+$", "", stem) or "strip"
