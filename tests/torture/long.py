"""A long training, watched from outside and from inside: memory, files and the run's folder must not grow with the rounds.

`--rounds` says how long; what is measured is printed, and a growth beyond the limits is a failure. Linux with glibc only.
"""

import argparse
import ctypes
import gc
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import sparring
from sparring.runs import journal
from sparring.training.observers import Event

NARROW = {"generator.widths": "[16]", "discriminator.widths": "[16]", "batch_size": "96", "optim.lr": "1e-4"}
CADENCE = {"checkpoint": '{"rounds": 250}', "review": '{"epochs": 4}'}
LOOK_EVERY = 100  # rounds
# Slopes over the second half. The smallest tensor takes about 540 bytes, some 300 of them malloc's and 2 of Python's blocks.
MOST_IN_USE = 64  # bytes a round that malloc has given out
MOST_BLOCKS = 0.25  # Python's, a round: a line of the journal is remembered every 50 rounds
MOST_RESIDENT = 4096  # bytes a round, for memory outside malloc; reviews alone move it by up to 18 MiB in 10,000 rounds
MOST_FILES = 0  # more at the end than in the middle


class Account(ctypes.Structure):
    """mallinfo2 of glibc; `uordblks` and `hblkhd` are the bytes given out, from the heaps and from maps of their own."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    )


def train(out: Path, rounds: int) -> None:
    """Train in this process, and print after so many rounds: round, bytes in use, Python's blocks."""
    settings = NARROW | CADENCE
    sparring.train("vanilla", rounds=rounds, out=out, settings=settings, device="cpu", quiet=True, observers=[Accountant()])


class Accountant(sparring.Observer):
    """Prints, every so many rounds, what `train` promises."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.mallinfo2.restype = Account

    def on_round(self, event: Event) -> None:
        if event.info.round % LOOK_EVERY == 0:
            gc.collect()
            account = self._library.mallinfo2()
            print(event.info.round, account.uordblks + account.hblkhd, sys.getallocatedblocks(), flush=True)


def look(process: subprocess.Popen, run: Path) -> tuple[int, int, int] | None:
    """Round, resident bytes and open files of a training now."""
    rounds = [event["round"] for event in journal.read(run / "journal.jsonl") if event["event"] == "round"]
    own = Path(f"/proc/{process.pid}")
    try:
        pages = int((own / "statm").read_text().split()[1])
        return (rounds[-1], 4096 * pages, len(list((own / "fd").iterdir()))) if rounds else None
    except OSError:  # it has ended
        return None


def watch(out: Path, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Train in a process of its own: what it told, and what was seen of it about twice a second."""
    seen, told = [], out.with_suffix(".told")
    with told.open("w") as stream:
        command = [sys.executable, "-m", "torture.long", f"--rounds={rounds}", f"--train={out}"]
        process = subprocess.Popen(command, stdout=stream)
        while process.poll() is None:
            time.sleep(0.5)
            if found := look(process, out):
                seen.append(found)
    if process.returncode:
        raise SystemExit(f"training ended with status {process.returncode}")
    return np.loadtxt(told), np.array(seen)


def late(table: np.ndarray, rounds: int) -> np.ndarray:
    """The second half, without what comes after the last round: plots and the animation."""
    return table[(table[:, 0] > rounds / 2) & (table[:, 0] < rounds)]


def slope(table: np.ndarray, column: int) -> float:
    """How much a column grows by a round."""
    return float(np.polyfit(table[:, 0], table[:, column], 1)[0])


def kept_files(run: Path) -> dict[str, int]:
    """How many files of each folder there are, and how many bytes the journal has."""
    folders = ("checkpoints", "samples", "generator")
    return {name: len(list((run / name).iterdir())) for name in folders} | {"journal": (run / "journal.jsonl").stat().st_size}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--train", type=Path, help="train here, unwatched")
    options = parser.parse_args()
    if options.train:
        train(options.train, options.rounds)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        told, seen = (late(table, options.rounds) for table in watch(Path(folder) / "run", options.rounds))
        kept = kept_files(Path(folder) / "run")
    in_use, blocks, resident = slope(told, 1), slope(told, 2), slope(seen, 1)
    more_files = seen[-1, 2] - seen[0, 2]
    middle, end = seen[[0, -1], 1] / 2**20
    print(
        f"{options.rounds} rounds: {middle:.1f} MiB resident in the middle, {end:.1f} at the end, {resident:.1f} bytes a round"
    )
    print(f"in use: {in_use:.2f} bytes and {blocks:.4f} blocks of Python's more a round")
    print(f"{seen[-1, 2]} open files, {more_files} more than in the middle; {kept}")
    grown = in_use > MOST_IN_USE or blocks > MOST_BLOCKS or resident > MOST_RESIDENT or more_files > MOST_FILES
    return int(grown or kept["checkpoints"] > 3)


if __name__ == "__main__":
    sys.exit(main())
