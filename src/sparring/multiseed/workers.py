"""Worker processes that train one seed each, and the number of them that suits the machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any

import torch

from sparring.config import devices

ON_ONE_GPU = 4  # processes that share a GPU by time slicing; each takes some hundreds of MiB there before it starts


class Worker:
    """A running `sparring ARGS...` that ignores the terminal's Ctrl-C.

    It is stopped through its standard input, whose end also stops it if this process dies.
    """

    def __init__(self, arguments: Sequence[str], threads: int):
        self._errors = TemporaryFile()  # noqa: SIM115 (an unread pipe would fill up and block)
        limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        own_group: dict[str, Any] = {"process_group": 0}
        if sys.platform == "win32":
            own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sparring.cli.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=os.environ | limits,
            **own_group,
        )

    def ask_to_stop(self, number: signal.Signals) -> None:
        """Ask the process to save its run and end, as this signal would."""
        line = self._process.stdin
        if line is not None and not line.closed:
            with suppress(BrokenPipeError):  # it has ended already
                if number == signal.SIGINT:
                    line.write(b".")
                line.close()

    def kill(self) -> None:
        """Kill the process and wait until it has ended."""
        self._process.kill()
        self._process.wait()

    @property
    def status(self) -> int | None:
        """The exit status; None while the process runs, negative if a signal ended it."""
        return self._process.poll()

    def stderr(self) -> str:
        """The text that the process wrote to standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()

    def reason(self) -> str:
        """The reason for a failure: the last sentence that the process wrote."""
        if self.status is not None and self.status < 0:
            return f"its process was killed by signal {-self.status}; too little memory may be the cause"
        return self.stderr().rpartition("\n")[2].removeprefix("sparring: ")

    def close(self) -> None:
        """Release the files of a process that has ended."""
        self.ask_to_stop(signal.SIGTERM)
        self._errors.close()


def threads_for(num_seeds: int, cores: int, gain: int) -> int:
    """Threads for each of `num_seeds`: $OMP_NUM_THREADS, or else an equal share of the cores, at most PyTorch's default, and
    at most `gain`, beyond which more would gain too little."""
    own = torch.get_num_threads()
    return own if os.environ.get("OMP_NUM_THREADS") else min(own, gain, max(1, cores // num_seeds))


def at_once(threads: int, device: str, cores: int) -> int:
    """The number of seeds to train side by side on a device, with `threads` threads each."""
    num = max(1, cores // threads)
    return num if devices.resolve(device).type == "cpu" else min(num, ON_ONE_GPU)
