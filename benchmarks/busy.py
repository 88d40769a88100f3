"""The speed of a training beside other programs: alone, beside a program that keeps a core busy, beside a second training.

    python benchmarks/busy.py [--recipes flash,vanilla] [--seconds 6] [--repeats 3] [--spin 1000,300000]

Each figure is from `sparring train` in a process of its own, by the times in its journal. Conditions and numbers of threads
take turns in a new random order each time; a figure is the median of the turns, in ms a round. `chosen` is Sparring's own
choice. Of two trainings the first has a few seconds to itself; its figure is of the time when the other one trains.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

CONDITIONS = ("alone", "busy core", "second training")
WARM_UP = 1.0  # seconds of training that are not counted: Sparring looks at the cores after one second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default="flash,vanilla,paper,cgan,dcgan")
    parser.add_argument("--threads", default="1,2,chosen")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a training")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--conditions", default=",".join(CONDITIONS))
    parser.add_argument("--spin", default="", help="values of $GOMP_SPINCOUNT in place of Sparring's own")
    args = parser.parse_args()
    numbers = args.threads.split(",")
    for recipe in args.recipes.split(","):
        times: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        turns = [(c, n, s) for c in args.conditions.split(",") for n in numbers for s in args.spin.split(",")]
        for _ in range(args.repeats):
            for turn in random.sample(turns, len(turns)):
                for condition, ms in measure(recipe, *turn, seconds=args.seconds):
                    times[condition, *turn[1:]].append(ms)
        for (condition, threads, spin), found in sorted(times.items()):
            label = f"{recipe:<10} {condition:<16} threads {threads:<7}" + (f" spin {spin}" if spin else "")
            print(f"{label} {median(found):8.2f} ms a round ({min(found):.2f} to {max(found):.2f})", flush=True)


def measure(recipe: str, condition: str, threads: str, spin: str, seconds: float) -> Iterator[tuple[str, float]]:
    """Milliseconds a round of a training under this condition, and of the one beside it."""
    with tempfile.TemporaryDirectory() as folder, beside(condition, recipe, threads, spin, seconds, Path(folder)):
        start(recipe, threads, spin, seconds, Path(folder) / "run").wait()
        yield condition, ms_per_round(Path(folder) / "run", WARM_UP)
        if condition == "second training":
            yield "first training", ms_per_round(Path(folder) / "other", WARM_UP - seconds)


@contextmanager
def beside(condition: str, recipe: str, threads: str, spin: str, seconds: float, folder: Path):
    """Within the block another program runs, if the condition says so; it began some seconds before."""
    if condition == "alone":
        yield
        return
    if condition == "busy core":
        other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    else:
        other = start(recipe, threads, spin, 60 + 10 * seconds, folder / "other")
        while not (folder / "other" / "journal.jsonl").exists():
            time.sleep(0.1)
    time.sleep(2)
    try:
        yield
    finally:
        other.kill()
        other.wait()


def start(recipe: str, threads: str, spin: str, seconds: float, run: Path) -> subprocess.Popen:
    """A training without pictures and scores."""
    environment = os.environ | ({"GOMP_SPINCOUNT": spin} if spin else {})
    environment.pop("OMP_NUM_THREADS", None)
    journal = 1 if recipe == "dcgan" else 10  # the numbers of a round always take the run's own threads
    settings = ("pictures=[]", "review=null", "ramps=[]", f'journal={{"rounds": {journal}}}', 'checkpoint={"rounds": 1000000}')
    command = [sys.executable, "-m", "sparring", "train", recipe, "--quiet", "--minutes", str(seconds / 60), "--out", str(run)]
    command += [word for setting in settings for word in ("--set", setting)]
    command += [] if threads == "chosen" else ["--threads", threads]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def ms_per_round(run: Path, since: float) -> float:
    """The time of a round by the journal, since so many seconds; a negative number counts from its end."""
    rounds = []
    for line in (run / "journal.jsonl").read_text().splitlines():
        with suppress(ValueError):
            event = json.loads(line)
            if event["event"] == "round":
                rounds.append((event["round"], event["seconds"]))
    counted = [each for each in rounds if each[1] >= (since if since >= 0 else rounds[-1][1] + since)]
    (first, began), (last, ended) = counted[0], counted[-1]
    return 1000 * (ended - began) / (last - first)


if __name__ == "__main__":
    main()
