"""The kinds of runs that a version saves."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass

STRUCK = 28  # the round in which a run is stopped or killed

PLAIN = {"journal": '{"rounds": 1}', "review": "null", "pictures": "[]", "keep_checkpoints": "1"}
REVIEWED = {"review": '{"rounds": 12}'}
GRID = {"pictures": '[{"name": "fixed-grid", "rows": 2, "columns": 2, "every": {"rounds": 8}}]'}

DIGITS = PLAIN | {"data.held_back": "59600", "batch_size": "50", "optim.lr": "0.01"}
PERCEPTRONS = DIGITS | {"z.num": "8", "generator.widths": "[2]", "discriminator.widths": "[2]"}
CONVOLUTIONS = DIGITS | {"z.num": "4", "generator.width": "2", "discriminator.width": "2"}
POINTS = PLAIN | {
    "data.num": "1000",
    "z.components": "8",
    "generator.widths": "[8, 8]",
    "discriminator.widths": "[8, 8]",
    "batch_size": "64",
    "optim.lr": "0.01",
    "ramps": '[{"of": "gamma", "end": 0.1, "images": 5000}, {"of": "beta2", "start": 0.9, "end": 0.99, "images": 5000}]',
}
PICTURES = PLAIN | {
    "generator": '{"name": "mlp-generator", "widths": [8], "activation": "leaky-relu"}',
    "discriminator": '{"name": "mlp-discriminator", "widths": [8], "activation": "leaky-relu"}',
    "batch_size": "6",
    "journal": '{"rounds": 30}',
    "data": '{"name": "picture-folder", "path": "pictures"}',
    "optim.lr": "0.01",
    "d_optim.lr": "0.01",
    "ramps": "[]",
}


@dataclass(frozen=True)
class Kind:
    """A run: its settings, its length, what strikes it on the way, and how it is resumed.

    `folders` are made beside it, each with ten folders of pictures; `stray` is a file where none is expected.
    """

    recipe: str
    settings: Mapping[str, str]
    length: int  # rounds
    resume: tuple[str, ...] = ()
    struck_by: signal.Signals | None = None
    evaluated: bool = False
    seeds: str | None = None
    folders: tuple[str, ...] = ()
    stray: str | None = None


KINDS = {
    "finished": Kind("vanilla", PERCEPTRONS | REVIEWED | GRID, 24, ("--rounds=32",), evaluated=True),
    "killed": Kind(  # its second score is younger than its checkpoint
        "dcgan",
        CONVOLUTIONS | REVIEWED | {"checkpoint": '{"rounds": 20}'},
        1_000_000,
        ("--rounds=34",),
        struck_by=signal.SIGKILL,
    ),
    "averaged": Kind(
        "paper",
        PERCEPTRONS
        | GRID
        | {
            "data.held_back": "59900",  # so few that D overfits
            "average": '{"halflife_images": 500}',
            "augment": '{"name": "adaptive", "every": 2, "target": 0.01, "images_to_full": 1500}',
        },
        24,
        ("--rounds=32",),
    ),
    "stopped": Kind(
        "dcgan",
        CONVOLUTIONS
        | {
            "d_optim": '{"lr": 0.005, "beta1": 0.5}',
            "ramps": '[{"of": "lr", "end": 0.1, "shape": "linear"},'
            ' {"of": "beta2", "start": 0.9, "end": 0.99, "images": 3000}]',
            "packing": "2",
            "average": '{"halflife_images": 500, "rampup": 0}',
        },
        40,
        struck_by=signal.SIGINT,
    ),
    "modern": Kind(
        "dcgan",
        {name: value for name, value in CONVOLUTIONS.items() if name != "z.num"}
        | {
            "loss": "relativistic-pairing",
            "penalties": '[{"name": "r1", "every": 2}, "gradient-penalty", "le-cam"]',
            "z": '{"name": "code", "normal": 4, "classes": 10, "continuous": 1}',
            "condition": "info",
            "constraint": "spectral-norm",
        },
        24,
        ("--rounds=32",),
    ),
    "ring": Kind("ring", POINTS | REVIEWED | GRID, 24, ("--rounds=32",), evaluated=True),
    "rolled-back": Kind(
        "ring",
        POINTS
        | {
            "optim.lr": "1e16",  # until the first roll-back
            "d_optim.lr": "1e16",
            "non_finite": '{"name": "roll-back", "lr_factor": 1e-18}',
            "checkpoint": '{"rounds": 8}',
        },
        24,
        ("--rounds=32",),
    ),
    "own-part": Kind("hinge.py", POINTS | REVIEWED, 24, ("--rounds=32",), evaluated=True),
    "population": Kind("ring", POINTS | REVIEWED, 24, ("--rounds=32",), seeds="0-2"),
    "classes": Kind(
        "cgan", PICTURES | {"z.normal": "2"}, 300, ("--rounds=312",), folders=("pictures",), stray="pictures/notes.txt"
    ),
    "halves": Kind(
        "cgan",
        PICTURES | {"z.normal": "2"},
        300,
        ("--rounds=312",),
        folders=("pictures/train", "pictures/test"),
        stray="pictures/cover.png",
    ),
    "stray": Kind(
        "flash", PICTURES | {"z.num": "2"}, 100, ("--rounds=112",), folders=("pictures",), stray="pictures/cover.png"
    ),
}
"""In "classes" the stray file is no picture, in "halves" one beside train and test, in "stray" one beside the class folders,
which is why the last has no classes."""
