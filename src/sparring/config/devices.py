"""Devices by name, process settings for speed, and the software and hardware facts of a run."""

import ctypes
import logging
import math
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch

from sparring import __version__
from sparring.errors import InputError, MachineError

_log = logging.getLogger(__name__)
NAMES = ("auto", "cpu", "cuda", "cuda:N", "mps")
BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")  # of x86, and of ARM
_NO_ONEDNN = "this PyTorch lacks oneDNN"
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def resolve(name: str) -> torch.device:
    """The device of this name; "auto" is CUDA if available, else the CPU. InputError if the device is missing.

    "cuda" is the current CUDA device, the first one by default, and "cuda:1" the second one. Where "auto" finds a driver that
    PyTorch cannot use, such as one that is too old, a warning says so.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise InputError(f"unknown device {name!r}; the choices are {', '.join(NAMES)}")
    if name == "auto":
        available, reason = _cuda()
        if reason:
            _log.warning("the CPU is used, for PyTorch cannot use the GPU: %s", reason)
        return torch.device("cuda" if available else "cpu")
    if name == "mps" and not torch.backends.mps.is_available():
        raise InputError("device mps: PyTorch sees no Apple GPU here; use cpu")
    device = torch.device(name)
    if device.type == "cuda":
        _check_cuda(device)
    return device


def _check_cuda(device: torch.device) -> None:
    available, reason = _cuda()
    if not available:
        why = f" ({reason or _why_not_initialised()})"
        raise InputError(f"device {device}: PyTorch sees no CUDA device here{why}; use cpu")
    num = torch.cuda.device_count()
    if device.index is not None and device.index >= num:
        there = ", ".join(f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(num))
        raise InputError(f"device {device}: PyTorch sees {num} CUDA device{'s' * (num > 1)} here: {there}; use one of them")


def _cuda() -> tuple[bool, str | None]:
    """Whether PyTorch has a CUDA device; if it found a driver and cannot use it, the reason that it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        available = torch.cuda.is_available()
    told = [str(warning.message) for warning in caught if "CUDA initialization" in str(warning.message)]
    return available, _first_sentence(told[0].partition("CUDA initialization: ")[2]) if told and not available else None


def _why_not_initialised() -> str:
    try:
        torch.cuda.init()
    except (AssertionError, RuntimeError) as error:
        return _first_sentence(str(error))
    return "it does not say why"


def _first_sentence(text: str) -> str:
    return text.splitlines()[0].split(". ")[0].rstrip(".")


def current(device: torch.device) -> AbstractContextManager[Any]:
    """Within the block a CUDA device is PyTorch's current one, on which it seeds default generators and records graphs."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


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


@contextmanager
def deterministic(wanted: bool, device: torch.device) -> Iterator[None]:
    """Within the block, if it is wanted, operations on a GPU give the same bits each time; on the CPU they do in any case.

    Raises InputError in place of PyTorch's error for an operation that has no such implementation.
    """
    if not wanted or device.type == "cpu":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # which cuBLAS reads when it is used first
    cudnn: Any = torch.backends.cudnn
    before = torch.get_deterministic_debug_mode(), cudnn.deterministic, cudnn.benchmark
    try:
        torch.set_deterministic_debug_mode("error")
        cudnn.deterministic, cudnn.benchmark = True, False
        yield
    except RuntimeError as error:
        if refused := nondeterministic(error):
            raise InputError(refused) from error
        raise
    finally:
        mode, cudnn.deterministic, cudnn.benchmark = before
        torch.set_deterministic_debug_mode(mode)


def nondeterministic(error: BaseException) -> str | None:
    """A sentence that names the operation for which there is no deterministic implementation; None for other errors."""
    found = re.match(r"(\S+) does not have a deterministic implementation", str(error))
    if not found or not isinstance(error, RuntimeError):
        return None
    return (
        f"{found[1]} has no deterministic implementation in PyTorch {torch.__version__}; "
        "train without `deterministic`, or take parts that do without this operation"
    )


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


def describe(device: torch.device, precision: str = "float32") -> dict[str, Any]:
    """The software and hardware on which the exact results of a run in this precision depend."""
    facts = {
        "sparring": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "flush_denormal": (torch.tensor(1e-38) * 0.01).item() == 0,
        "platform": f"{platform.system()} {platform.machine()}",
    }
    if precision == "bf16":
        facts["autocast"] = "bfloat16"
        if device.type == "cpu":
            facts["bf16_instructions"] = ", ".join(bf16_instructions())
    if device.type == "cuda":
        cudnn: Any = torch.backends.cudnn
        facts |= {"cudnn": cudnn.version(), "deterministic_convolutions": cudnn.deterministic, "tf32": precision == "tf32"}
    return facts


def is_out_of_memory(error: BaseException) -> bool:
    """True if the error means out of memory; on the CPU, PyTorch has no exception type for it."""
    words = ("allocate memory", "out of memory", "size calculation overflowed")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(text in str(error) for text in words)


def crowded(num_bytes: int, device: torch.device) -> str | None:
    """A clause for the user where so many bytes would take more than half of a GPU's free memory; None where they do not."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf
    return f"{in_gib(num_bytes)}, and {in_gib(free)} are free on the GPU" if 2 * num_bytes > free else None


def check_precision(precision: str, device: torch.device) -> None:
    """InputError for a precision that the device lacks."""
    if precision == "bf16" and (why := why_no_bf16(device)):
        raise InputError(f"precision is bf16, but {why}; set precision=float32")


def why_no_bf16(device: torch.device) -> str | None:
    """A clause on why this device computes no products in bfloat16; None where it does."""
    if device.type == "cpu":
        lacking = f"this processor has no instructions for it ({', '.join(BF16_INSTRUCTIONS)})"
        return None if bf16_instructions() else lacking if _has_onednn() else _NO_ONEDNN
    if device.type != "cuda":
        return f"bfloat16 is for cuda and cpu, not for {device.type}"
    with torch.cuda.device(device):
        supported = torch.cuda.is_bf16_supported(including_emulation=False)
    return None if supported else f"{torch.cuda.get_device_name(device)} does not have it"


def bf16_hardware(device: torch.device) -> str:
    """The name of what computes in bfloat16: a GPU's, or this processor with its instructions."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"this processor ({', '.join(bf16_instructions())})"


@cache
def bf16_instructions() -> tuple[str, ...]:
    """The instructions of this processor for products of bfloat16 that PyTorch can use; without any it computes in float32,
    and is slower than with float32 alone."""
    if not _has_onednn():
        return ()
    asked = getattr(torch.cpu, "get_capabilities", None)  # PyTorch's since 2.11
    if asked:
        found = {name for name, has in asked().items() if has is True}
    else:
        info = Path("/proc/cpuinfo")
        found = set(info.read_text(encoding="utf-8").split()) if info.exists() else set()
    return tuple(name for name in BF16_INSTRUCTIONS if name in found)


def _has_onednn() -> bool:
    return torch.backends.mkldnn.is_available()


def check_room(num_bytes: int, device: torch.device) -> None:
    """Raise MachineError where the training data, which are moved to the device as a whole, do not fit on a GPU."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        if num_bytes > free:
            raise MachineError(
                f"the training data take {in_gib(num_bytes)} of the GPU's memory, and {in_gib(free)} of {in_gib(total)} are "
                "free; smaller or fewer images need less, and on device cpu they stay in main memory"
            )


def in_gib(num_bytes: float) -> str:
    """A number of bytes in words."""
    return f"{num_bytes / 2**30:,.2f} GiB"


def out_of_memory(error: BaseException) -> str:
    """A sentence on an error for which `is_out_of_memory`: the memory that was asked for and is there, and what helps."""
    gpu = re.search(
        r"Tried to allocate ([\d.]+ \w+)\. GPU (\d+) has .* capacity of ([\d.]+ \w+) of which ([\d.]+ \w+)", str(error)
    )
    helps = "a smaller batch_size or narrower networks need less"
    if gpu:
        asked, index, total, free = gpu.groups()
        there = f"{asked} more were asked for, and {free} of {total} are free"
        return f"the memory of GPU {index} is too small for it: {there}; {helps}, and device cpu uses main memory"
    cpu = re.search(r"you tried to allocate (\d+) bytes", str(error))
    asked = f": {in_gib(int(cpu[1]))} more were asked for{_free_main_memory()}" if cpu else ""
    return f"there is too little memory for it{asked}; {helps}"


def _free_main_memory() -> str:
    """The end of a sentence, where Linux says how much it could give."""
    try:
        found = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        found = None
    return f", and {in_gib(1024 * int(found[1]))} are free" if found else ""


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
