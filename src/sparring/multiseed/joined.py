"""Seeds that are trained in this process, round by round, with their steps recorded together as CUDA graphs."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from signal import Signals

import torch

from sparring.api.origin import Origin
from sparring.api.session import Options, Session, load_data, recording_failure
from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.config.schedules import START
from sparring.data.sets import Dataset, HostImageSet
from sparring.distributed.single_process import SingleProcess
from sparring.errors import SparringError
from sparring.evaluation import Reference
from sparring.multiseed.seeds import Seed
from sparring.multiseed.task import Task
from sparring.runs import roll_back
from sparring.runs.progress import Progress
from sparring.runs.recorder import Recorder
from sparring.runs.run import require_empty
from sparring.runs.signals import ENDINGS, StopSignals
from sparring.runs.watch import Watch
from sparring.storage import locks
from sparring.training.engine import Engine
from sparring.training.settle import settle
from sparring.training.together import JoinedEngine, NotJoinableError, Together, check_joinable

HEADROOM = 1.5  # over the peak of an eager round, for what a graph keeps
FOR_LIBRARIES = 64 << 20  # bytes that cuBLAS and cuDNN take for each branch of a graph

Ended = tuple[Seed, int, str]
"""A seed whose training has ended, with the exit status of a command that trains it alone, and the reason if it failed."""


def is_joined(task: Task) -> bool:
    """True if the new seeds of a task train together in one process."""
    is_possible = task.engine == "capture" and devices.resolve(task.device).type == "cuda"
    return is_possible and task.resolved.accumulate == 1 and not task.deterministic


class Joined:
    """Trains new seeds of a task together, until a signal stops them."""

    def __init__(self, task: Task, progress: Progress, stop: StopSignals):
        self._task, self._progress, self._stop = task, progress, stop
        self._device = devices.resolve(task.device)
        options = Options(self._device, patience=task.patience, on_write_error=task.on_write_error)
        self._session = Session(options, SingleProcess(), self._device, progress)

    def train(self, seeds: Sequence[Seed], may_begin: Callable[[], bool] = lambda: True) -> Iterator[list[Ended]]:
        """Train all of them, as many at once as the GPU has memory for; gives those that have ended after every round.

        `may_begin`: whether further seeds may begin, which is asked before each group.
        Raises NotJoinableError before the first round for a recipe whose seeds cannot be trained together.
        """
        recipe = self._task.resolved
        with own_torch_state(self._device):
            train_set, test = load_data(recipe, self._device, self._progress)
            for sentence in settle(recipe, train_set, self._device).sentences:
                self._progress.say(sentence)
            if isinstance(train_set, HostImageSet):
                raise NotJoinableError("the training images stay in main memory")
            train_set = train_set.to(self._device)
            for seed in seeds:
                require_empty(seed.place)
            reference = self._session.reference(recipe)  # whose extractor is on the GPU before free memory is looked at
            at_once = self._at_once(train_set, len(seeds))
            for first in range(0, len(seeds), at_once):
                if not self._stop.requested and may_begin():
                    yield from self._train_group(seeds[first : first + at_once], train_set, test, reference)
                    gc.collect()  # a recorder and its watch refer to each other, and would keep the memory of their engine

    def _at_once(self, data: Dataset, num: int) -> int:
        """How many of `num` seeds the GPU has memory for, by a round of one of them; on other devices all."""
        if self._device.type != "cuda":
            return num
        before = torch.cuda.memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        engine = Engine.build(self._task.resolved, data, 0, self._device, graphed=False)
        check_joinable(engine)  # else a guarded round might raise what only its own run would take
        engine.train_round(0)
        need = round(HEADROOM * (torch.cuda.max_memory_allocated(self._device) - before)) + FOR_LIBRARIES
        torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info(self._device)
        fitting, sentence = fit(num, need, free, total)
        if sentence:
            self._progress.say(sentence)
        return fitting

    def _train_group(
        self, group: Sequence[Seed], data: Dataset, test: Dataset, reference: Reference | None
    ) -> Iterator[list[Ended]]:
        recipe = self._task.resolved
        engines = [JoinedEngine.build(recipe, data, seed.number, self._device, graphed=False) for seed in group]
        together = Together(engines)
        with ExitStack() as held:
            runs = []
            for seed, engine in zip(group, engines, strict=True):
                held.enter_context(locks.run_lock(seed.place))
                runs.append(_SeedRun(seed, self._recorder(seed, engine, test, reference), self._observers()))
            go_on = _SeedRun.begin  # what comes before a round uses the weights that the round changes
            while runs:
                found = [(run, go_on(run)) for run in runs]
                if self._stop.requested:
                    found = [(run, end or run.stop(self._stop.requested)) for run, end in found]
                runs = [run for run, end in found if not end]
                for run, end in found:
                    if end:
                        together.leave(run.engine)
                yield [end for _, end in found if end]
                go_on = _SeedRun.train_round

    def _recorder(self, seed: Seed, engine: JoinedEngine, test: Dataset, reference: Reference | None) -> Recorder:
        task = self._task
        origin = Origin.of(task.start_from) if task.start_from is not None else None
        if origin is not None:
            origin.load_into(engine)
        facts = self._session.facts(engine, origin) | {"settings": dict(task.settings)}
        return self._session.begin_run(seed.place, engine, test, reference, facts, say=lambda _: None)

    def _observers(self) -> Sequence[object]:
        """Those of one seed."""
        observers = []
        if self._task.tensorboard:
            from sparring.runs.tensorboard import TensorBoard

            observers.append(TensorBoard())
        return Options(observers=observers, patience=self._task.patience).observers


def fit(num: int, need: int, free: int, total: int) -> tuple[int, str | None]:
    """How many of `num` seeds that need so many bytes each train at once, at least one; and a sentence unless all do."""
    fitting = max(1, min(num, free // need))
    if fitting == num:
        return num, None
    there = f"{devices.in_gib(free)} of the GPU's {devices.in_gib(total)} are free"
    return fitting, f"{fitting} of {num} seeds at a time: each takes about {devices.in_gib(need)}, and {there}"


class _SeedRun:
    """One seed's run among those that are trained together."""

    def __init__(self, seed: Seed, recorder: Recorder, observers: Sequence[object]):
        self.seed, self._recorder = seed, recorder
        self._watch = Watch(recorder, Progress(quiet=True), observers)
        self._rounds = roll_back.rounds(recorder, START)

    @property
    def engine(self) -> JoinedEngine:
        engine = self._recorder.engine
        assert isinstance(engine, JoinedEngine)
        return engine

    def begin(self) -> Ended | None:
        """Write what is due before the first round; says so where that failed."""
        return self._guarded(lambda: self._watch.on_start(START))

    def train_round(self) -> Ended | None:
        """Train a round; says so where it was the last one, or failed."""
        return self._guarded(self._train_round)

    def _train_round(self) -> Ended | None:
        watch, info = self._watch, next(self._rounds)
        watch.on_round(info)
        if not (info.last or watch.is_stopping):
            return None
        watch.on_end(watch.ending, watch.reason)
        return self.seed, 1 if watch.failure else 0, watch.reason or ""

    def stop(self, number: Signals) -> Ended | None:
        """Save the run as it is, for a signal came."""

        def save() -> Ended:
            self._watch.on_end(ENDINGS[number.name], None)
            return self.seed, 128 + number, ""

        return self._guarded(save)

    def _guarded(self, work: Callable[[], Ended | None]) -> Ended | None:
        try:
            with recording_failure(self._recorder, self._watch):
                return work()
        except SparringError as error:
            return self.seed, error.exit_status, str(error)
