"""Time from the start of a process to the end of its first round, and the memory that it takes.

    python -m sparring.bench.startup RECIPE DEVICE STARTED

trains a few rounds and prints a `StartUp` as JSON; STARTED is the time (of `time.time`) at which the process was started.
"""

import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

import torch

from sparring import recipes
from sparring.bench.floor import synchronize
from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.errors import InputError, MachineError, SparringError
from sparring.recipe import Recipe
from sparring.training.engine import Engine

_ROUNDS, _SECONDS = 2, 1.0  # at least this many rounds, and until this time has passed since the first one


@dataclass(frozen=True)
class StartUp:
    """Seconds and MiB of a process that has just been started; memory is None where the system does not tell."""

    seconds_to_first_round: float
    seconds_per_round: float
    peak_rss_mib: float | None
    peak_gpu_mib: float | None


def measure_in_new_process(name: str, device: torch.device) -> StartUp:
    """Train a few rounds of the recipe of this name, or of this Python file, in a new process.

    Raises InputError with the process's own sentence where the input is at fault, MachineError where it fails otherwise.
    """
    command = [sys.executable, "-P", "-m", "sparring.bench.startup", name, str(device), str(time.time())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        *_, reason = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        error = InputError if done.returncode == InputError.exit_status else MachineError
        raise error(f"{name} cannot be timed: {reason}")
    return StartUp(**json.loads(done.stdout.splitlines()[-1]))


def find_recipe(name: str) -> Recipe:
    """The registered recipe of this name, or the one that this Python file registers."""
    return recipes.get(recipes.from_file(name) if name.endswith(".py") else name)


def measure_here(name: str, device: torch.device, started: float) -> StartUp:
    """The part of `measure_in_new_process` that the new process does."""
    devices.tune_process()
    recipe = find_recipe(name)
    with own_torch_state(device):
        engine = Engine.build(recipe, recipe.data.train(), 0, device)
        engine.train_round(0)
        synchronize(device)
        seconds_to_first_round = time.time() - started
        begun, rounds = time.perf_counter(), 1
        while rounds < _ROUNDS or time.perf_counter() - begun < _SECONDS:
            engine.train_round(rounds)
            synchronize(device)
            rounds += 1
    seconds_per_round = (time.perf_counter() - begun) / (rounds - 1)
    gpu = devices.peak_memory_mib(device) if device.type == "cuda" else None
    return StartUp(seconds_to_first_round, seconds_per_round, _peak_rss_mib(), gpu)


def _peak_rss_mib() -> float | None:
    """Peak memory of this program, without that of its parent when it started it."""
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    peak = devices.peak_memory_mib(torch.device("cpu"))
    return peak if isfinite(peak) else None


def main() -> None:
    name, device, started = sys.argv[1:]
    try:
        print(json.dumps(asdict(measure_here(name, torch.device(device), float(started)))))
    except SparringError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
