"""Sparring beside TensorFlow, Keras, JAX and plain PyTorch on the same mathematics, in turns, on this machine.

    python benchmarks/race.py [--recipes vanilla dcgan] [--repeats 7] [--threads 1] [--cpu] [--json FILE] [--markdown FILE]
    python benchmarks/race.py --check

Each entrant is a process of its own (see `peers/`), alive all through its recipe and asleep while others play. A turn is some
rounds; the order of turns is drawn anew for every repeat. Control-C keeps the turns that all entrants have had, and the same
command with the same --json goes on with the recipes that are missing. With --check nothing is timed: the losses of all
entrants after the same number of rounds are laid beside those of Sparring.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import report
from kept import Kept
from lineup import CHECKED, ENTRANTS, OURS, REPEATS, ROUNDS, SECONDS, entrants
from player import Player
from progress import Progress
from report import Result

WRITE_IMAGES = (
    "import sys, numpy; from sparring.data import Mnist; numpy.save(sys.argv[1], Mnist().train().images[:, 0].numpy())"
)


@dataclass(frozen=True)
class Course:
    """What the entrants of every recipe have in common. `threads`: None is each framework's default. `clock`: "seconds", or
    "cpu" for those of the processor."""

    images: Path
    only: Sequence[str]
    threads: int | None = None
    clock: str = "seconds"


@contextmanager
def started(recipe: str, course: Course, seed: int = 0) -> Iterator[list[Player]]:
    """The entrants of a recipe, each with its first round played; they end with the block.

    RuntimeError unless all have as many parameters as Sparring.
    """
    players: list[Player] = []
    try:
        for name, entrant in entrants(recipe, course.only).items():
            entrant.read_once()
            players.append(Player.start(name, entrant, recipe, course.images, seed, course.threads))
        ours = next(player.parameters for player in players if player.name == "sparring")
        for player in players:
            if player.entrant.plays and player.parameters != ours:
                raise RuntimeError(f"{player.name} trains {player.parameters} numbers of {recipe}, Sparring {ours}")
        yield players
    finally:
        for player in players:
            player.finish()


def race(recipe: str, course: Course, repeats: int, progress: Progress) -> list[Result]:
    """Time the entrants of a recipe, after one turn each to warm up; after Control-C, the turns that all have had."""
    rounds = ROUNDS[recipe]
    progress.begin(recipe)
    with started(recipe, course) as players:
        results = [Result(recipe, player.name, player.seconds_to_first_round, player.software) for player in players]
        turns = len(players) * (repeats + 1)
        with suppress(KeyboardInterrupt):
            for repeat in range(repeats + 1):
                answers = {}
                for num, player in enumerate(random.sample(players, len(players)), repeat * len(players)):
                    progress.turn(player.name, num, turns)
                    answers[player.name] = player.play(rounds)
                if repeat:
                    for result in results:
                        result.add(answers[result.entrant], rounds, course.clock)
    for player, result in zip(players, results, strict=True):
        result.peak_mib = player.peak_mib
    progress.clear()
    return results


def check(recipe: str, course: Course) -> bool:
    """Print everyone's mean losses over the recipe's checked rounds and seeds; whether all lie near Sparring's."""
    checked = CHECKED[recipe]
    sums: dict[str, list[dict[str, float]]] = {}
    for seed in range(checked.seeds):
        with started(recipe, course, seed) as players:
            for player in (player for player in players if player.entrant.plays):
                player.play(checked.skipped - 1)
                sums.setdefault(player.name, []).extend(player.play(1) for _ in range(checked.averaged))
    means = {name: {loss: fmean(answer[loss] for answer in sums[name]) for loss in ("g_loss", "d_loss")} for name in sums}
    ours, near = means["sparring"], True
    print(f"{recipe}: {checked}")
    for name, losses in means.items():
        far = max(abs(losses[loss] / ours[loss] - 1) for loss in ours)
        near = near and far <= checked.tolerance
        print(f"{name:<22} g_loss {losses['g_loss']:.3f}  d_loss {losses['d_loss']:.3f}  apart {far:.1%}", flush=True)
    return near


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=list(ROUNDS), choices=list(ROUNDS))
    parser.add_argument("--entrants", nargs="+", default=[], choices=list(ENTRANTS), help="these and Sparring; default: all")
    parser.add_argument("--repeats", type=int, help="turns of each entrant that count; default: 7, of upsample 3")
    parser.add_argument("--threads", type=int, help="of every entrant; default: each framework's own, one a core")
    parser.add_argument("--cpu", action="store_true", help="time the processor, of all threads, for a machine that is busy")
    parser.add_argument("--json", type=Path, help="write every turn's time to this file, and measure nothing that it has")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--check", action="store_true", help="compare losses in place of times; status 1 where they differ")
    args = parser.parse_args()
    for name in ("repeats", "threads"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f"--{name} is {getattr(args, name)}; it must be at least 1")
    try:
        kept = Kept.open(args.json, args.markdown, report.machine(args.threads, args.cpu))
    except ValueError as error:
        parser.error(str(error))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="sparring-") as folder:
            course = Course(Path(folder) / "mnist.npy", playable(args.entrants), args.threads, "cpu" if args.cpu else "seconds")
            subprocess.run([OURS, "-c", WRITE_IMAGES, course.images], check=True)
            if args.check:
                near = [check(recipe, course) for recipe in args.recipes if recipe in CHECKED]
                raise SystemExit(not all(near))
            race_all({recipe: args.repeats or REPEATS[recipe] for recipe in args.recipes}, course, kept)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def playable(names: Sequence[str]) -> list[str]:
    """These entrants, or all, without those for which this processor has no instructions; says so of one that is left out."""
    from sparring.config.devices import bf16_instructions  # here, since it imports PyTorch

    chosen = list(names or ENTRANTS)
    if "sparring-bf16" in chosen and not bf16_instructions():
        chosen.remove("sparring-bf16")
        print("sparring-bf16 is left out: this processor has no instructions for bfloat16", file=sys.stderr)
    return chosen


def race_all(repeats: Mapping[str, int], course: Course, kept: Kept) -> None:
    """Race every recipe that is not kept already, print its table, and keep it. KeyboardInterrupt where it was interrupted."""
    missing = {
        recipe: turns for recipe, turns in repeats.items() if not kept.has(recipe, list(entrants(recipe, course.only)), turns)
    }
    if done := ", ".join(recipe for recipe in repeats if recipe not in missing):
        print(f"in {kept.file} already, and not measured again: {done}", file=sys.stderr)
        kept.write()
    progress = Progress({recipe: SECONDS[recipe] * (turns + 1) for recipe, turns in missing.items()})
    for recipe, turns in missing.items():
        results = race(recipe, course, turns, progress)
        if results[0].ms:
            print(report.text(results), flush=True)
            kept.add(results)
        if len(results[0].ms) < turns:
            raise KeyboardInterrupt


if __name__ == "__main__":
    main()
