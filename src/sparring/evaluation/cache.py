"""Cache of results computed from real data, in the user's cache folder, keyed by a hash of all inputs."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from torch import Tensor

from sparring.errors import InputError, MachineError
from sparring.storage.cache import cache_folder
from sparring.storage.files import disk_errors, write_atomically
from sparring.storage.tensors import encode_tensors, read_tensors

FORMAT = "sparring-cache-1"  # increment it when a metric changes


def tensors(
    depends_on: tuple[Any, ...], make: Callable[[], dict[str, Tensor]], fits: Callable[[dict[str, Tensor]], bool]
) -> dict[str, Tensor]:
    """The tensors that `make` computes, read from the cache if they are there, intact, and accepted by `fits`.

    depends_on: everything the result depends on; its repr is hashed into the file name.
    """
    name = hashlib.sha256(repr(depends_on).encode()).hexdigest()
    path = cache_folder() / "scores" / f"{name[:32]}.safetensors"
    if path.is_file():
        with suppress(InputError):  # a damaged file is computed again
            facts, found, _ = read_tensors(path, FORMAT, "cached result")
            if facts == {"depends_on": repr(depends_on)} and fits(found):
                return found
    made = make()
    data, _ = encode_tensors(FORMAT, {"depends_on": repr(depends_on)}, made)
    with suppress(InputError, MachineError), disk_errors(path, len(data)):  # without a cache it is only slower
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    return made
