"""What every peer needs: a tutorial's numbers, its images in their range and order, and the protocol with `race.py`.

The peers run in environments of their own, so this needs NumPy alone.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import numpy as np

Losses = tuple[float, float]
"""g_loss and d_loss of the last round played: minimised values, each as its own move saw it before its update."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of a tutorial, as src/sparring/recipes has them."""

    batch: int
    num_z: int
    lr: float
    order: Literal["file", "shuffled", "with-replacement"]
    widths: tuple[int, ...] = ()  # hidden layers of either perceptron
    held_back: int = 0  # images left out at the front
    lowest: float = -1.0  # the value of a black pixel; a white one is 1
    beta1: float = 0.9
    beta2: float = 0.999


NUMBERS = {  # of those that other frameworks play
    "vanilla": Numbers(batch=100, num_z=128, lr=2e-4, order="file", widths=(256,), held_back=5000, lowest=0.0),
    "paper": Numbers(batch=100, num_z=256, lr=2e-4, order="shuffled", widths=(512,), held_back=5000, lowest=0.0),
    "dropout-mlp": Numbers(batch=200, num_z=100, lr=2e-4, order="shuffled", widths=(256, 256)),
    "dcgan": Numbers(batch=256, num_z=100, lr=1e-4, order="shuffled"),
    "upsample": Numbers(batch=128, num_z=100, lr=2e-4, order="with-replacement", beta1=0.5),
}


def arguments(description: str | None) -> Namespace:
    """recipe, images (a file of uint8 [60000, 28, 28]), variant, seed; the arguments are parsed after all imports."""
    parser = ArgumentParser(description=description)
    parser.add_argument("recipe", choices=[*NUMBERS, "flash", "photo"])
    parser.add_argument("images", help="an .npy file: uint8 [60000, 28, 28]")
    parser.add_argument("--variant", default="")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load(numbers: Numbers, file: str) -> np.ndarray:
    """The tutorial's images: float32 [N, 784] from `lowest` to 1."""
    images = np.load(file)[numbers.held_back :].reshape(-1, 784).astype(np.float32)
    images *= np.float32((1 - numbers.lowest) / 255)
    images += np.float32(numbers.lowest)
    return images


def batches(numbers: Numbers, num_images: int, seed: int) -> Iterator[np.ndarray]:
    """Image numbers [batch], without end, in the tutorial's order; an epoch's last batch, if it is short, is left out."""
    rng, whole = np.random.default_rng(seed), num_images // numbers.batch * numbers.batch
    while True:
        if numbers.order == "with-replacement":
            yield rng.integers(num_images, size=numbers.batch)
        else:
            epoch = np.arange(num_images) if numbers.order == "file" else rng.permutation(num_images)
            yield from epoch[:whole].reshape(-1, numbers.batch)


def serve(play: Callable[[int], Losses], parameters: int, updates: Callable[[], int]) -> None:
    """Answer `race.py`, a line of JSON each way, until it closes the pipe.

    First says how many trained numbers there are in both networks, and with which software; then, for every {"rounds": n},
    plays n rounds and answers with the seconds they took, also those of the processor (of all threads), the last round's
    losses, and how many updates both optimisers have made since the start.
    """
    _say(parameters=parameters, software=software())
    for line in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        g_loss, d_loss = play(json.loads(line)["rounds"])  # numbers of the last round, so everything has been computed
        taken = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
        _say(**taken, g_loss=g_loss, d_loss=d_loss, updates=updates())


def software() -> dict[str, str]:
    """Name and version of each framework in this environment."""
    found = {}
    for package, name in {"torch": "PyTorch", "tensorflow_cpu": "TensorFlow", "keras": "Keras", "jax": "JAX"}.items():
        with suppress(PackageNotFoundError):
            found[name] = version(package)
    return found


def _say(**values: float | dict[str, str]) -> None:
    print(json.dumps(values), flush=True)
