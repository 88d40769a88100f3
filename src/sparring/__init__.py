"""Sparring: two networks in friendly competition, and an honest word on whether the result is any good.

import sparring

run = sparring.train("dcgan", epochs=2)
images = run.sample(num=16, seed=0)  # [16, 1, 28, 28] in [-1, 1]

Your own tensors, modules, losses and metrics take a part's place: `train(..., data=sparring.data.of(x), generator=g)`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sparring.config import moved

if TYPE_CHECKING:
    from sparring import data, losses, networks, recipes
    from sparring.analysis import compare
    from sparring.api.evaluate import evaluate
    from sparring.api.invert import invert
    from sparring.api.load import load
    from sparring.api.pretrained import from_pretrained
    from sparring.api.resume import resume
    from sparring.api.sample import sample
    from sparring.api.train import train
    from sparring.config.registry import register
    from sparring.exporters import export
    from sparring.multiseed import train_seeds
    from sparring.recipe import Recipe
    from sparring.runs.run import Run
    from sparring.training.observers import Observer
    from sparring.web.notebook import play

__version__ = "0.2.0"
__all__ = [
    "Observer",
    "Recipe",
    "Run",
    "compare",
    "data",
    "evaluate",
    "export",
    "from_pretrained",
    "invert",
    "load",
    "losses",
    "networks",
    "play",
    "recipes",
    "register",
    "resume",
    "sample",
    "train",
    "train_seeds",
]

_MODULES = {
    "Observer": "training.observers",
    "Recipe": "recipe",
    "Run": "runs.run",
    "compare": "analysis",
    "evaluate": "api.evaluate",
    "export": "exporters",
    "from_pretrained": "api.pretrained",
    "invert": "api.invert",
    "load": "api.load",
    "play": "web.notebook",
    "register": "config.registry",
    "resume": "api.resume",
    "sample": "api.sample",
    "train": "api.train",
    "train_seeds": "multiseed",
}

moved.install()


def __getattr__(name: str) -> Any:
    """Import what needs PyTorch when it is first asked for, so that `import sparring` is quick."""
    if name in _MODULES:
        return getattr(import_module(f"sparring.{_MODULES[name]}"), name)
    if name in __all__:
        return import_module(f"sparring.{name}")
    raise AttributeError(f"module 'sparring' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
