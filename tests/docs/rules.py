"""All that is done to the documents' code so that it runs in seconds, and what is not run at all, with the reason."""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from tiny import FEW_IMAGES, SETTINGS

ROUNDS = 3
"""The length of what names none."""

LENGTHS = ("--epochs", "--images", "--minutes", "--rounds")
MOST_ROUNDS = 20
"""A length of N, in whatever unit, becomes N rounds, but so many at most."""

SEEDS = {"train": "0-1", "reproduce": "0"}
"""Several seeds of a command become these."""

MINIATURES = {
    "cgan": FEW_IMAGES,
    "dcgan": SETTINGS["dcgan"],
    "flash": FEW_IMAGES,
    "paper": FEW_IMAGES,
    "photo": {"generator.width": "4", "discriminator.width": "4", "batch_size": "8"},
    "selfcond": FEW_IMAGES,
    "vanilla": FEW_IMAGES,
    "generator=resnet-generator": {"generator.width": "4", "discriminator.width": "4", "batch_size": "8"},
}
"""Settings for a training that has this word among its arguments."""

APPENDED = {
    "evaluate": ("--num", "1000", "--draws", "2"),
    "extractor train": ("--epochs", "1"),
}
"""Further arguments of commands; an option that is there already counts where it comes last."""

PYTHON = {
    "epochs=": "rounds=",
    "evaluate(run)": "evaluate(run, num=1000, draws=2)",
    "runs[3]": "runs[1]",
    'ImageFont.truetype("NanumGothic.ttf", 52)': "ImageFont.load_default(52)",
    'from_pretrained("user/name", revision="v2")': 'from_pretrained("runs/mine")',
}
"""Text of Python blocks, and what takes its place; recipes become miniatures as well."""

NOT_RUN = {
    "sparring bench": "it takes minutes; tests/system/test_bench.py times small recipes",
    "sparring bench vanilla dcgan": "the same",
    "sparring bench my_recipe.py --json": "the same",
    "sparring train dcgan --epochs 2 --device cuda:1": "there may be no second GPU",
    "sparring train vanilla --epochs 20 --seeds 0-15 --engine capture": "it needs CUDA; see tests/multiseed/test_joined.py",
    "sparring evaluate somebody.npz --against mnist --num 10000": "tests/system/test_evaluate.py does so, the README a folder",
    "sparring train vanilla --epochs 50 --tensorboard": "tests/runs/test_tensorboard.py does so where the package is there",
    "sparring export runs/mine --to hub --license cc-by-4.0 --out mine": "tests/exporters/test_hub_folder.py does so",
    "sparring export runs/mine --to hub --license cc-by-4.0 --push user/name": "the same, with a small hub on this machine",
    "sparring sample hf://user/name --num 64": "tests/api/test_hub.py does so, with a small hub on this machine",
    "sparring evaluate hf://user/name@v2 --against mnist": "the same",
    "sparring animate hf://user/name --latent": "the same",
    "sparring play": "it serves until Ctrl-C; tests/web does so",
    "sparring play runs --data-root pictures": "the same",
    "sparring reproduce dropout-mlp": "two other tutorials are reproduced",
    "sparring reproduce upsample": "a single round takes half a minute, and no setting can be changed",
}
"""Commands of which only the options are looked at, and why."""

OUTPUT = {
    r"metric +value +from +to ": "what `sparring evaluate` prints",
    r"digits\S*\.onnx  \(": "what `sparring export` prints",
    r"runs/\S+/$": "the files of a folder",
    r"z₀? ──►": "a drawing of a round's moves",
}
"""Blocks without a language: how they begin, and what they show."""

SHOWN = {"json": "lines of a journal"}
"""Languages that are read, but not run."""


def shortened(arguments: Sequence[str], place: str) -> list[str]:
    """The arguments of `sparring`, so that it takes seconds; a run that has no name gets that of the place.

    By default it would be named after the second, which two such short trainings may share.
    """
    words = list(arguments)
    if words[0] in ("train", "resume", "reproduce"):
        words = _few_seeds(_few_rounds(words))
    if words[0] == "train":
        words += _miniature(words)
        words += [] if "--out" in words else ["--out", f"runs/{place}"]
    for command, further in APPENDED.items():
        if words[: len(command.split())] == command.split():
            words += further
    return words


def shortened_python(code: str) -> str:
    """The same for a block of Python."""
    epochs = {f'"{name}", epochs=': f'"{name}", settings={settings}, epochs=' for name, settings in MINIATURES.items()}
    seeds = {f'"{name}", range(16), ': f'"{name}", range(2), settings={settings}, ' for name, settings in MINIATURES.items()}
    miniatures = epochs | seeds
    for text, shorter in (miniatures | PYTHON).items():
        code = code.replace(text, shorter)
    return code


def what_it_shows(code: str) -> str | None:
    """Why a block without a language is not run, if there is a reason."""
    return next((reason for start, reason in OUTPUT.items() if re.match(start, code, re.MULTILINE)), None)


def _few_rounds(words: list[str]) -> list[str]:
    for i, word in enumerate(words):
        if word in LENGTHS:
            return [*words[:i], "--rounds", str(min(ceil(float(words[i + 1])), MOST_ROUNDS)), *words[i + 2 :]]
    return [*words, "--rounds", str(ROUNDS)]


def _few_seeds(words: list[str]) -> list[str]:
    return [SEEDS[words[0]] if before == "--seeds" else word for before, word in pairwise(["", *words])]


def _miniature(words: list[str]) -> list[str]:
    """The settings of all miniatures that are meant; data of one's own have no MNIST to hold back."""
    if "--data" in words:
        return []
    found = {name: value for word, settings in MINIATURES.items() if word in words for name, value in settings.items()}
    return [part for name, value in found.items() for part in ("--set", f"{name}={value}")]
