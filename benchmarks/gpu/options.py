"""What options do on a device: the same bits twice, images that stay in main memory, and batches in parts."""

from itertools import product
from typing import Any

import torch
from agreement import distance
from speed import cudnn_set, largest, state_of, timed_rounds
from visit import Visit, data_of, engine_of, recipe_of
from whole_runs import scratch

from sparring.api.train import train
from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.data.sets import HostImageSet, ImageSet
from sparring.training.engine import Engine


def deterministic(visit: Visit) -> None:
    """Two runs with the option: whether their generators are the same files, to the byte."""
    for name in visit.within(15, ("flash", "dcgan", "ring")):
        with visit.telling("deterministic", recipe=name) as facts:
            files = []
            for time in range(2):
                out = scratch() / f"deterministic-{name}{time}"
                rounds, device = 3 if visit.few else 300, visit.device.type
                run = train(name, rounds=rounds, out=out, deterministic=True, device=device, quiet=True)
                files.append([path.read_bytes() for path in sorted((run.path / "generator").glob("*.safetensors"))])
            facts["same"] = files[0] == files[1]


def from_host(visit: Visit) -> None:
    """Rounds with the images on the device and in main memory, in ms, eager and as graphs; how far their weights differ."""
    for size, graphed in visit.within(10, product((64, 128), (False, visit.is_cuda))):
        with visit.telling("from_host", recipe="photo", pixels=size, graphed=graphed) as facts, own_torch_state(visit.device):
            recipe = recipe_of("photo", size)
            images = data_of(recipe)
            assert isinstance(images, ImageSet)
            for way, data in (("device", images), ("host", HostImageSet.of(images))):
                engine = Engine.build(recipe, data, 0, visit.device, graphed=graphed)
                facts[f"{way}_ms"] = timed_rounds(visit, engine)["ms"]
            with cudnn_set("deterministic"):
                engines = [
                    Engine.build(recipe, data, 0, visit.device, graphed=graphed) for data in (images, HostImageSet.of(images))
                ]
                facts["differ_by"] = largest(*(state_of(engine, 3 if visit.few else 12) for engine in engines))


def accumulated(visit: Visit) -> None:
    """Whole batches and batches in four parts, computed eagerly: ms a round, peak memory, and how far the gradients differ."""
    for name in visit.within(10, ("flash", "r3")):
        with visit.telling("accumulated", recipe=name) as facts, own_torch_state(visit.device):
            gradients = []
            for parts in (1, 4):
                if visit.is_cuda:
                    torch.cuda.reset_peak_memory_stats()
                changes: dict[str, Any] = {"accumulate": parts}
                engine = engine_of(name, visit.device, graphed=False, **changes)
                engine.train_round(0)
                gradients.append(flat_gradients(engine))
                facts[f"peak_mib_{parts}"] = round(devices.peak_memory_mib(visit.device), 1)
                facts[f"ms_{parts}"] = timed_rounds(visit, engine)["ms"]
            facts["differ_by"] = distance(*gradients)


def flat_gradients(engine: Engine) -> torch.Tensor:
    players = engine.gan.generator, engine.gan.discriminator
    return torch.cat([each.flatten() for player in players for each in player.gradients]).double().cpu()
