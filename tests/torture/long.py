"""A long training, watched from outside: memory, open files and the run's folder must not grow with the rounds.

`--rounds` says how long; what is measured is printed, and a growth beyond the limits is a failure.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sparring.run import journal

NARROW = {"generator.widths": "[16]", "discriminator.widths": "[16]", "batch_size": "96", "optim.lr": "1e-4"}
CADENCE = {"checkpoint": '{"rounds": 250}', "review": '{"epochs": 4}'}
MOST_BYTES_A_ROUND = 64  # of memory, by the slope over the second half
MOST_FILES = 0  # more at the end than in the middle


def look(process: subprocess.Popen, run: Path) -> tuple[int, int, int] | None:
    """Round, resident bytes and open files of a training now."""
    rounds = [event["round"] for event in journal.read(run / "journal.jsonl") if event["event"] == "round"]
    own = Path(f"/proc/{process.pid}")
    try:
        pages = int((own / "statm").read_text().split()[1])
        return (rounds[-1], 4096 * pages, len(list((own / "fd").iterdir()))) if rounds else None
    except OSError:  # it has ended
        return None


def watch(out: Path, rounds: int) -> list[tuple[int, int, int]]:
    """Train, and look about twice a second."""
    settings = [f"--set={name}={value}" for name, value in (NARROW | CADENCE).items()]
    command = [sys.executable, "-m", "sparring", "train", "vanilla", f"--rounds={rounds}", f"--out={out}", "--quiet", *settings]
    process, seen = subprocess.Popen(command), []
    while process.poll() is None:
        time.sleep(0.5)
        if found := look(process, out):
            seen.append(found)
    if process.returncode:
        raise SystemExit(f"training ended with status {process.returncode}")
    return seen


def kept_files(run: Path) -> dict[str, int]:
    """How many files of each folder there are, and how many bytes the journal has."""
    folders = ("checkpoints", "samples", "generator")
    return {name: len(list((run / name).iterdir())) for name in folders} | {"journal": (run / "journal.jsonl").stat().st_size}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20_000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        seen = np.array(watch(Path(folder) / "run", rounds))
        kept = kept_files(Path(folder) / "run")
    late = seen[(seen[:, 0] > rounds / 2) & (seen[:, 0] < rounds)]  # plots and the animation come after the last round
    slope = np.polyfit(late[:, 0], late[:, 1], 1)[0]
    more_files = late[-1, 2] - late[0, 2]
    middle, end = late[[0, -1], 1] / 2**20
    print(f"{rounds} rounds, {len(seen)} looks: {middle:.1f} MiB in the middle, {end:.1f} at the end")
    print(f"memory grows by {slope:.1f} bytes a round; {late[-1, 2]} open files, {more_files} more than in the middle; {kept}")
    return int(slope > MOST_BYTES_A_ROUND or more_files > MOST_FILES or kept["checkpoints"] > 3)


if __name__ == "__main__":
    sys.exit(main())
