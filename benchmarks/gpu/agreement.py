"""Does a round on the device compute what it computes on the CPU, and does it wait for the device?"""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from visit import NAMES, Visit, data_of, engine_of, recipe_of

from sparring.config.rng import keyed_generator, own_torch_state
from sparring.distributed.rows import Rows, sharded
from sparring.networks.layers import dropout
from sparring.networks.layers.batch_norm import convert_sync_batchnorm
from sparring.training.engine import Engine
from sparring.training.gan import GAN
from sparring.training.sampler import EngineSampler

CPU = torch.device("cpu")
SMALL = {"ring": 64, "grid": 64}  # batch size, else 16


def agreement(visit: Visit) -> None:
    """The gradients of each recipe's first round beside the CPU's, with the same draws: the error's norm over the gradient's,
    for the network where it is larger; in float64, in float32, of the plain steps, and in TF32."""
    for name in visit.within(20, NAMES, few=2):
        with visit.telling("agreement", recipe=name) as facts:
            facts["float64"] = _disagreement(name, visit.device, torch.float64)
            facts["float32"] = _disagreement(name, visit.device, torch.float32)
            facts["plain"] = _disagreement(name, visit.device, torch.float32, fast=False)
            facts["tf32"] = _disagreement(name, visit.device, torch.float32, precision="tf32")


def _disagreement(name: str, device: torch.device, dtype: torch.dtype, **changes: Any) -> float:
    ours, theirs = _gradients(name, device, dtype, **changes), _gradients(name, CPU, dtype)
    return max(distance(a, b) for a, b in zip(ours, theirs, strict=True))


def waits(visit: Visit) -> None:
    """Where eight ordinary rounds wait for the device; then the numbers, samples and logits that a run asks for."""
    for name in visit.within(15, NAMES, few=2):
        with visit.telling("waits", recipe=name) as facts, own_torch_state(visit.device):
            engine = engine_of(name, visit.device, graphed=False)
            for round_ in range(3):
                engine.train_round(round_)
            with _noted_waits(visit) as found:
                *_, readings = [engine.train_round(round_) for round_ in range(3, 11)]
            facts["in_8_rounds"] = found
            facts["d_loss"] = engine.numbers(readings)["d_loss"]
            sampler = EngineSampler(engine, data_of(engine.recipe))
            sampler.samples(8, "x")
            sampler.at_init(3)
            sampler.logits(sampler.real(3, "train"))


@contextmanager
def _noted_waits(visit: Visit) -> Iterator[Counter[str]]:
    found: Counter[str] = Counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if visit.is_cuda:
            torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            if visit.is_cuda:
                torch.cuda.set_sync_debug_mode("default")
            waits = [one for one in caught if "prototype" not in str(one.message)]  # which is said of the debug mode itself
            found.update(f"{Path(one.filename).name}:{one.lineno}" for one in waits)


def _gradients(name: str, device: torch.device, dtype: torch.dtype, **changes: Any) -> list[Tensor]:
    """Each network's gradient in the first round, flat, float64 on the CPU, with every draw made on the CPU."""
    torch.set_default_dtype(dtype)
    try:
        with _draws_on_cpu(), own_torch_state(device):
            engine = engine_of(name, device, batch_size=SMALL.get(name, 16), **changes)
            engine.train_round(0)
            players = (engine.gan.generator, engine.gan.discriminator)
            return [torch.cat([each.flatten() for each in player.gradients]).double().cpu() for player in players]
    finally:
        torch.set_default_dtype(torch.float32)


def distance(a: Tensor, b: Tensor) -> float:
    return ((a - b).norm() / b.norm().clamp(min=1e-9)).item()


@contextmanager
def _draws_on_cpu() -> Iterator[None]:
    """Within the block z, uniforms and dropout's bits are drawn on the CPU, and images have PyTorch's default type."""

    def z(self: Engine, num: int, *address: Any) -> Tensor:
        return self.recipe.z.sample(num, keyed_generator(CPU, self.seed, *address)).to(self.device)

    def uniforms(self: GAN, side: Any, num_local: int, num: int, *address: Any) -> Tensor:
        device = self.discriminator.optimizer.parameters[0].device
        return torch.rand(num_local, num, generator=keyed_generator(CPU, self.context.seed, side, *address)).to(device)

    draw = dropout._bits

    def bits(num: int, device: torch.device, rng: torch.Generator | None = None) -> Tensor:
        return draw(num, CPU, rng).to(device)

    with ExitStack() as stack:
        for owner, attribute, change in ((Engine, "z", z), (GAN, "uniforms", uniforms), (dropout, "_bits", bits)):
            stack.enter_context(patch.object(owner, attribute, change))
        for kind in {type(data_of(recipe_of(name))) for name in ("flash", "stacked", "ring")}:
            batch = kind.batch
            stack.enter_context(
                patch.object(kind, "batch", lambda self, chosen, of=batch: of(self, chosen).to(torch.get_default_dtype()))
            )
        yield


def batch_norm(visit: Visit) -> None:
    """The kernels of the synchronised batch norm, beside PyTorch's on the whole batch; they need no second process."""
    cases = {
        "1d": (nn.Linear(3, 4), nn.BatchNorm1d(4), (6, 3)),
        "2d channels_last": (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), (6, 3, 8, 8)),
        "2d contiguous": (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), (6, 3, 8, 8)),
        "1d, no local rows": (nn.Linear(3, 4), nn.BatchNorm1d(4), (0, 3)),
    }
    for label, (first, norm, shape) in cases.items():
        with visit.telling("batch_norm", layer=label) as facts:
            x = torch.randn(*shape, device=visit.device)
            net = nn.Sequential(first, norm).to(visit.device)
            if "last" in label:
                net = net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
            weights = list(net.parameters())
            plain = torch.autograd.grad(net(x).pow(3).sum(), weights) if len(x) else None
            net = convert_sync_batchnorm(net)
            rows = Rows(max(6, len(x)), ((0, len(x)),), torch.Generator(visit.device), _gathered(bool(len(x))))
            with sharded(net, rows):
                gradients = torch.autograd.grad(net(x).pow(3).sum(), weights)
            facts["ok"] = True
            if plain:
                facts["differs_by"] = distance(*(torch.cat([each.flatten() for each in some]) for some in (gradients, plain)))


def _gathered(all_here: bool) -> Any:
    """What comes from all processes: these rows alone, or another process's six where none are here."""
    return lambda own: own[None] if all_here else torch.stack([own, torch.ones_like(own)])
