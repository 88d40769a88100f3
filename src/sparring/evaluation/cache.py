"""What is computed of real data once, kept in the user's cache folder under the hash of all that it depends on."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from torch import Tensor

from sparring.data.cache import cache_folder
from sparring.errors import InputError, MachineError
from sparring.storage.files import disk_errors, write_atomically
from sparring.storage.tensors import encode_tensors, read_tensors

FORMAT = "sparring-cache-1"  # count it up when a metric changes


def tensors(
    depends_on: tuple[Any, ...], make: Callable[[], dict[str, Tensor]], fits: Callable[[dict[str, Tensor]], bool]
) -> dict[str, Tensor]:
    """The tensors that `make` gives, from the cache if they are there, intact, and such as they must be (`fits`)."""
    name = hashlib.sha256(repr(depends_on).encode()).hexdigest()
    path = cache_folder() / "scores" / f"{name[:32]}.safetensors"
    if path.is_file():
        with suppress(InputError):  # a damaged one is made anew
            facts, found, _ = read_tensors(path, FORMAT, "cached result")
            if facts == {"depends_on": repr(depends_on)} and fits(found):
                return found
    made = make()
    data, _ = encode_tensors(FORMAT, {"depends_on": repr(depends_on)}, made)
    with suppress(InputError, MachineError), disk_errors(path, len(data)):  # no cache is slow, not wrong
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    return made
