"""An entrant as a process: started, given orders, ended."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineup import UPDATES, Entrant

SURROUNDINGS = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
"""The processor alone, and quiet."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
"""What PyTorch, XLA (`NPROC`) and TensorFlow read; without these each takes its default, which is one a core."""


@dataclass
class Player:
    """A running entrant of a recipe. `peak_mib`, the most memory that it had, is known when it has ended."""

    name: str
    entrant: Entrant
    recipe: str
    process: subprocess.Popen[str]
    log: Path
    parameters: float = 0
    software: dict[str, str] = field(default_factory=dict)
    played: int = 0
    seconds_to_first_round: float = 0.0
    peak_mib: float = 0.0

    @classmethod
    def start(cls, name: str, entrant: Entrant, recipe: str, images: Path, seed: int, threads: int | None) -> "Player":
        """Start the process and play its first round. RuntimeError where it fails.

        It is in a process group of its own: Control-C reaches `race.py` alone, which then ends it.
        """
        log = images.with_name(f"{recipe}-{name}.log")
        environment = os.environ | SURROUNDINGS | dict.fromkeys(THREADS if threads else (), str(threads))
        begin = time.perf_counter()
        with log.open("w") as errors:
            process = subprocess.Popen(
                entrant.command(recipe, images, seed),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
                process_group=0,
            )
        player = cls(name, entrant, recipe, process, log)
        try:
            told = player._hear()
            player.parameters, player.software = told["parameters"], told["software"]
            player.play(1)
        except BaseException:
            player.finish()
            raise
        player.seconds_to_first_round = time.perf_counter() - begin
        return player

    def play(self, rounds: int) -> dict[str, float]:
        """Seconds, the last round's losses, updates so far, and the processor seconds that others used in the meantime.

        RuntimeError where it fails, or has not made every update.
        """
        assert self.process.stdin is not None
        before = _elsewhere(self.process.pid)
        print(json.dumps({"rounds": rounds}), file=self.process.stdin, flush=True)
        answer = self._hear()
        answer["elsewhere"] = _elsewhere(self.process.pid) - before
        self.played += rounds
        if self.entrant.plays and answer["updates"] != self.played * UPDATES[self.recipe]:
            raise RuntimeError(f"{self.name} made {answer['updates']} updates in {self.played} rounds of {self.recipe}")
        return answer

    def finish(self) -> None:
        """End the process, even in the middle of a turn."""
        self.process.kill()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_mib = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} has ended:\n{self.log.read_text()[-2000:]}")
        return json.loads(line)


def _elsewhere(pid: int) -> float:
    """Processor seconds that all but this process have used; 0 where the system does not tell (it is Linux that does)."""
    stat, own = Path("/proc/stat"), Path(f"/proc/{pid}/stat")
    if not own.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.read_text().split()[1:9])
    user_time, system_time = own.read_text().rpartition(")")[2].split()[11:13]
    ticks = user + nice + system + irq + softirq + steal - int(user_time) - int(system_time)
    return ticks / os.sysconf("SC_CLK_TCK")
