"""Kill a training, resume it, and compare with the run that nobody disturbed.

As a program: every boundary of every write once, and random kills over the recipes; options choose how many.
Each training is a process of its own, forked from one that has PyTorch and the data already, and dies by a real SIGKILL.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import sparring
from sparring.runs import checkpoint
from sparring.runs.run import Run
from sparring.storage import files
from tiny import TUTORIALS

ROUNDS = 25  # 11 an epoch; the last checkpoint by rhythm is after 21
RHYTHM = {"checkpoint": '{"rounds": 7}', "review": '{"epochs": 1}', "journal": '{"rounds": 4}'}
WATCHED = ("write", "fsync", "replace", "ftruncate", "remove")


class Faults:
    """Stands before the module `os` in `sparring.storage.files`, counts its calls, and does something at one of them.

    `at` counts boundaries: one before every call, and one in the middle of every write, when half of it is done.
    """

    def __init__(self, at: int, strike: Callable[[], Any]):
        self._at, self._strike, self.passed = at, strike, 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name == "write":
            return lambda file, data: self._write(file, data)
        return (lambda *args: self._call(real, args)) if name in WATCHED else real

    def _call(self, real: Callable, args: tuple) -> Any:
        self._boundary()
        return real(*args)

    def _write(self, file: int, data: memoryview) -> int:
        self._boundary()
        done = os.write(file, data[: len(data) // 2])
        self._boundary()
        return done + os.write(file, data[done:])

    def _boundary(self) -> None:
        self.passed += 1
        if self.passed == self._at:
            self._strike()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fork(work: Callable[[], Any]) -> int:
    """Do this in a process of its own, silently; its number."""
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        work()
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def wait(number: int) -> int:
    """How a process ended: its status, or below 0 the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def train(recipe: str, out: Path) -> Run:
    return sparring.train(recipe, rounds=ROUNDS, out=out, seed=3, settings=TUTORIALS[recipe] | RHYTHM, quiet=True)


def train_or_resume(recipe: str, out: Path) -> Run:
    """What a person does after a kill: resume, or train where it had not come to a run."""
    return sparring.resume(out, quiet=True) if (out / "recipe.json").exists() else train(recipe, out)


def boundaries(recipe: str, out: Path) -> int:
    """How many boundaries a whole training has; the run is left in `out`, as the one that nobody disturbed."""
    counted = files.os = Faults(0, die)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        train(recipe, out)
    finally:
        files.os = os
    return counted.passed


def train_with_fault(recipe: str, out: Path, at: int, strike: Callable[[], Any] = die) -> None:
    files.os = Faults(at, strike)  # pyright: ignore[reportAttributeAccessIssue]
    train_or_resume(recipe, out)


def events(run: Run) -> list[dict[str, Any]]:
    """The journal without wall-clock time and without what says that the run was resumed."""
    return [{k: v for k, v in e.items() if k not in ("seconds", "time")} for e in run.journal() if e["event"] != "resume"]


def state(path: Path) -> dict[str, Any]:
    """A checkpoint without wall-clock time; where its journal ended depends on how long the times are written."""
    saved = checkpoint.read(path)
    info = (saved.info.round, saved.info.images, saved.info.epoch)
    return {"moment": info, "clocks": saved.clocks} | {n: t.numpy().tobytes() for n, t in saved.tensors.items()}


def contents(run: Run) -> Iterator[tuple[str, Any]]:
    """Everything that a run holds, file by file, but for wall-clock time."""
    yield "journal", events(run)
    yield "damage", list(run.damage())
    for path in sorted(run.path.rglob("*")):
        name = path.relative_to(run.path).as_posix()
        if path.is_dir() or name in ("journal.jsonl", "journal.crc32", "SHA256SUMS", ".lock", ".scores.lock", ".orders.lock"):
            continue
        if name == "recipe.json":
            yield name, json.loads(path.read_text())
        elif path.parent.name == "checkpoints":
            yield name, state(path)
        elif name not in ("generator/README.md", "generator/SHA256SUMS"):  # the model card tells the seconds
            yield name, path.read_bytes()


def differences(whole: Run, other: Run) -> list[str]:
    """What is not the same in two runs."""
    expected, found = dict(contents(whole)), dict(contents(other))
    return [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]


@dataclass
class Arena:
    """Where kills are tried: one undisturbed run a recipe, and how many boundaries it has."""

    root: Path
    boundaries: dict[str, int]

    @classmethod
    def prepare(cls, root: Path, recipes: list[str]) -> "Arena":
        return cls(root, {recipe: boundaries(recipe, root / recipe) for recipe in recipes})

    def kill_at(self, recipe: str, *boundaries_: int) -> list[str]:
        """Killed at these boundaries of training, resume, resume ...; then resumed: what differs."""
        out = self.root / "killed"
        shutil.rmtree(out, ignore_errors=True)
        for at in boundaries_:
            ended = wait(fork(lambda at=at: train_with_fault(recipe, out, at)))
            if ended not in (0, -signal.SIGKILL):
                return [f"exit status {ended} of a training to be killed at {at}"]
        return self._resumed(recipe, out)

    def kill_after(self, recipe: str, seconds: float) -> list[str]:
        """Killed when so much time has gone by, wherever that is; then resumed: what differs."""
        out = self.root / "killed"
        shutil.rmtree(out, ignore_errors=True)
        number = fork(lambda: train(recipe, out))
        time.sleep(seconds)
        os.kill(number, signal.SIGKILL)
        wait(number)
        return self._resumed(recipe, out)

    def _resumed(self, recipe: str, out: Path) -> list[str]:
        if wait(fork(lambda: train_or_resume(recipe, out))) != 0:
            return ["it could not be resumed"]
        return differences(Run.open(self.root / recipe), Run.open(out))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="of so many boundaries try one")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipes", nargs="+", default=list(TUTORIALS), choices=list(TUTORIALS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng, failures, tried = random.Random(options.seed), [], {"boundaries": 0, "random kills": 0, "kills of a resume": 0}
    with tempfile.TemporaryDirectory() as root:
        arena = Arena.prepare(Path(root), options.recipes)
        first = options.recipes[0]

        def note(kind: str, what: str, found: list[str]) -> None:
            tried[kind] += 1
            failures.extend(f"{what}: {', '.join(found)} differ" for _ in found[:1])
            if found or sum(tried.values()) % 50 == 0:
                print(f"{tried}, {len(failures)} failed", *failures[-1:], flush=True)

        for at in range(1, arena.boundaries[first] + 1, options.every):
            note("boundaries", f"{first}, boundary {at}", arena.kill_at(first, at))
        for recipe in itertools.islice(itertools.cycle(options.recipes), options.kills):
            began = time.perf_counter()
            wait(fork(lambda recipe=recipe: train(recipe, Path(root) / "timed")))
            shutil.rmtree(Path(root) / "timed")
            seconds = rng.uniform(0, time.perf_counter() - began)
            note("random kills", f"{recipe}, after {seconds:.3f} s", arena.kill_after(recipe, seconds))
        for recipe in options.recipes:
            ats = [rng.randint(1, arena.boundaries[recipe]) for _ in range(4)]
            note("kills of a resume", f"{recipe}, boundaries {ats}", arena.kill_at(recipe, *ats))
    print(*failures, f"in all: {tried}, {len(failures)} failed", sep="\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
