"""Graceful stops: the first Ctrl-C, SIGTERM or SIGHUP finishes the round and saves the run, the second stops at once."""

import signal
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Literal

ENDINGS: Mapping[str, Literal["interrupted", "terminated", "hangup"]] = {
    "SIGINT": "interrupted",
    "SIGTERM": "terminated",
    "SIGHUP": "hangup",
}
"""How a program ends by these signals."""

STOPS = tuple(signal.Signals[name] for name in ENDINGS if hasattr(signal, name))  # Windows has no SIGHUP


class Ended(KeyboardInterrupt):
    """A signal ended the program at once; `exit_status` follows the shell's convention, 128 + its number."""

    def __init__(self, number: int):
        super().__init__(ENDINGS[signal.Signals(number).name])
        self.exit_status = 128 + number


def end_by_exception() -> None:
    """Make SIGTERM and SIGHUP end the program by an exception, as Ctrl-C does, so that cleanup runs."""
    if threading.current_thread() is threading.main_thread():
        for number in STOPS:
            if number != signal.SIGINT and not _is_ignored(number):
                signal.signal(number, _end)


class StopSignals:
    """Context manager whose `requested` holds the signal received in the block, if any; effective in the main thread only.

    A second SIGHUP is ignored, since a closed terminal sends one, and its shell another one.

    patient: ignore a second signal of any kind, and any signal while leaving a block that a signal or an error has ended.
    Under torchrun Ctrl-C arrives twice, from the terminal and from torchrun itself. Torchrun also terminates all processes
    once one has ended, and kills those still running after 30 seconds.
    """

    def __init__(self, patient: bool = False):
        self._patient = patient
        self.requested: signal.Signals | None = None

    def __enter__(self) -> "StopSignals":
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            for number in STOPS:
                if not _is_ignored(number):
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        leaving = self._patient and (self.requested or error)
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if leaving else handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self._patient and signal.Signals(number).name != "SIGHUP":
            _end(number, frame)
        self.requested = signal.Signals(number)


def _is_ignored(number: signal.Signals) -> bool:
    """True for a SIGHUP that `nohup` has told the program to ignore."""
    return number.name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)
