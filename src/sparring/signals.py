"""Stopping politely: the first Ctrl-C or SIGTERM lets the round end and the run be saved, the second stops at once."""

import signal
import threading
from types import FrameType


class Ended(KeyboardInterrupt):
    """A signal asked the program to end at once; `exit_status` is the shell's convention for it."""

    def __init__(self, number: int):
        super().__init__("interrupted" if number == signal.SIGINT else "terminated")
        self.exit_status = 128 + number


def end_on_sigterm() -> None:
    """From now on SIGTERM ends the program as Ctrl-C does: by an exception, so that nothing is left half done."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


class Stop:
    """Within the block, `requested` says which signal came, if any; outside the main thread signals stay as they are."""

    def __init__(self):
        self.requested: signal.Signals | None = None

    def __enter__(self) -> "Stop":
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            _end(number, frame)
        self.requested = signal.Signals(number)


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)
