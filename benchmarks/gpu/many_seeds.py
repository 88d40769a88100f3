"""Sixteen seeds of one recipe in one process: how long a round of all of them takes, and whether each keeps its bits."""

from speed import cudnn_set, timed_rounds
from visit import Visit, data_of, engine_of, recipe_of

from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.training.together import JoinedEngine, Together

NUMS = (1, 4, 16)


class Round:
    """A round of all engines, which is timed as that of one engine is."""

    def __init__(self, engines: list[JoinedEngine]):
        self._engines = engines

    def train_round(self, round_: int) -> None:
        for engine in self._engines:
            engine.train_round(round_)


def seeds(visit: Visit) -> None:
    """Milliseconds of a round of all seeds, by their number; and the largest difference of a weight to a seed's own run."""
    for name in visit.within(30, ("vanilla", "flash")):
        for num in visit.within(15, NUMS, few=2):
            with visit.telling("seeds", recipe=name, num=num) as facts, own_torch_state(visit.device):
                engines = joined(visit, name, num)
                facts |= timed_rounds(visit, Round(engines)) | {"peak_mib": round(devices.peak_memory_mib(visit.device), 1)}
                facts |= {"failure": engines[0].steps.failure, "differences": engines[0].steps.differences}
        with visit.telling("seeds_alike", recipe=name) as facts, own_torch_state(visit.device), cudnn_set("deterministic"):
            facts["differ_by"] = [_differs_by(visit, name, graphed) for graphed in (False, visit.is_cuda)]


def joined(visit: Visit, name: str, num: int) -> list[JoinedEngine]:
    """Engines of a recipe with the seeds from 0 on, which share the data."""
    recipe = recipe_of(name)
    data = data_of(recipe).to(visit.device)
    engines = [JoinedEngine.build(recipe, data, seed, visit.device, graphed=False) for seed in range(num)]
    Together(engines)
    return engines


def _differs_by(visit: Visit, name: str, graphed: bool, rounds: int = 12) -> float:
    """The largest difference of a weight of seed 0 after some rounds, together with another seed and alone."""
    engines, alone = joined(visit, name, 2), engine_of(name, visit.device, graphed=graphed)
    for round_ in range(rounds):
        Round(engines).train_round(round_)
        alone.train_round(round_)
    pairs = zip(engines[0].gan.networks, alone.gan.networks, strict=True)
    weights = [zip(one.state_dict().values(), other.state_dict().values(), strict=True) for one, other in pairs]
    return max((a.double() - b.double()).abs().max().item() for pair in weights for a, b in pair)
