"""Training of several seeds side by side: complete runs are kept, stopped runs are resumed."""

import signal
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparring.api import arguments
from sparring.config import devices
from sparring.config.threads import free_cores
from sparring.errors import InputError, MachineError, NonFiniteError
from sparring.multiseed import workers
from sparring.multiseed.joined import Joined, is_joined
from sparring.multiseed.seeds import Seed, reason_of_failure
from sparring.multiseed.summary import FILE, Failure, SeedRuns, work_before
from sparring.multiseed.task import Task
from sparring.multiseed.workers import Worker
from sparring.runs import listing
from sparring.runs.folders import default_folder
from sparring.runs.progress import SILENCE_SECONDS, Progress
from sparring.runs.run import Run, require_empty
from sparring.runs.signals import STOPS, StopSignals
from sparring.storage import locks
from sparring.storage.files import write_json
from sparring.training.capture import check_engine
from sparring.training.together import NotJoinableError

POLL_SECONDS = 0.1  # between checks for finished workers; journals are read once a second
STOPPED = (*(128 + number for number in STOPS), *(-number for number in STOPS))  # negative: before its handler was set


class SeedsStopped(KeyboardInterrupt):
    """A signal stopped the training of several seeds; all runs are saved.

    `exit_status` follows the shell's convention for the signal, 128 + its number.
    """

    def __init__(self, runs: SeedRuns, number: signal.Signals):
        num = len(runs.runs) + len(runs.failed) + len(runs.unfinished)
        super().__init__(
            f"stopped with {len(runs.runs)} of {num} seeds done; "
            f"to continue, repeat it with --out {runs.folder} (in Python: out=)"
        )
        self.runs: SeedRuns = runs
        self.exit_status: int = 128 + number


def train_seeds(
    recipe: str | Task,
    seeds: Iterable[int],
    *,
    out: str | Path | None = None,
    threads: int | None = None,
    quiet: bool = False,
    **options: Any,
) -> SeedRuns:
    """Train a recipe with several seeds, each in a process of its own; each run equals one that is trained alone.

    With engine="capture" all new seeds train in this process instead, their steps recorded together as CUDA graphs, unless they
    are deterministic or their batches are accumulated.

    recipe: a registered name, a Python file that registers a recipe, or a `Task` with all options.
    seeds: whole numbers of at least 0, such as range(16).
    out: the folder of the runs and their summary, by default a new one under runs/. Complete runs in it are kept and stopped
        ones are resumed; the summary covers all seeds in the folder.
    threads: for each seed that has not begun; by default a share of the cores that other programs leave free, as in `train`.
    quiet: shows no progress.
    options: as for `train`: data (a name or a path), settings, start_from, device, engine, deterministic, patience,
        on_write_error, and one of epochs, images, rounds and minutes; tensorboard=True, which writes its event files; and
        code, a Python file that registers parts of your own.

    A seed that becomes non-finite is listed in `failed` and does not stop the others; after any other failure no further seed
    starts. Raises InputError for unusable input, such as an object of this program, which no other process has, and
    SeedsStopped (a KeyboardInterrupt) on Ctrl-C, SIGTERM or SIGHUP, with all runs saved.
    """
    task = recipe if isinstance(recipe, Task) else Task.of(recipe, **options)
    asked = sorted(set(seeds))
    if not asked or asked[0] < 0:
        raise InputError(f"seeds are {asked}; name one or more, each at least 0")
    device = devices.resolve(task.device)
    check_engine(task.engine, task.resolved, device)
    devices.check_precision(task.resolved.precision, device)
    cores = free_cores()
    threads = arguments.threads(threads) or workers.threads_for(len(asked), cores, task.threads_that_gain)
    at_once = workers.at_once(threads, task.device, cores)
    with ExitStack() as held, Progress(quiet) as progress:
        default = default_folder(f"{task.resolved.name}-{_label(asked)}")
        folder = Path(out) if out is not None else held.enter_context(locks.new_run_lock(default))
        seeds_there = {*asked, *_seeds_in(folder)}
        found = [Seed.inspect(task, number, folder / f"seed{number}", threads) for number in sorted(seeds_there)]
        todo = [seed for seed in found if seed.number in asked and seed.state in ("new", "stopped")]
        together = [seed for seed in todo if seed.state == "new"] if is_joined(task) else []
        session = _Session(task, folder, found, at_once, progress)
        if todo:
            if not task.resolved.data.is_cached():
                task.resolved.data.fetch(progress.transfer)
            how = f"{min(len(todo), at_once)} at a time with {threads} thread{'s' * (threads > 1)} each"
            how = f"{len(together)} of them together" if together else how
            progress.say(f"{task.resolved.name}, seeds to train: {len(todo)}, {how}; {task.resolved.length} -> {folder}")
            if out is not None:
                held.enter_context(locks.run_lock(folder))
            session.train(together, [seed for seed in todo if seed not in together])
    return session.summary()


def _label(seeds: Sequence[int]) -> str:
    """`seeds0-15` for consecutive seeds, else their number, such as `3seeds`."""
    if len(seeds) > 1 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"seeds{seeds[0]}-{seeds[-1]}"
    return f"{len(seeds)}seeds" if len(seeds) > 1 else f"seeds{seeds[0]}"


def _seeds_in(folder: Path) -> list[int]:
    """The seeds that have runs in a folder; InputError if the folder holds anything else."""
    seeds = list(listing.seeds(folder))
    if not seeds and not (folder / FILE).is_file():
        require_empty(folder)
    return seeds


@dataclass
class _Session:
    """One session of training several seeds: the running workers, the failures, and the work done."""

    task: Task
    folder: Path
    seeds: Sequence[Seed]
    at_once: int
    progress: Progress
    failed: dict[int, Failure] = field(default_factory=dict)
    images: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self._running: dict[Seed, Worker] = {}
        self._stopping = False
        self._images_before, self._seconds_before = work_before(self.folder / FILE)
        self._at_start = {seed: seed.images() if seed.state != "new" else 0 for seed in self.seeds}
        self._began = time.perf_counter()
        self._shown = self._told = self._began

    def train(self, together: Sequence[Seed], others: Sequence[Seed]) -> None:
        """Train the first seeds together in this process, then the others in workers; raises SeedsStopped after a stop signal,
        once all runs are saved."""
        with StopSignals() as stop:
            waiting = deque([*(self._train_together(together, stop) if together else ()), *others])
            if self._stopping or not self._may_go_on:
                waiting.clear()
            try:
                while self._running or waiting:
                    if stop.requested and not self._stopping:
                        self._stopping = True
                        waiting.clear()
                        for worker in self._running.values():
                            worker.ask_to_stop(stop.requested)
                    while waiting and len(self._running) < self.at_once:
                        self._begin(waiting.popleft())
                    time.sleep(POLL_SECONDS)
                    if not self._collect_ended():
                        waiting.clear()
                    self._show(len(self._running))
            finally:
                for worker in self._running.values():
                    worker.kill()
                    worker.close()
            runs = self.summary()
        if stop.requested and runs.unfinished:
            raise SeedsStopped(runs, stop.requested)

    def _train_together(self, seeds: Sequence[Seed], stop: StopSignals) -> Sequence[Seed]:
        """Those that are left for workers: all, where they cannot be trained together."""
        num_running = len(seeds)
        try:
            for ended in Joined(self.task, self.progress, stop).train(seeds, lambda: self._may_go_on):
                self._stopping, num_running = stop.requested is not None, num_running - len(ended)
                for seed, status, reason in ended:
                    self._report(seed, status, reason)
                self._show(num_running)
        except NotJoinableError as error:
            self.progress.say(f"each seed trains in a process of its own, for {error}")
            return seeds
        self._count()
        return ()

    def summary(self) -> SeedRuns:
        """The current state of all seeds; also written to summary.json once there is a run."""
        runs, failed = {}, dict(self.failed)
        for seed in self.seeds:
            now = Seed.inspect(self.task, seed.number, seed.place, seed.threads)
            if now.state == "done":
                runs[seed.number] = Run.open(seed.place)
            elif now.state == "failed":
                reason = reason_of_failure(Run.open(seed.place)) or ""
                failed.setdefault(seed.number, Failure(seed.number, str(seed.place), NonFiniteError.exit_status, reason))
        found = SeedRuns(
            self.folder,
            self.task.resolved.name,
            runs,
            tuple(failure for _, failure in sorted(failed.items())),
            tuple(seed.number for seed in self.seeds if seed.number not in runs and seed.number not in failed),
            self._images_before + self.images,
            self._seconds_before + self.seconds,
        )
        if any(seed.place.is_dir() for seed in self.seeds):
            write_json(self.folder / FILE, found.as_json())
        return found

    def _begin(self, seed: Seed) -> None:
        arguments = self.task.begin(seed.number, seed.place) if seed.state == "new" else self.task.resume(seed.place)
        self._running[seed] = Worker(arguments, seed.threads)

    def _collect_ended(self) -> bool:
        """Collect workers that have ended; False if one failed in a way that other seeds would share."""
        ended = [seed for seed, worker in self._running.items() if worker.status is not None]
        for seed in ended:
            worker = self._running.pop(seed)
            status = worker.status or 0
            if status == 1:
                self.progress.say(worker.stderr())  # a traceback
            self._report(seed, status, worker.reason() if status else "")
            worker.close()
        if ended:
            self._count()
            self.summary()
        return self._may_go_on

    @property
    def _may_go_on(self) -> bool:
        return all(failure.status == NonFiniteError.exit_status for failure in self.failed.values())

    def _report(self, seed: Seed, status: int, reason: str) -> None:
        """Print how a seed ended, and record the reason if it failed."""
        name = f"seed {seed.number}"
        if status == 0:
            last = seed.newest()
            assert last is not None
            self.progress.say(f"{name} is done: G {last['g_loss']:.3f}, D {last['d_loss']:.3f} after {last['seconds']:.1f} s")
        elif self._stopping and status in STOPPED:
            self.progress.say(f"{name} is stopped and saved")
        else:
            known = status if status in (1, 2, 3) else MachineError.exit_status
            self.failed[seed.number] = Failure(seed.number, str(seed.place), known, reason)
            self.progress.say(f"{name} failed: {reason}")

    def _count(self) -> None:
        """Update the images and seconds of this session."""
        self.images = sum(max(0, seed.images() - before) for seed, before in self._at_start.items())
        self.seconds = time.perf_counter() - self._began

    def _show(self, num_running: int) -> None:
        """Update the progress bar once a second; without a bar, print a line now and then."""
        now = time.perf_counter()
        if now - self._shown < 1:
            return
        self._shown = now
        self._count()
        length, label = self.task.resolved.length, f"{self.task.resolved.name}, {len(self.seeds)} seeds"
        share = sum(seed.share(length) for seed in self.seeds) / len(self.seeds)
        news = f"{num_running} running  {self.images / self.seconds:,.0f} images/s"
        self.progress.step(label, round(1000 * share), 1000, news)
        if not self.progress.live and now - self._told > SILENCE_SECONDS:
            self.progress.say(f"{label}: {share:.0%}, {news}")
            self._told = now
