"""Starting groups of processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 120  # seconds


class Group:
    """torchrun with `size` workers on this host; `said` is what they and torchrun have printed, once all have ended."""

    def __init__(self, size: int, *command: object, options: tuple[str, ...] = ()):
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={size}", *options]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error", "TORCHELASTIC_ERROR_FILE": ""}
        self.process = subprocess.Popen(
            [*launcher, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.said = ""

    def worker(self, rank: int) -> int:
        """The process id of a rank."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ranks = {_variable(pid, "RANK"): int(pid) for pid in listing}
        return ranks[str(rank)]

    def wait(self) -> int:
        """The exit status of torchrun, which is 1 where a worker's was not 0."""
        try:
            self.said = self.process.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.said = self.process.communicate()[0]
            raise AssertionError(f"the group hangs: {self.said}") from None
        return self.process.returncode

    def sentences(self) -> list[str]:
        """What Sparring said of failures."""
        return [line for line in self.said.splitlines() if line.startswith("sparring: ")]

    def statuses(self) -> dict[int, int]:
        """The exit statuses of failed ranks, by torchrun's account."""
        lines = self.said.splitlines()
        ranks = [int(line.split()[2]) for line in lines if line.startswith("  rank      :")]
        return dict(zip(ranks, [int(line.split()[2]) for line in lines if line.startswith("  exitcode  :")], strict=True))


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def _variable(pid: str, name: str) -> str | None:
    for setting in Path(f"/proc/{pid}/environ").read_text().split("\0"):
        if setting.startswith(f"{name}="):
            return setting.removeprefix(f"{name}=")
    return None
