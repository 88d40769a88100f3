"""The recipes in miniature: the same rounds, parts and quirks, on few examples with narrow networks."""

import json
from pathlib import Path

import torch
from PIL import Image

from sparring import recipes
from sparring.api.resolve import resolve
from sparring.recipe import Recipe

FEW_IMAGES = {"data.held_back": "59000"}
FEW_POINTS = {"data.num": "4000", "batch_size": "64", "length": '{"rounds": 40}'}
MLP = FEW_IMAGES | {"generator.widths": "[16]", "discriminator.widths": "[16]", "batch_size": "96"}
DEEP_MLP = MLP | {"generator.widths": "[16, 16]", "discriminator.widths": "[16, 16]"}
CONVOLUTIONAL = FEW_IMAGES | {"generator.width": "4", "discriminator.width": "4", "batch_size": "96"}

TUTORIALS = {
    "vanilla": MLP,
    "upsample": CONVOLUTIONAL | {"generator.hidden": "8", "discriminator.hidden": "8"},
    "dropout-mlp": DEEP_MLP,
    "dcgan": CONVOLUTIONAL,
    "paper": MLP,
}

FLASH = FEW_IMAGES | {"generator.width": "8", "discriminator.width": "4", "length": '{"rounds": 40}'}
MAPPED = FLASH | {"generator.mapping": "[16, 8]"}
RESIDUAL = FLASH | {"batch_size": "16"}
RAMPS_OF_R3 = {f"ramps.{i}.images": "2000" for i in range(3)}
TOY_MLP = FEW_POINTS | {"generator.widths": "[16, 16]", "discriminator.widths": "[16, 16]"}
MIXTURE = TOY_MLP | {"z.components": "8"} | {f"ramps.{i}.images": "2000" for i in (1, 2)}

SETTINGS = TUTORIALS | {
    "cgan": MAPPED,
    "flash": MAPPED,
    "gaussian": TOY_MLP | {"ramps.1.images": "2000"},
    "grid": MIXTURE,
    "infogan": FLASH,
    "lsgan": MAPPED,
    "pacgan": MAPPED,
    "photo": {
        "generator.width": "4",
        "discriminator.width": "4",
        "batch_size": "8",
        "length": '{"rounds": 40}',
        "augment": "diff-augment",
    },
    "photo-gpu": {
        "data.size": "32",
        "generator.width": "8",
        "discriminator.width": "8",
        "batch_size": "8",
        "length": '{"rounds": 40}',
        "augment": "diff-augment",
    }
    | RAMPS_OF_R3,
    "quick": CONVOLUTIONAL | {"batch_size": "32"},
    "r3": RESIDUAL | {"generator.width": "8", "discriminator.width": "8"} | RAMPS_OF_R3,
    "ring": MIXTURE,
    "selfcond": MAPPED | {"condition.clusters": "8", "condition.components": "8"},
    "selfcond-grid": MIXTURE | {"condition.clusters": "8", "ramps.0.images": "2000"},
    "sngan": RESIDUAL | {"generator.width": "4"},
    "stacked": MAPPED | {"data.num": "1000"},
    "wgan-gp": MAPPED,
}
"""Every registered recipe; a test holds the two lists together."""
del SETTINGS["stacked"]["data.held_back"]

MODERN = MLP | {
    "loss": "relativistic-pairing",
    "penalties": '[{"name": "r1", "every": 2}, "gradient-penalty", "le-cam"]',
    "z": '{"name": "code", "normal": 8, "classes": 10, "continuous": 1}',
    "condition": "info",
    "constraint": "spectral-norm",
    "d_optim": '{"lr": 0.001}',
    "ramps": '[{"of": "lr", "images": 2500}, {"of": "gamma", "end": 0.1, "images": 900},'
    ' {"of": "beta2", "start": 0.9, "end": 0.99, "images": 2000}]',
    "average": '{"halflife_images": 500}',
    "augment": '{"name": "adaptive", "augment": "diff-augment", "every": 2, "images_to_full": 1000}',
}
"""What the recipe `paper` becomes with a part of every later kind."""


DIGITS = [[digit // 5, digit % 5] for digit in range(10)]
"""Two attributes of a digit: five or more, and the rest."""
VARIANTS = {
    "photo-adaptive": ("photo", {"augment": "adaptive", "augment.every": "1"}),
    "flash-skip": ("flash", {"non_finite": "skip"}),
    "flash-dragan": ("flash", {"penalties": '["dragan"]'}),
    "flash-differences": ("flash", {"penalties": '["r1-fd", {"name": "r2-fd", "every": 2}]'}),
    "dcgan-differences": ("dcgan", {"penalties": '["r1-fd"]'}),
    "flash-lecam": ("flash", {"penalties": '["le-cam"]'}),
    "flash-clipping": ("flash", {"constraint": "weight-clipping", "loss": "wasserstein", "penalties": "[]"}),
    "cgan-acgan": ("cgan", {"condition": "auxiliary-classifier"}),
    "cgan-attributes": ("cgan", {"z": json.dumps({"name": "attribute-code", "normal": 8, "classes": 10, "values": DIGITS})}),
    "flash-noise": ("flash", {"augment": "instance-noise"}),
    "photo-fastgan": (
        "photo",
        {
            "generator": '{"name": "fastgan-generator", "width": 4, "max_width": 8}',
            "discriminator": '{"name": "fastgan-discriminator", "width": 4, "max_width": 8}',
        },
    ),
    "flash-relativistic-average": ("flash", {"loss": "relativistic-average"}),
}
"""A recipe and settings for code that no recipe reaches by itself."""


def miniature(name: str, folder: Path, **more: str) -> Recipe:
    """A recipe in miniature; `folder` is where the pictures lie that `photo` and `photo-gpu` learn from."""
    if name == "modern":
        return resolve("paper", MODERN | more)
    base = recipes.get(name)
    return resolve(base, SETTINGS[name] | more, str(pictures(folder)) if name.startswith("photo") else None)


def pictures(folder: Path, num: int = 24, size: int = 64) -> Path:
    """A folder of coloured PNG files, each made by a formula of its number."""
    place = folder / "pictures"
    place.mkdir(exist_ok=True)
    x, y = torch.meshgrid(torch.linspace(-3, 3, size), torch.linspace(-3, 3, size), indexing="xy")
    for i in range(num):
        waves = [torch.sin((1 + 0.1 * i) * x + phase) * torch.cos(y - 0.2 * i) for phase in (0.0, 1.0, 2.0)]
        pixels = ((torch.stack(waves, -1) + 1) * 127.5).round().to(torch.uint8)
        Image.fromarray(pixels.numpy()).save(place / f"{i:03d}.png")
    return place
