"""Seeds that train together in one process, here on the CPU, where the steps of all of them are computed eagerly."""

import importlib
import signal
import weakref
from pathlib import Path

import pytest
import torch

import sparring
from sparring import multiseed
from sparring.api import session
from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.multiseed import SeedsStopped, Task, joined
from sparring.runs import checkpoint
from sparring.runs.run import Run
from sparring.training.together import JoinedEngine
from tiny import SETTINGS

train_seeds = importlib.import_module("sparring.multiseed.train_seeds")  # whose name in the package is the function's
TINY = SETTINGS["vanilla"] | {"review": "null", "journal": '{"rounds": 1}', "keep_checkpoints": "9"}
ROUNDS = 5
KEPT = ("event", "round", "g_loss", "d_loss", "g_gradient", "frechet_distance", "file", "text", "ending")


@pytest.fixture(autouse=True)
def together_on_the_cpu(monkeypatch):
    monkeypatch.setattr(train_seeds, "is_joined", lambda task: True)


@pytest.fixture
def no_workers(monkeypatch):
    def refuse(*_):
        raise AssertionError("a worker was started")

    monkeypatch.setattr(train_seeds, "Worker", refuse)


def train(*seeds: int, start_from: str | None = None, **settings: str) -> multiseed.SeedRuns:
    task = Task.of("vanilla", settings=TINY | settings, rounds=ROUNDS, start_from=start_from)
    return multiseed.train_seeds(task, seeds, out="p", quiet=True)


def same(one: Run, other: Run) -> bool:
    """True if two runs have the same checkpoints, pictures and events, times aside."""
    lines = [[{name: event.get(name) for name in KEPT} for event in run.journal()] for run in (one, other)]
    files = [{path.name: path.read_bytes() for path in (run.path / "samples").iterdir()} for run in (one, other)]
    saved = [{path.name: checkpoint.read(path) for path in checkpoint.paths(run.path / "checkpoints")} for run in (one, other)]
    alike = all(_equal(each.tensors, saved[1][name].tensors) for name, each in saved[0].items())
    return lines[0] == lines[1] and files[0] == files[1] and saved[0].keys() == saved[1].keys() and alike


def _equal(these: dict[str, torch.Tensor], those: dict[str, torch.Tensor]) -> bool:
    return these.keys() == those.keys() and all(torch.equal(these[name], those[name]) for name in these)


def alone(seed: int, start_from: str | None = None, **settings: str) -> Run:
    given = {"settings": TINY | settings, "start_from": start_from, "rounds": ROUNDS}
    return sparring.train("vanilla", out=f"alone{seed}", seed=seed, quiet=True, **given)


@pytest.mark.usefixtures("no_workers")
def test_each_run_is_the_one_that_its_seed_makes_alone(monkeypatch):
    monkeypatch.setattr(session, "output_warnings", lambda recipe, data: ["D ends in a sigmoid"])
    with_scores, origin = {"review": '{"rounds": 2}'}, str(alone(9).path)
    found = train(0, 4, start_from=origin, **with_scores)
    assert (list(found.runs), found.failed, found.unfinished) == ([0, 4], (), ())
    assert found.images == 2 * ROUNDS * 96
    for seed, run in found.runs.items():
        assert checkpoint.paths(run.path / "checkpoints")[-1].name == "round_00000000.safetensors"
        other = alone(seed, start_from=origin, **with_scores)
        assert same(run, other)
        assert run.recipe == other.recipe
        assert run.facts == other.facts


@pytest.mark.usefixtures("no_workers")
def test_a_seed_that_becomes_non_finite_ends_and_the_others_keep_their_bits(monkeypatch):
    numbers = JoinedEngine.numbers

    def failing(self, readings):
        if self.seed == 1 and self.gan.context.round == 2:
            raise DivergenceError(NonFiniteValue("g_loss", "generator", "nan"))
        return numbers(self, readings)

    monkeypatch.setattr(JoinedEngine, "numbers", failing)
    found = train(0, 1)
    assert [(failure.seed, failure.status) for failure in found.failed] == [(1, 3)]
    assert list(Run.open("p/seed1").journal())[-1]["ending"] == "non-finite"
    assert same(found.runs[0], alone(0))


@pytest.mark.usefixtures("no_workers")
def test_an_error_of_a_common_round_ends_all_of_them_and_starts_no_worker(monkeypatch):
    half_step = JoinedEngine.half_step

    def failing(self, inputs, before):
        if self.seed == 1 and self.gan.context.round == 2:
            raise MemoryError("out of memory")
        return half_step(self, inputs, before)

    monkeypatch.setattr(JoinedEngine, "half_step", failing)
    found = train(0, 1)
    assert [(failure.seed, failure.status) for failure in found.failed] == [(0, 4), (1, 4)]
    assert "a smaller batch_size or narrower networks need less" in found.failed[0].reason


class Failing:
    """An observer that fails in the second round."""

    def on_round(self, event):
        if event.round == 2:
            raise OSError("no room for events")


@pytest.mark.usefixtures("no_workers")
def test_an_observer_that_fails_ends_its_own_seed_and_no_further_one_begins(monkeypatch):
    observers = iter(([Failing()], [], []))
    monkeypatch.setattr(joined.Joined, "_observers", lambda self: next(observers))
    monkeypatch.setattr(joined.Joined, "_at_once", lambda self, data, num: 2)
    found = train(0, 1, 2)
    assert [(failure.seed, failure.status, failure.reason) for failure in found.failed] == [
        (0, 1, "OSError: no room for events")
    ]
    assert list(Run.open("p/seed0").journal())[-1]["ending"] == "interrupted"
    assert (list(found.runs), found.unfinished) == ([1], (2,))
    assert not Path("p/seed2").exists()


@pytest.mark.usefixtures("no_workers")
def test_a_signal_saves_all_of_them_after_the_same_round_and_resume_goes_on_as_if_there_had_been_none(monkeypatch):
    inputs = JoinedEngine.inputs

    def interrupted(self, round_):
        if self.seed == 0 and round_ == 2:
            signal.raise_signal(signal.SIGINT)
        return inputs(self, round_)

    monkeypatch.setattr(JoinedEngine, "inputs", interrupted)
    with pytest.raises(SeedsStopped) as stopped:
        train(0, 1)
    assert (stopped.value.exit_status, stopped.value.runs.unfinished) == (130, (0, 1))
    for seed in (0, 1):
        run = Run.open(f"p/seed{seed}")
        assert list(run.journal())[-1]["ending"] == "interrupted"
        assert run.newest_checkpoint()[0].info.round == 3
    resumed = sparring.resume("p/seed1", quiet=True)
    assert _equal(resumed.newest_checkpoint()[0].tensors, alone(1).newest_checkpoint()[0].tensors)


def test_seeds_that_cannot_be_joined_train_in_processes_of_their_own(capsys, monkeypatch):
    begun = []
    monkeypatch.setattr(train_seeds._Session, "_begin", lambda self, seed: begun.append(seed.number))
    task = Task.of("dropout-mlp", settings=SETTINGS["dropout-mlp"], rounds=1)
    found = multiseed.train_seeds(task, [0, 1], out="p")
    assert (begun, found.unfinished) == ([0, 1], (0, 1))
    assert "each seed trains in a process of its own, for a layer draws" in capsys.readouterr().err
    assert not Path("p/seed0").exists()


def test_as_many_seeds_at_once_as_the_memory_holds():
    gib = 2**30
    assert joined.fit(16, gib, 80 * gib, 80 * gib) == (16, None)
    assert joined.fit(16, 5 * gib, 17 * gib, 80 * gib) == (
        3,
        "3 of 16 seeds at a time: each takes about 5.00 GiB, and 17.00 GiB of the GPU's 80.00 GiB are free",
    )
    assert joined.fit(16, 20 * gib, 17 * gib, 80 * gib)[0] == 1  # whose own error says more


@pytest.mark.usefixtures("no_workers")
def test_seeds_that_do_not_fit_train_one_after_another(monkeypatch):
    together, seen = [], []
    set_engines, train_group = joined.Together._set_engines, joined.Joined._train_group

    def noting(self, engines):
        together.append(len(engines))
        seen.extend(map(weakref.ref, engines))
        set_engines(self, engines)

    def alone(self, *args):
        assert not any(engine() for engine in seen)  # the memory of the seeds before is free
        yield from train_group(self, *args)

    monkeypatch.setattr(joined.Together, "_set_engines", noting)
    monkeypatch.setattr(joined.Joined, "_at_once", lambda self, data, num: 2)
    monkeypatch.setattr(joined.Joined, "_train_group", alone)
    assert list(train(0, 1, 2).runs) == [0, 1, 2]
    assert together == [2, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("engine", "device", "together"), [("capture", "cuda", True), ("auto", "cuda", False), ("capture", "cpu", False)]
)
def test_seeds_are_joined_where_graphs_are_asked_for(engine, device, together, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert joined.is_joined(Task.of("vanilla", engine=engine, device=device)) == together
