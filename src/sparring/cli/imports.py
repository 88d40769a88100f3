"""Imports without the garbage collector, which finds nothing in them and takes a quarter of their time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Within the block the garbage collector rests; what is there at the block's end it never looks at again.

    PyTorch's modules are half a million objects, which live as long as the process does.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
