"""How long a round takes, what the device does in it, and what settings of PyTorch change."""

import cProfile
import pstats
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.profiler import ProfilerActivity, profile
from visit import NAMES, Visit, engine_of

from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.training.engine import Engine

TIMED: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in ("flash", "vanilla", "dcgan", "r3", "photo")),
    ("photo", {"batch_size": 64}),
    ("photo", {"pixels": 128}),
    ("r3", {"pixels": 64}),
    ("photo-gpu", {"pixels": 128}),
    *((name, {"precision": precision}) for precision in ("tf32", "bf16") for name in ("dcgan", "r3")),
    *(
        (name, {})
        for name in (
            "selfcond",
            "flash-differences",
            "photo-fastgan",
            "sngan",
            "ring",
            "stacked",
            "wgan-gp",
            "cgan",
            "dropout-mlp",
            "paper",
            "upsample",
        )
    ),
)


def speed(visit: Visit) -> None:
    """Milliseconds a round at the recipe's own size, eager and as graphs, and of the host alone; kernels, busy time, memory."""
    for name, changes in visit.within(10, TIMED):
        with visit.telling("speed", recipe=name, **changes) as facts, own_torch_state(visit.device):
            engine = _timed(visit, facts, "eager", name, changes)
            facts |= device_work(visit, engine, first=1000)
            if visit.is_cuda:
                engine = _timed(visit, facts, "graphed", name, changes)
                facts |= {"failure": engine.steps.failure, "differences": engine.steps.differences}


def _timed(visit: Visit, facts: dict[str, Any], way: str, name: str, changes: dict[str, Any]) -> Engine:
    """An engine whose times and memory are told under the name of this way."""
    if visit.is_cuda:
        torch.cuda.reset_peak_memory_stats()
    engine = engine_of(name, visit.device, graphed=way == "graphed", **changes)
    facts |= {f"{way}_{key}": value for key, value in timed_rounds(visit, engine).items()}
    facts[f"{way}_peak_mib"] = round(devices.peak_memory_mib(visit.device), 1)
    return engine


def host(visit: Visit) -> None:
    """Where Python spends the time of a graphed round: the functions with the most seconds of their own."""
    num = 3 if visit.few else 300
    for name in visit.within(10, ("vanilla", "flash")):
        with visit.telling("host", recipe=name) as facts, own_torch_state(visit.device):
            engine = engine_of(name, visit.device)
            for round_ in range(20):
                engine.train_round(round_)
            with cProfile.Profile() as profiled:
                for round_ in range(20, 20 + num):
                    engine.train_round(round_)
            stats = pstats.Stats(profiled).stats  # pyright: ignore[reportAttributeAccessIssue]
            own = sorted(((values[2], key) for key, values in stats.items()), reverse=True)[:20]
            facts["us_a_round"] = {
                f"{Path(file).name}:{line}:{call}": round(1e6 * took / num, 1) for took, (file, line, call) in own
            }


def graphs(visit: Visit) -> None:
    """Twelve rounds eagerly, twice, and as graphs, from one seed, with deterministic convolutions: the largest differences of
    a weight."""
    for name in visit.within(10, NAMES, few=2):
        with visit.telling("graphs", recipe=name, deterministic=True) as facts, cudnn_set("deterministic"):
            eager, again, graphed = (_state_after(visit, name, graphed) for graphed in (False, False, visit.is_cuda))
            facts["eager_differ_by"], facts["graphed_differ_by"] = largest(eager, again), largest(eager, graphed)


def largest(these: list[torch.Tensor], those: list[torch.Tensor]) -> float:
    return max((a.double() - b.double()).abs().max().item() for a, b in zip(these, those, strict=True))


class Rounds(Protocol):
    """What trains a round by its number."""

    def train_round(self, round_: int) -> object: ...


def timed_rounds(visit: Visit, engine: Rounds) -> dict[str, float]:
    """Milliseconds a round, and until Python has given all work of a round to the device, over half a second."""
    warm, least = (1, 2) if visit.few else (8, 3)
    for round_ in range(warm):
        engine.train_round(round_)
    visit.synchronize()
    start, num = time.perf_counter(), 0
    while num < least or (time.perf_counter() - start < 0.5 and num < 400):
        engine.train_round(warm + num)
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
    work = [event for event in trace.events() or () if event.device_type.name == "CUDA"]
    busy = sum(event.device_time for event in work)
    return {"kernels": round(len(work) / 16, 1), "busy_ms": round(busy / 16000, 4)}


def settings(visit: Visit) -> None:
    """The same rounds under other settings of PyTorch, one at a time."""
    ways: dict[str, tuple[str, ...]] = {
        "float32": (),
        "tf32 everywhere": (),
        "cudnn benchmark": ("benchmark",),
        "cudnn deterministic": ("deterministic",),
    }
    cases: tuple[tuple[str, dict[str, Any]], ...] = (("dcgan", {}), ("photo", {"batch_size": 64}), ("r3", {"batch_size": 256}))
    for (name, changes), way in visit.within(10, product(cases, ways), few=len(ways)):
        with visit.telling("settings", recipe=name, way=way) as facts, own_torch_state(visit.device), cudnn_set(*ways[way]):
            precision: Any = "tf32" if "tf32" in way else "float32"
            facts |= timed_rounds(visit, engine_of(name, visit.device, precision=precision, **changes))


@contextmanager
def cudnn_set(*names: str) -> Iterator[None]:
    """Within the block these settings of cuDNN are true."""
    cudnn: Any = torch.backends.cudnn
    before = {name: getattr(cudnn, name) for name in names}
    try:
        for name in names:
            setattr(cudnn, name, True)
        yield
    finally:
        for name, value in before.items():
            setattr(cudnn, name, value)


def _state_after(visit: Visit, name: str, graphed: bool, rounds: int = 12) -> list[torch.Tensor]:
    with own_torch_state(visit.device):
        return state_of(engine_of(name, visit.device, graphed=graphed), rounds)


def state_of(engine: Engine, rounds: int) -> list[torch.Tensor]:
    """The weights and buffers of an engine after its first rounds."""
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
