"""Graceful stops: the first Ctrl-C or SIGTERM finishes the round and saves the run, the second stops at once."""

import signal
import threading
from types import FrameType


class Ended(KeyboardInterrupt):
    """A signal ended the program at once; `exit_status` follows the shell's convention, 128 + its number."""

    def __init__(self, number: int):
        super().__init__("interrupted" if number == signal.SIGINT else "terminated")
        self.exit_status = 128 + number


def end_on_sigterm() -> None:
    """Make SIGTERM end the program by an exception, as Ctrl-C does, so that cleanup runs."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


class StopSignals:
    """Context manager whose `requested` holds the signal received in the block, if any; effective in the main thread only.

    patient: ignore a second signal, and any signal while leaving a block that a signal or an error has ended. Under torchrun
    Ctrl-C arrives twice, from the terminal and from torchrun itself. Torchrun also terminates all processes once one has
    ended, and kills those still running after 30 seconds.
    """

    def __init__(self, patient: bool = False):
        self._patient = patient
        self.requested: signal.Signals | None = None

    def __enter__(self) -> "StopSignals":
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        leaving = self._patient and (self.requested or error)
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if leaving else handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self._patient:
            _end(number, frame)
        self.requested = signal.Signals(number)


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)
