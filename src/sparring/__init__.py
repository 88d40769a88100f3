"""Sparring: two networks in friendly competition, and an honest word on whether the result is any good.

import sparring

run = sparring.train("dcgan", epochs=2)
images = run.sample(num=16, seed=0)  # [16, 1, 28, 28] in [-1, 1]
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.comparison import compare
    from sparring.evaluation import evaluate
    from sparring.loading import load
    from sparring.training import resume, train

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "evaluate", "load", "resume", "train"]


def __getattr__(name: str):
    """Import what needs PyTorch when it is first asked for, so that `import sparring` is quick."""
    from importlib import import_module

    homes = {"compare": "comparison", "evaluate": "evaluation", "load": "loading", "resume": "training", "train": "training"}
    if name in homes:
        return getattr(import_module(f"sparring.{homes[name]}"), name)
    raise AttributeError(f"module 'sparring' has no attribute {name!r}")
