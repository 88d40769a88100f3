"""What every process of a group does in `test_ranks.py`: `torchrun group.py FOLDER` writes FOLDER/<size>-<rank>.json."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.api.resolve import resolve
from sparring.config.rng import own_torch_state
from sparring.config.schedules import START, Duration
from sparring.data import ImageSet
from sparring.distributed.launch import Launch
from sparring.distributed.process_group import process_group
from sparring.distributed.rows import Rows, sharded
from sparring.distributed.single_process import SingleProcess
from sparring.errors import InputError, SparringError
from sparring.networks.layers.batch_norm import convert_sync_batchnorm
from sparring.recipe import Recipe
from sparring.training import probes
from sparring.training.engine import Engine
from sparring.training.loop import run_rounds
from sparring.training.sampler import EngineSampler

sys.path.append(str(Path(__file__).parents[1]))
from tiny import MODERN, SETTINGS, TUTORIALS

ROUNDS = 13  # a short last batch of the first epoch is the eleventh
CPU = torch.device("cpu")
SHAPES = {"points": (10, 3), "images": (5, 2, 3, 3), "a sample for one": (1, 4, 2, 2)}


class DoubleSet(ImageSet):
    """Images whose batches are float64, so that sums in another order agree to 15 digits, and no unit sits on the fence."""

    def batch(self, indices: Tensor, out: Tensor | None = None) -> Tensor:
        return self.images.index_select(0, indices).double() / 127.5 - 1


def engine_of(recipe: Recipe, group: SingleProcess, num_images: int = 100) -> Engine:
    data = recipe.data.train()
    assert isinstance(data, ImageSet)
    return Engine.build(recipe, DoubleSet(data.images[:num_images]), 7, CPU, group)


def trace(recipe: Recipe, group: SingleProcess, rounds: int, num_images: int = 100) -> list[Any]:
    """All numbers of each round, then a sum over all weights and statistics, network by network."""
    with own_torch_state(CPU):
        engine = engine_of(recipe, group, num_images)
        moments = list(run_rounds(engine, lambda: Duration(rounds=rounds), START))
    sums = [sum(tensor.double().abs().sum().item() for tensor in n.state_dict().values()) for n in engine.gan.networks]
    numbers = [info.numbers or {} for info in moments]
    return [{name: value for name, value in each.items() if value is not None} for each in numbers] + [sums]


def small(name: str, batch_size: int, **more: str) -> Recipe:
    changes = {"journal": '{"rounds": 1}', "batch_size": str(batch_size)}
    return resolve(name, TUTORIALS[name] | changes | more)


def traces(group: SingleProcess) -> dict[str, Any]:
    modern = resolve("paper", MODERN | {"journal": '{"rounds": 1}', "batch_size": "24"})
    differences = small("dcgan", 24, penalties='["r1-fd", "r2-fd"]')  # through dropout
    clustered = resolve("selfcond", SETTINGS["selfcond"] | {"journal": '{"rounds": 1}', "batch_size": "24"})
    return {name: trace(small(name, 24), group, ROUNDS, 250) for name in TUTORIALS} | {
        "selfcond": trace(clustered, group, ROUNDS, 250),
        "modern": trace(modern, group, ROUNDS, 250),
        "differences": trace(differences, group, ROUNDS, 250),
    }


def odd_batches(group: SingleProcess) -> dict[str, Any]:
    """13 samples a batch, and one to three in an epoch's last batch: fewer than there are processes."""
    return {name: trace(small(name, 13), group, 3, 13 + left) for name, left in (("dcgan", 1), ("paper", 2), ("vanilla", 3))}


def evaluation(group: SingleProcess) -> dict[str, Any]:
    """What the processes draw and measure together, and what one may do by itself without the others."""
    recipe = small("dcgan", 24)
    with own_torch_state(CPU):
        engine, test = engine_of(recipe, group), recipe.data.test()
        assert isinstance(test, ImageSet)
        test = DoubleSet(test.images[:200])
        engine.train_round(0)
        samples = EngineSampler(engine, engine.data).samples_across_processes(300, "quick score", 1)
        alone = EngineSampler(engine, engine.data).samples(300, "quick score", 1) if group.is_rank0 else samples
        numbers = probes.run_probes(engine, test) if group.is_rank0 else {}
        return {
            "test": probes.traces_on_test_images(engine, test, 1),
            "samples": samples.flatten(1)[:, ::40].tolist(),
            "same": torch.equal(samples, alone),
            "checkup": all(map(isfinite, numbers.values())),
        }


def batch_norms(group: SingleProcess) -> dict[str, Any]:
    """The shares of a batch through synchronised batch norm, and how far all is from PyTorch's own on the whole batch."""
    found = {}
    for name, shape in SHAPES.items():
        for momentum in (0.1, None):
            rng = torch.Generator().manual_seed(len(shape))
            kind = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
            layers = [kind(shape[1], momentum=momentum) for _ in range(2)]
            for layer in layers:
                layer.weight.data, layer.bias.data = (torch.linspace(a, 2, shape[1]) for a in (0.5, -1))
            network = nn.Sequential(layers[1])
            names = list(network.state_dict())
            network = convert_sync_batchnorm(network)
            assert list(network.state_dict()) == names
            found[f"{name}, momentum {momentum}"] = _beside_whole(group, layers[0], network, shape, rng)
    return found


def _beside_whole(
    group: SingleProcess, whole: nn.Module, shared: nn.Module, shape: tuple[int, ...], rng: torch.Generator
) -> float:
    x, dy = (3 + 2 * torch.randn(shape, generator=rng) for _ in range(2))
    x = x.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else x
    x.requires_grad_()
    whole(x).backward(dy)
    own = group.my_share(len(x))
    part = x.detach()[own.start : own.stop].requires_grad_()
    all_gather: Callable[[Tensor], Tensor] = getattr(group, "all_gather", lambda values: values[None])
    with sharded(shared, Rows(len(x), ((own.start, own.stop),), rng, all_gather)):
        y = shared(part)
    y.backward(dy[own.start : own.stop])
    assert x.grad is not None
    assert part.grad is not None
    assert torch.equal(shared.eval()(part), shared(part))  # nobody is asked in inference
    sums = all_gather(torch.cat([p.grad.flatten() for p in shared.parameters() if p.grad is not None])).sum(0)
    pairs = [(part.grad, x.grad[own.start : own.stop]), (y, whole(x.detach()).detach()[own.start : own.stop])]
    pairs += [(sums, torch.cat([p.grad.flatten() for p in whole.parameters() if p.grad is not None]))]
    again = type(whole)(shape[1], momentum=whole.momentum)  # pyright: ignore
    again(x.detach())
    pairs += [(a.double(), b.double()) for a, b in zip(shared.buffers(), again.buffers(), strict=True)]
    return max(((a - b).abs().max().item() for a, b in pairs if a.numel()), default=0.0)


def per_process(group: SingleProcess) -> dict[str, Any]:
    """Batch norm by itself: another trace, one and the same in every process."""
    recipe = replace(small("dcgan", 24), batch_norm="per-process")
    too_small = replace(recipe, batch_size=2 * group.size - 1)
    return {"trace": trace(recipe, group, 3), "too small": said(lambda: engine_of(too_small, group))}


def errors(group: SingleProcess) -> dict[str, Any]:
    """One process fails, and all do, in its words; what is said by the first reaches all."""

    def refuse() -> None:
        if group.rank == group.size - 1:
            raise InputError(f"no, says {group.rank}")

    return {
        "agreed": said(lambda: group.raise_together(refuse)),
        "first": group.on_rank0(lambda: {"from": group.rank}),
        "small batch": said(lambda: engine_of(small("paper", 1), group)),
        "part": list(group.my_share(5)),
    }


def said(work: Callable[[], object]) -> str:
    try:
        work()
    except SparringError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def find(group: SingleProcess) -> Mapping[str, Any]:
    tasks = (traces, odd_batches, evaluation, batch_norms, per_process, errors)
    return {task.__name__: task(group) for task in tasks}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    with process_group(Launch.of(), 60) as group:
        group.assign_device(lambda: CPU)
        found = dict(find(group))
        if group.is_rank0:
            time.sleep(0.5)  # as one that has to write
            (folder / f"{group.size}-written").touch()
    found["left_last"] = (folder / f"{group.size}-written").exists()
    (folder / f"{group.size}-{group.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
