"""Sparring beside TensorFlow, Keras, JAX and plain PyTorch on the same mathematics, in turns, on this machine.

    python benchmarks/race.py [--recipes vanilla dcgan] [--repeats 7] [--json FILE] [--markdown FILE]
    python benchmarks/race.py --check

Each entrant is a process of its own (see `peers/`), alive all through its recipe and asleep while others play. A turn is some
rounds; the order of turns is drawn anew for every repeat. With --check nothing is timed: the losses of all entrants after the
same number of rounds are laid beside those of Sparring.
"""

import argparse
import random
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

import report
from lineup import CHECKED, ENTRANTS, OURS, ROUNDS, entrants
from player import Player
from report import Result

WRITE_IMAGES = (
    "import sys, numpy; from sparring.data import Mnist; numpy.save(sys.argv[1], Mnist().train().images[:, 0].numpy())"
)


@contextmanager
def started(recipe: str, only: Sequence[str], images: Path, seed: int = 0) -> Iterator[list[Player]]:
    """The entrants of a recipe, each with its first round played; they end with the block.

    RuntimeError unless all have as many parameters as Sparring.
    """
    players: list[Player] = []
    try:
        for name, entrant in entrants(recipe, only).items():
            entrant.read_once()
            players.append(Player.start(name, entrant, recipe, images, seed))
        ours = next(player.parameters for player in players if player.name == "sparring")
        for player in players:
            if player.entrant.plays and player.parameters != ours:
                raise RuntimeError(f"{player.name} trains {player.parameters} numbers of {recipe}, Sparring {ours}")
        yield players
    finally:
        for player in players:
            player.finish()


def race(recipe: str, only: Sequence[str], images: Path, repeats: int) -> list[Result]:
    """Time the entrants of a recipe, after one turn each to warm up."""
    rounds = ROUNDS[recipe]
    with started(recipe, only, images) as players:
        results = [Result(recipe, player.name, player.seconds_to_first_round) for player in players]
        for repeat in range(repeats + 1):
            for player, result in random.sample(list(zip(players, results, strict=True)), len(players)):
                answer = player.play(rounds)
                if repeat:
                    result.ms.append(1000 * answer["seconds"] / rounds)
                    result.elsewhere.append(answer["elsewhere"] / answer["seconds"])
    for player, result in zip(players, results, strict=True):
        result.peak_mib = player.peak_mib
    return results


def check(recipe: str, only: Sequence[str], images: Path) -> bool:
    """Print everyone's mean losses over the recipe's checked rounds and seeds; whether all lie near Sparring's."""
    checked = CHECKED[recipe]
    sums: dict[str, list[dict[str, float]]] = {}
    for seed in range(checked.seeds):
        with started(recipe, only, images, seed) as players:
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
    parser.add_argument("--repeats", type=int, default=7, help="turns of each entrant that count")
    parser.add_argument("--json", type=Path, help="write every turn's time to this file")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    parser.add_argument("--check", action="store_true", help="compare losses in place of times; status 1 where they differ")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sparring-") as folder:
        images = Path(folder) / "mnist.npy"
        subprocess.run([OURS, "-c", WRITE_IMAGES, images], check=True)
        if args.check:
            near = [check(recipe, args.entrants, images) for recipe in args.recipes]
            raise SystemExit(not all(near))
        results: list[Result] = []
        for recipe in args.recipes:
            latest = race(recipe, args.entrants, images, args.repeats)
            print(report.text(latest), flush=True)
            results += latest
            if args.json:
                args.json.write_text(report.as_json(results))
            if args.markdown:
                args.markdown.write_text(report.markdown(results))


if __name__ == "__main__":
    main()
