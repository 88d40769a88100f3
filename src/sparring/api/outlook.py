"""What to expect of a training on some data, said before it begins: `sparring data check --for RECIPE`."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from sparring.api.dry_run import dry_run
from sparring.augment.auto import MANY
from sparring.data.folder.image_files import Shape
from sparring.data.folder.picture_folder import PictureFolder
from sparring.recipe import Recipe
from sparring.runs.pace import about

MANY_EPOCHS = 300
OBLONG = 1.5  # longer side through shorter side
COPIES = 0.01  # share of the training images
UNEVEN = 10  # images of the largest class for one of the smallest


def outlook(recipe: Recipe, report: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe, its data in place, will do with them; two seconds of its rounds are timed. `report`: of `data.check`.

    Returns the recipe's name, rounds, epochs, milliseconds a round, seconds to expect, whether it is few-shot, and `remarks`,
    sentences on what is likely to go wrong. Raises InputError where the recipe cannot be trained on these data.
    """
    found = dry_run(recipe, quiet=True)
    taken = ("recipe", "device", "rounds", "epochs", "ms_per_round", "seconds_to_expect")
    few = report["train"] < MANY
    return {name: found[name] for name in taken} | {
        "few_shot": few,
        "remarks": [*_remarks(recipe, report, found["epochs"] if few else 0.0)],
    }


def lines(found: Mapping[str, Any], num_train: int) -> Iterator[tuple[str, str]]:
    """An `outlook` in words: labels and texts."""
    yield "length", f"{found['rounds']:,} rounds: each of the {num_train:,} pictures is shown {found['epochs']:,.1f} times"
    yield "time to expect", f"{about(found['seconds_to_expect'])} on {found['device']}, {found['ms_per_round']:.0f} ms a round"
    yield "few-shot", f"yes, fewer than {MANY:,} pictures" if found["few_shot"] else "no"
    for remark in found["remarks"]:
        yield "likely trouble", remark


def command(recipe: str, place: str, settings: Mapping[str, str]) -> str:
    """The command that trains on the data as they were checked."""
    words = ["sparring", "train", recipe, "--data", place]
    return shlex.join([*words, *(word for name, value in settings.items() for word in ("--set", f"{name}={value}"))])


def _remarks(recipe: Recipe, report: Mapping[str, Any], few_shot_epochs: float) -> Iterator[str]:
    if few_shot_epochs and recipe.augment is None:
        yield "without augmentation so few pictures are learnt by heart; --set augment=auto"
    if few_shot_epochs > MANY_EPOCHS:
        yield "so few pictures, shown so often, may be copied; `sparring evaluate` tells memorisation"
    if report["duplicates"] > COPIES * report["train"]:
        yield f"{report['duplicates']:,} pictures are copies of others, and will be drawn more often; remove them"
    counts = list(report.get("per_class", {}).values()) if recipe.condition is not None else []
    if counts and max(counts) > UNEVEN * min(counts):
        yield f"the largest class has {max(counts):,} pictures and the smallest {min(counts):,}; the small ones suffer"
    if isinstance(recipe.data, PictureFolder):
        yield from _of_sizes(report, recipe.data)
        if recipe.data.channels == 3 and report["stored_grey"] == report["pictures"]:
            yield "all pictures are grey; --set data.channels=1 needs less time"


def _of_sizes(report: Mapping[str, Any], data: PictureFolder) -> Iterator[str]:
    """On pictures that are enlarged or cropped; the report has the numbers of pictures of the most common sizes alone."""
    _, height, width = (int(side) for side in report["shape"].split(" x "))
    sides = [(*(int(side) for side in size.split(" x ")), num) for size, num in report["sizes"].items()]
    shape = Shape((height, width), data.fit)
    small = sum(num for w, h, num in sides if shape.exceeds(h, w))
    oblong = sum(num for w, h, num in sides if max(w * height, h * width) > OBLONG * min(w * height, h * width))
    at_least = "at least " if report["other_sizes"] else ""
    if small:
        yield f"{at_least}{small:,} pictures are smaller than {width} x {height}, and blurred; choose a smaller data.size"
    if oblong and data.fit == "crop":
        yield f"{at_least}{oblong:,} pictures lose their ends, being oblong; see `sparring data show`, or set data.fit=pad"
