"""Devices by name, process settings for speed, and the software and hardware facts of a run."""

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sparring import __version__
from sparring.errors import InputError

NAMES = ("auto", "cpu", "cuda", "mps")
TOO_LITTLE_MEMORY = "there is too little memory for it; a smaller batch_size needs less"
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def resolve(name: str) -> torch.device:
    """The device of this name; "auto" is CUDA if available, else the CPU. InputError if the device is missing."""
    if name not in NAMES:
        raise InputError(f"unknown device {name!r}; the choices are {', '.join(NAMES)}")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch sees no CUDA device here; use --device cpu")
    if name == "mps" and not torch.backends.mps.is_available():
        raise InputError("--device mps: PyTorch sees no Apple GPU here; use --device cpu")
    return torch.device(name)


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Within the block NVIDIA GPUs may round the factors of convolutions and matrix products to TF32, 10 bits of mantissa."""
    backends: tuple[Any, ...] = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = allowed
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


def tune_process() -> None:
    """Speed up training on a CPU with process-wide settings; call it before the first parallel operation.

    Denormal numbers are flushed to zero: dark pixels produce many of them, and they are slow. (Threads inherit this setting
    from the thread that starts them.) Freed memory is kept for the next tensor: getting it back from Linux, page by page,
    takes 6 % of a round of dcgan.
    """
    torch.set_flush_denormal(True)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None  # glibc's
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 2**25)  # the maximum that glibc accepts
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def describe(device: torch.device) -> dict[str, str | int]:
    """The software and hardware on which the exact results of a run depend."""
    return {
        "sparring": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "flush_denormal": (torch.tensor(1e-38) * 0.01).item() == 0,
        "platform": f"{platform.system()} {platform.machine()}",
    }


def is_out_of_memory(error: BaseException) -> bool:
    """True if the error means out of memory; on the CPU, PyTorch has no exception type for it."""
    words = ("allocate memory", "out of memory", "size calculation overflowed")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(text in str(error) for text in words)


def peak_memory_mib(device: torch.device) -> float:
    """Peak memory of this process in MiB: GPU memory for a CUDA device, else resident memory; NaN if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource  # not on Windows
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
