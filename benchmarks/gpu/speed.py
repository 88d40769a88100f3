"""How long a round takes, what the device does in it, and what settings of PyTorch change."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from visit import Visit, engine_of

from sparring.config import devices
from sparring.training.engine import Engine, own_torch_state

TIMED: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in ("flash", "vanilla", "dcgan", "r3", "photo")),
    ("photo", {"batch_size": 64}),
    *((name, {}) for name in ("sngan", "ring", "stacked", "wgan-gp", "cgan", "dropout-mlp", "paper", "upsample")),
)


def speed(visit: Visit) -> None:
    """Milliseconds a round at the recipe's own size, those of the host alone, kernels, busy time, peak memory."""
    for name, changes in TIMED[:1] if visit.few else TIMED:
        if visit.left < 10:
            return
        with visit.telling("speed", recipe=name, **changes) as facts, own_torch_state(visit.device):
            if visit.is_cuda:
                torch.cuda.reset_peak_memory_stats()
            engine = engine_of(name, visit.device, **changes)
            facts |= timed_rounds(visit, engine, first=0)
            facts |= device_work(visit, engine, first=1000)
            facts["peak_mib"] = round(devices.peak_memory_mib(visit.device), 1)


def timed_rounds(visit: Visit, engine: Engine, first: int, seconds: float = 1.0) -> dict[str, float]:
    """Milliseconds a round, and until Python has given all work of a round to the device, over about this time."""
    warm = 3 if visit.few else 8
    for round_ in range(first, first + warm):
        engine.train_round(round_)
    visit.synchronize()
    start, num = time.perf_counter(), 0
    while num < 3 or (time.perf_counter() - start < seconds and num < 400):
        engine.train_round(first + warm + num)
        num += 1
    host = time.perf_counter() - start
    visit.synchronize()
    return {"ms": round(1000 * (time.perf_counter() - start) / num, 4), "host_ms": round(1000 * host / num, 4)}


def device_work(visit: Visit, engine: Engine, first: int) -> dict[str, float]:
    """Kernels a round, and the milliseconds that they keep the device busy."""
    if not visit.is_cuda:
        return {}
    with profile(activities=[ProfilerActivity.CUDA]) as trace:
        for round_ in range(first, first + 16):
            engine.train_round(round_)
        visit.synchronize()
    work = [event for event in trace.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    busy = sum(event.device_time for event in work)
    return {"kernels": round(len(work) / 16, 1), "busy_ms": round(busy / 16000, 4)}


def settings(visit: Visit) -> None:
    """The same rounds under other settings of PyTorch, one at a time."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    ways: dict[str, list[tuple[Any, str, bool]]] = {
        "float32": [(cudnn, "allow_tf32", False)],
        "tf32 convolutions": [(cudnn, "allow_tf32", True)],
        "tf32 everywhere": [(cudnn, "allow_tf32", True), (matmul, "allow_tf32", True)],
        "cudnn benchmark": [(cudnn, "allow_tf32", False), (cudnn, "benchmark", True)],
        "cudnn deterministic": [(cudnn, "allow_tf32", False), (cudnn, "deterministic", True)],
    }
    if not visit.is_cuda:
        return
    for name, changes in (("dcgan", {}), ("photo", {"batch_size": 64}), ("r3", {"batch_size": 256})):
        for way, values in ways.items():
            if visit.left < 10:
                return
            with visit.telling("settings", recipe=name, way=way) as facts, _set(values), own_torch_state(visit.device):
                engine = engine_of(name, visit.device, **changes)
                facts |= timed_rounds(visit, engine, 0, seconds=0.5)


@contextmanager
def _set(values: list[tuple[Any, str, bool]]) -> Iterator[None]:
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in values]
    try:
        for owner, name, value in values:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def repeats(visit: Visit) -> None:
    """Twelve rounds twice from one seed: are the bits the same?"""
    for name in ("vanilla", "flash", "dcgan", "photo", "r3", "upsample", "sngan"):
        if visit.left < 10 or (visit.few and name != "vanilla"):
            return
        with visit.telling("repeats", recipe=name) as facts:
            first, second = (_state_after(visit, name) for _ in range(2))
            facts["same_bits"] = all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
            facts["differ_by"] = max((a.double() - b.double()).abs().max().item() for a, b in zip(first, second, strict=True))


def _state_after(visit: Visit, name: str, rounds: int = 12) -> list[torch.Tensor]:
    with own_torch_state(visit.device):
        engine = engine_of(name, visit.device)
        for round_ in range(rounds):
            engine.train_round(round_)
        return [tensor.clone() for network in engine.gan.networks for tensor in network.state_dict().values()]


def memory(visit: Visit) -> None:
    """The error where the data do not fit."""
    if not visit.is_cuda:
        return
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.0002)
    try:
        engine_of("photo", visit.device)
        visit.tell("memory", fits=True)
    except Exception as error:
        known = devices.is_out_of_memory(error)
        visit.tell("memory", error=f"{type(error).__name__}: {str(error)[:200]}", counts_as_memory=known)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
