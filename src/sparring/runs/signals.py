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


class StopSignals:
    """Within the block, `requested` says which signal came, if any; outside the main thread signals stay as they are.

    `patient`: a second signal changes nothing, nor does one on the way out of a block that a signal or an error has ended.
    Under torchrun Ctrl-C comes twice, from the terminal and from torchrun itself, which also asks all processes to end when
    one has, and ends by force what has not done so after 30 seconds.
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
