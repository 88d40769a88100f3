"""How long a round takes, what the device does in it, and what settings of PyTorch change."""

import cProfile
import pstats
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from visit import NAMES, Visit, engine_of

from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.training.engine import Engine

TIMED: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in ("flash", "vanilla", "dcgan", "r3", "photo")),
    ("photo", {"batch_size": 64}),
    *((name, {"precision": "tf32"}) for name in ("dcgan", "r3")),
    *((name, {}) for name in ("sngan", "ring", "stacked", "wgan-gp", "cgan", "dropout-mlp", "paper", "upsample")),
)


def speed(visit: Visit) -> None:
    """Milliseconds a round at the recipe's own size, eager and as graphs, and of the host alone; kernels, busy time, memory."""
    for name, changes in TIMED[:1] if visit.few else TIMED:
        if visit.left < 10:
            return
        with visit.telling("speed", recipe=name, **changes) as facts, own_torch_state(visit.device):
            if visit.is_cuda:
                torch.cuda.reset_peak_memory_stats()
            engine = engine_of(name, visit.device, graphed=False, **changes)
            facts |= {f"eager_{key}": value for key, value in timed_rounds(visit, engine, 0, seconds=0.5).items()}
            facts |= device_work(visit, engine, first=1000)
            facts["eager_peak_mib"] = round(devices.peak_memory_mib(visit.device), 1)
            if visit.is_cuda:
                torch.cuda.reset_peak_memory_stats()
                engine = engine_of(name, visit.device, graphed=True, **changes)
                facts |= {f"graphed_{key}": value for key, value in timed_rounds(visit, engine, 0).items()}
                facts["graphed_peak_mib"] = round(devices.peak_memory_mib(visit.device), 1)
                facts |= {"failure": engine.steps.failure, "differences": engine.steps.differences}


def host(visit: Visit) -> None:
    """Where Python spends the time of a graphed round: the functions with the most seconds of their own."""
    for name in ("vanilla", "flash"):
        with visit.telling("host", recipe=name) as facts, own_torch_state(visit.device):
            engine = engine_of(name, visit.device)
            for round_ in range(20):
                engine.train_round(round_)
            with cProfile.Profile() as profiled:
                for round_ in range(20, 320):
                    engine.train_round(round_)
            stats = pstats.Stats(profiled).stats  # pyright: ignore[reportAttributeAccessIssue]
            own = sorted(((values[2], key) for key, values in stats.items()), reverse=True)[:20]
            facts["us_a_round"] = {
                f"{Path(file).name}:{line}:{call}": round(1e6 * took / 300, 1) for took, (file, line, call) in own
            }


def graphs(visit: Visit) -> None:
    """Twelve rounds eagerly, twice, and as graphs, from one seed, with deterministic convolutions: the largest differences of
    a weight."""
    for name in NAMES[:2] if visit.few else NAMES:
        if visit.left < 10:
            return
        with visit.telling("graphs", recipe=name) as facts, _set([(torch.backends.cudnn, "deterministic", True)]):
            eager, again, graphed = (_state_after(visit, name, graphed) for graphed in (False, False, visit.is_cuda))
            facts["eager_differ_by"], facts["graphed_differ_by"] = _largest(eager, again), _largest(eager, graphed)


def _largest(these: list[torch.Tensor], those: list[torch.Tensor]) -> float:
    return max((a.double() - b.double()).abs().max().item() for a, b in zip(these, those, strict=True))


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
    if not visit.is_cuda:
        return
    ways: dict[str, list[tuple[Any, str, bool]]] = {
        "float32": [(cudnn, "allow_tf32", False)],
        "tf32 convolutions": [(cudnn, "allow_tf32", True)],
        "tf32 everywhere": [(cudnn, "allow_tf32", True), (matmul, "allow_tf32", True)],
        "cudnn benchmark": [(cudnn, "allow_tf32", False), (cudnn, "benchmark", True)],
        "cudnn deterministic": [(cudnn, "allow_tf32", False), (cudnn, "deterministic", True)],
    }
    for name, changes in (("dcgan", {}), ("photo", {"batch_size": 64}), ("r3", {"batch_size": 256})):
        for way, values in ways.items():
            if visit.left < 10:
                return
            with visit.telling("settings", recipe=name, way=way) as facts, own_torch_state(visit.device), _set(values):
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


def _state_after(visit: Visit, name: str, graphed: bool, rounds: int = 12) -> list[torch.Tensor]:
    with own_torch_state(visit.device):
        engine = engine_of(name, visit.device, graphed=graphed)
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
