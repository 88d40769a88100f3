"""Sparring: two networks in friendly competition, and an honest word on whether the result is any good.

import sparring

run = sparring.train("dcgan", epochs=2)
images = run.sample(num=16, seed=0)  # [16, 1, 28, 28] in [-1, 1]
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.evaluation import evaluate
    from sparring.training import load, resume, train

__version__ = "0.1.0"
__all__ = ["__version__", "evaluate", "load", "resume", "train"]


def __getattr__(name: str):
    """Import what needs PyTorch when it is first asked for, so that `import sparring` is quick."""
    if name == "evaluate":
        from sparring.evaluation import evaluate

        return evaluate
    if name in ("load", "resume", "train"):
        from sparring import training

        return getattr(training, name)
    raise AttributeError(f"module 'sparring' has no attribute {name!r}")
