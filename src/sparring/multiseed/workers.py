"""Processes that train one seed each, and how many of them suit the machine."""

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

ON_ONE_GPU = 4  # processes that share a GPU in time slices; each holds some hundreds of MiB there before it begins


class Worker:
    """A running `sparring ARGS...`, deaf to the terminal's Ctrl-C; stopped through its standard input, also if we die."""

    def __init__(self, arguments: Sequence[str], threads: int):
        self._errors = TemporaryFile()  # noqa: SIM115 (a pipe that nobody reads fills up)
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
        """Have it save the run and end, as this signal would."""
        line = self._process.stdin
        if line is not None and not line.closed:
            with suppress(BrokenPipeError):  # it has ended already
                if number == signal.SIGINT:
                    line.write(b".")
                line.close()

    def kill(self) -> None:
        """End it at once, and wait until it has ended."""
        self._process.kill()
        self._process.wait()

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs, and below 0 where a signal ended it."""
        return self._process.poll()

    def said(self) -> str:
        """What it wrote to standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()

    def reason(self) -> str:
        """Why it failed: the sentence that it wrote last."""
        if self.status is not None and self.status < 0:
            return f"its process was killed by signal {-self.status}; too little memory may be the cause"
        return self.said().rpartition("\n")[2].removeprefix("sparring: ")

    def close(self) -> None:
        """Let go of its files; to be called when it has ended."""
        self.ask_to_stop(signal.SIGTERM)
        self._errors.close()


def threads_for(num_seeds: int) -> int:
    """Threads for each of so many seeds: $OMP_NUM_THREADS, or else an equal share of the cores, at most PyTorch's default."""
    own = torch.get_num_threads()
    return own if os.environ.get("OMP_NUM_THREADS") else min(own, max(1, _cores() // num_seeds))


def at_once(threads: int, device: str) -> int:
    """How many seeds of so many threads to train side by side on a device."""
    num = max(1, _cores() // threads)
    return num if devices.resolve(device).type == "cpu" else min(num, ON_ONE_GPU)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
