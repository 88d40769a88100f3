"""Train `photo` on sets of pictures, draw contact sheets, and score: `benchmarks/photo.py [SET...]`, or `make bench-photo`.

Each run is what a user gets who types `sparring train photo --data FOLDER` with the settings shown; runs that are there
already (under --runs) are not trained again. A sheet has real training pictures beside generated ones. The scores of finished
runs go to photo.jsonl, one line for each run; they are taken anew each time.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import sparring
from sparring.bench import hardware
from sparring.config.rng import keyed_generator
from sparring.errors import InputError
from sparring.evaluation.score import number
from sparring.runs.result import Result, is_complete
from sparring.runs.run import Run
from sparring.storage.cache import cache_folder
from sparring.visual import grid

BEFORE = {
    "generator.doubling": "transposed",
    "generator.blur": "0",
    "augment": '{"name": "diff-augment"}',
    "penalties.0.gamma": "0.5",
    "lr": "2e-3",
    "condition": "null",
}
"""The recipe as it was before its settings followed the data."""

ROWS, COLUMNS, TITLE = 6, 8, 20  # of either half of a sheet; pixels above it


@dataclass(frozen=True)
class PhotoSet:
    """Pictures by their place among the development sets, and the settings that their owner would type."""

    name: str
    settings: Mapping[str, str]


SETS = {
    each.name: each
    for each in (
        PhotoSet("people", {}),
        PhotoSet("emoji3d", {}),
        PhotoSet("hangul", {"data.channels": "1"}),
        PhotoSet("units", {}),
        PhotoSet("animals", {}),
        PhotoSet("fashion-mnist", {}),
    )
}


@dataclass(frozen=True)
class Trial:
    """One training: a set, which settings of the recipe (`now` or `before`), a seed, and a number of rounds."""

    set: PhotoSet
    recipe: str
    seed: int
    rounds: int

    @property
    def name(self) -> str:
        return f"{self.set.name}-{self.recipe}-{self.rounds}-seed{self.seed}"

    @property
    def settings(self) -> dict[str, str]:
        return {**self.set.settings, **(BEFORE if self.recipe == "before" else {})}

    def run(self, runs: Path) -> Run:
        """The finished run in its folder; trained first, or to its end, where it is not."""
        path, data = runs / self.name, cache_folder() / "development" / self.set.name
        if not (path / "recipe.json").exists():
            return sparring.train(
                "photo", data=data, rounds=self.rounds, seed=self.seed, settings=self.settings, out=path, quiet=True
            )
        run = Run.open(path)
        return run if is_complete(run, run.recipe.length) else sparring.resume(path, quiet=True)


def sheet(trial: Trial, run: Run) -> Image.Image:
    """Real training pictures on the left, generated ones on the right, the same numbers of each, under a line that says so."""
    data = run.recipe.data.train()
    chosen = torch.randperm(len(data), generator=keyed_generator("cpu", 0, "real"))[: ROWS * COLUMNS]
    halves = [_tiles(data.batch(chosen)), _tiles(sparring.sample(run, num=ROWS * COLUMNS, seed=0))]
    titles = "real", f"generated, {trial.rounds:,} rounds, seed {trial.seed}"
    page = Image.new("RGB", (sum(half.width for half in halves) + TITLE, halves[0].height + TITLE), "white")
    draw, left = ImageDraw.Draw(page), 0
    for half, title in zip(halves, titles, strict=True):
        page.paste(half, (left, TITLE))
        draw.text((left + 4, 2), f"{trial.set.name}: {title}", fill="black", font=ImageFont.load_default(14))
        left += half.width + TITLE
    return page


def _tiles(images: Tensor) -> Image.Image:
    return grid(images, COLUMNS, fill=255, scale=max(1, 64 // images.shape[-1])).convert("RGB")


def line(trial: Trial, run: Run, num: int) -> dict[str, Any]:
    """What the record says of a run: what was trained, where and when, and its scores or why there are none."""
    result = Result.of(run)
    told = {
        "set": trial.set.name,
        "recipe": trial.recipe,
        "settings": trial.settings,
        "seed": trial.seed,
        "rounds": result.rounds,
        "num_images": run.num_images,
        "seconds": round(result.seconds, 1),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "sparring": sparring.__version__,
        "machine": hardware(torch.device("cpu")),
    }
    try:
        scores = sparring.evaluate(run, num=num, quiet=True).scores
    except InputError as error:
        return told | {"scores": [], "why": str(error)}
    return told | {"scores": [asdict(score) for score in scores if not score.metric.startswith("share_")]}


def record(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Write the lines to the record, in place of those of the same trials."""
    keys = ("set", "recipe", "seed", "rounds")
    lines = [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []
    kept = {tuple(each[key] for key in keys): each for each in (*lines, *found)}
    path.write_text("".join(f"{json.dumps(each)}\n" for each in kept.values()))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; by default all")
    parser.add_argument("--recipe", choices=("now", "before"), default="now", help="its settings now, or those of before")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--runs", type=Path, default=Path("runs/photo"), help="where the runs, sheets and the record go")
    parser.add_argument("--num", type=int, default=2000, help="samples to score; 0 for no scores")
    return parser.parse_args()


def main() -> None:
    asked = parsed()
    if unknown := set(asked.sets) - set(SETS):
        sys.exit(f"there is no set {', '.join(sorted(unknown))}; choose from {', '.join(SETS)}")
    for name in asked.sets or SETS:
        for seed in asked.seeds:
            trial = Trial(SETS[name], asked.recipe, seed, asked.rounds)
            run = trial.run(asked.runs)
            sheet(trial, run).save(asked.runs / f"{trial.name}.jpg", quality=85)
            found = line(trial, run, asked.num) if asked.num else None
            if found:
                record(asked.runs / "photo.jsonl", [found])
            scores = [
                f"{s['metric']} {number(s['value'])} (floor {number(s['floor'])})" for s in (found or {}).get("scores", ())
            ]
            print(f"{trial.name}: {', '.join(scores) or (found or {}).get('why', 'not scored')}", flush=True)


if __name__ == "__main__":
    main()
