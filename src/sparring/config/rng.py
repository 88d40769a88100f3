"""Keyed randomness: every random draw of a run has an address, and depends on the seed and that address alone.

No random state needs saving: the seed and the round suffice to repeat a round's draws.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch

from sparring.config import devices, threads


def derive_seed(seed: int, *address: str | int) -> int:
    """A 63-bit seed for the draw at this address, e.g. `derive_seed(0, "z", round, move)`."""
    digest = blake2b(repr((seed, *address)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def keyed_generator(device: torch.device | str, seed: int, *address: str | int) -> torch.Generator:
    """A fresh generator on `device` for the draw at this address."""
    return torch.Generator(device).manual_seed(derive_seed(seed, *address))


@contextmanager
def own_torch_state(device: torch.device) -> Iterator[None]:
    """Within the block PyTorch's default generators belong to the engine, a GPU is its current one, and nothing is computed in
    TF32 unless asked for; afterwards the user's random state, settings and number of threads are restored."""
    on_cpu = device.type == "cpu"
    own_rng = torch.random.fork_rng(devices=[]) if on_cpu else torch.random.fork_rng([device], device_type=device.type)
    with devices.current(device), own_rng, devices.tf32(False), threads.own_number():
        yield
