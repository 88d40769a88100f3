"""A training session: the process group, the recipe's engine, and the training loop, with the run saved at its end."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import torch

from sparring import evaluation
from sparring.api import arguments
from sparring.api.origin import Origin
from sparring.api.own import require_parts
from sparring.config import codec, devices
from sparring.config.non_finite import DivergenceError
from sparring.config.rng import own_torch_state
from sparring.config.schedules import RoundInfo
from sparring.config.threads import ThreadChoice
from sparring.data.sets import Dataset, HostImageSet, ImageSet
from sparring.distributed.launch import Launch
from sparring.distributed.process_group import process_group
from sparring.distributed.single_process import SingleProcess
from sparring.errors import InputError, MachineError, NonFiniteError, SparringError
from sparring.evaluation import Reference, extractors
from sparring.evaluation.references import FeatureReference
from sparring.recipe import Recipe
from sparring.runs import checkpoint, roll_back
from sparring.runs.follower import FollowerRank
from sparring.runs.inbox import Inbox
from sparring.runs.orders import close_file
from sparring.runs.patience import Patience
from sparring.runs.progress import Progress
from sparring.runs.recorder import OnWriteError, Recorder
from sparring.runs.replay import Recording
from sparring.runs.run import Run
from sparring.runs.signals import ENDINGS, StopSignals
from sparring.runs.steering import newest_number, orders_in
from sparring.runs.watch import Watch
from sparring.storage.files import remove_temporaries
from sparring.training.build import check_outputs
from sparring.training.capture import EngineName, FixedInputs, check_engine
from sparring.training.engine import Engine
from sparring.training.followed_cores import FollowedCores
from sparring.training.observers import check_observers
from sparring.training.output_range import output_warnings
from sparring.training.settle import settle
from sparring.training.thread_gain import threads_that_gain

TIMEOUT = 600.0  # seconds


class TrainingStopped(KeyboardInterrupt):
    """Training was stopped from outside; the run is saved. `exit_status` is the shell's convention for the signal."""

    def __init__(self, run: Run, number: signal.Signals):
        super().__init__(f"stopped; go on with `sparring resume {run.path}`")
        self.run: Run = run
        self.exit_status: int = 128 + number


@dataclass(frozen=True)
class Options:
    """What `train` and `resume` take alike; `observers` will hold that of `patience`. Raises InputError for bad values.

    `steer`: orders from outside are followed, see `runs.orders`.
    """

    device: str | torch.device = "auto"
    engine: EngineName = "auto"
    threads: int | None = None
    observers: Sequence[object] = ()
    patience: int | None = None
    on_write_error: OnWriteError = "stop"
    timeout: float = TIMEOUT
    quiet: bool = False
    steer: bool = True

    def __post_init__(self) -> None:
        check_observers(self.observers)
        arguments.choice("engine", self.engine, get_args(EngineName))
        arguments.choice("on_write_error", self.on_write_error, get_args(OnWriteError))
        arguments.seconds("timeout", self.timeout)
        own = [*self.observers, *([] if self.patience is None else [Patience(self.patience)])]
        checked = {"device": arguments.device_name(self.device), "threads": arguments.threads(self.threads), "observers": own}
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Session:
    """The processes of a launch as a group, each with its device; rank 0 shows the progress."""

    options: Options
    group: SingleProcess
    device: torch.device
    progress: Progress

    def build(self, recipe: Recipe, seed: int, threads: int | None = None) -> tuple[Engine, Dataset]:
        """As the function `build`, in all processes, with the options' number of threads, or else with `threads`, or else with
        a number that follows the free cores, without convolutions at every moment."""
        choice, engine = ThreadChoice(self.options.threads, self.device), self.options.engine
        built, test = self.group.raise_together(lambda: build(recipe, seed, self.device, self.progress, self.group, engine))
        if self.group.size == 1 or self.options.threads:  # each of several would count the others as other programs
            choice.take(self.progress.say, threads, threads_that_gain(built.recipe, built.data.shape))
            built.cores = FollowedCores(choice.most) if choice.most and choice.most > 1 else None
        return built, test

    def describe(self, engine: Engine) -> dict[str, Any]:
        """The software, the hardware and the way of computing on which the exact results of a run depend."""
        facts = devices.describe(self.device, engine.recipe.precision)
        return facts | {"engine": engine_name(engine), "processes": self.group.size}

    def facts(self, engine: Engine, origin: Origin | None = None, launch: str | None = None) -> dict[str, Any]:
        """What recipe.json says of a new run beside its recipe. `origin`: where it starts from; `launch`: of which torchrun
        it is."""
        return self.describe(engine) | {
            "launch": launch,
            "data_name": codec.encode(engine.recipe.data)["name"],
            "data_fingerprint": engine.data.fingerprint(),
            "num_images": len(engine.data),
            "shape": list(engine.data.shape),
            "classes": list(engine.codes.names(engine.data)),
            **(origin.facts if origin is not None else {"start_from": None}),
        }

    def begin_run(
        self,
        place: Path,
        engine: Engine,
        test: Dataset,
        reference: Reference | None,
        facts: dict[str, Any],
        say: Callable[[str], None],
    ) -> Recorder:
        """The recorder of a new run in a folder, with the first lines of its journal; `say` gets sentences for the user."""
        if reference is None or isinstance(reference, FeatureReference):
            facts = facts | {"extractor": reference.extractor.label if reference else None}
        remove_temporaries(place)
        run = Run.create(place, engine.recipe, engine.seed, facts)
        recorder = Recorder(run, engine, test, reference, say, self.options.on_write_error)
        recorder.log_start()
        for text in output_warnings(engine.recipe, engine.data):
            say(text)
            recorder.journal.write("warning", round=0, text=text)
        return recorder

    def reference(self, recipe: Recipe, facts: Mapping[str, Any] | None = None) -> Reference | None:
        """The real side of a run's quick scores; None where the recipe wants none, or no extractor suits the data.

        facts: of the run that is resumed or replayed, which keeps its extractor, or goes on without one.
        Raises InputError where there is none and `patience` counts on it.
        """
        patience = self.options.patience
        if recipe.review is None:
            if patience is not None:
                raise InputError('--patience counts quick scores, and the recipe takes none; set review to {"epochs": 1}, say')
            return None
        known = next((path.stem for path in extractors.files() if facts and path.stem == facts.get("extractor")), None)
        reference = evaluation.reference_for(recipe.data, self.device, known, self.progress.step, general=facts is None)
        if reference:
            evaluation.floor(reference, evaluation.QUICK, quick=True)  # now, so that no review waits for the real side
            return reference
        why = "no extractor suits these data, or suited them when the run began; `sparring extractor train` makes one"
        if patience is not None:
            raise InputError(f"--patience counts quick scores, and {why}")
        self.progress.say(f"there are no scores, for {why}")
        return None


@contextmanager
def joined_processes(launch: Launch, options: Options) -> Iterator[Session]:
    """Within the block the processes of a launch train together, and PyTorch's state is the session's own."""
    with process_group(launch, options.timeout) as group, Progress(options.quiet or not group.is_rank0) as progress:
        device = group.assign_device(lambda: devices.resolve(str(options.device)))
        with own_torch_state(device):
            yield Session(options, group, device, progress)


def build(
    recipe: Recipe,
    seed: int,
    device: torch.device,
    progress: Progress,
    group: SingleProcess | None = None,
    engine: EngineName = "auto",
) -> tuple[Engine, Dataset]:
    """The engine of a recipe, and its test images. `group`: by default this process alone.

    `engine`: "eager" takes the plain steps of `training.step`; "capture" records rounds as CUDA graphs; "auto" captures on
    CUDA, and else takes the fast steps of `training.fast`.
    Raises InputError for "capture" on another device, in several processes or of a batch in parts; and as `load_data` and
    `Engine.build`.
    """
    group = group or SingleProcess()
    check_engine(engine, recipe, device, group.size)
    train_set, test = load_data(recipe, device, progress)
    settled = settle(recipe, train_set, device)
    for sentence in settled.sentences:
        progress.say(sentence)
    return Engine.build(settled.recipe, train_set, seed, device, group, fast=engine != "eager"), test


def load_data(recipe: Recipe, device: torch.device, progress: Progress) -> tuple[Dataset, Dataset]:
    """The training and the test examples of a recipe, before they are moved to the device.

    Raises InputError where a part of the user's is not here or does not fit, and for a precision that the device lacks;
    MachineError for data too large for a GPU, unless they are images, which then stay in main memory.
    """
    require_parts(recipe, "sparring.train(..., ")
    devices.check_precision(recipe.precision, device)
    train_set, test = recipe.data.train(progress.transfer), recipe.data.test(progress.transfer)
    check_outputs(recipe, train_set.shape)
    return _placed(train_set, device, progress.say), test


def _placed(data: Dataset, device: torch.device, say: Callable[[str], None]) -> Dataset:
    """The data as they are, or where they would crowd a GPU, images that stay in main memory; MachineError for other data."""
    crowded = devices.crowded(data.num_bytes(), device)
    if crowded and isinstance(data, ImageSet):
        say(f"the training images take {crowded}: they stay in main memory, and each batch is copied while one is trained on")
        return HostImageSet.of(data)
    devices.check_room(data.num_bytes(), device)
    return data


def engine_name(engine: Engine) -> str:
    """How an engine computes: "capture" (CUDA graphs), or else "fast" steps, or the plain, "eager" ones."""
    return "capture" if isinstance(engine.steps, FixedInputs) else "fast" if engine.fast else "eager"


def run_to_end(session: Session, recorder: Recorder | FollowerRank, start: RoundInfo) -> Run:
    """Train to the end, or until a signal or an observer stops it; the run is saved either way."""
    run, group = recorder.run, session.group
    with _inbox(session, recorder, start) as inbox, StopSignals(patient=group.size > 1) as stop:
        watch = Watch(recorder, session.progress, session.options.observers, inbox)
        group.stop_request = lambda: stop.requested or 0
        with recording_failure(recorder, watch):
            watch.on_start(start)
            for info in () if watch.is_stopping else roll_back.rounds(recorder, start):
                watch.on_round(info)
                if group.stop_signal or watch.is_stopping:
                    break
            group.barrier()  # the last collective: from here on only rank 0 works
            stopped = signal.Signals(group.stop_signal) if group.stop_signal and not watch.info.last else None
            if stopped:
                stop.requested = stopped  # whichever process it came to
            watch.on_end(ENDINGS[stopped.name] if stopped else watch.ending, watch.reason)
        watch.raise_failure()
        if stopped:
            raise TrainingStopped(run, stopped)
    return replace(recorder.run)  # a copy without cached properties


@contextmanager
def _inbox(session: Session, recorder: Recorder | FollowerRank, start: RoundInfo) -> Iterator[Inbox | None]:
    """Context manager of what takes orders from outside: None where they are not wanted, in several processes, which would wait
    for one that pauses, and in a replay."""
    recording = Recording.in_facts(recorder.run.facts)
    is_replay = recording is not None and start.round < recording.rounds
    if isinstance(recorder, Recorder) and session.options.steer and session.group.size == 1 and not is_replay:
        placed = [*orders_in(recorder.run), *recorder.cut_orders]
        with closing(Inbox(recorder.run, newest_number(placed), session.progress.say)) as inbox:
            yield inbox
    else:
        if session.group.is_rank0:
            close_file(recorder.run.path)  # which a kill may have left
        yield None


@contextmanager
def recording_failure(recorder: Recorder | FollowerRank, watch: Watch) -> Iterator[None]:
    """Within the block a run trains; where that fails, the run ends with the reason, and the error names what is kept."""
    run = recorder.run
    try:
        yield
    except DivergenceError as error:
        recorder.log_divergence(error.non_finite, error.info or watch.info, "stop")
        watch.on_end("non-finite", str(error))
        raise NonFiniteError(f"{error}; {_kept(run)}") from None
    except (MachineError, InputError, MemoryError, RuntimeError) as error:
        refused = devices.nondeterministic(error)
        if isinstance(error, RuntimeError) and not refused and not devices.is_out_of_memory(error):
            raise
        reason = refused or (str(error) if isinstance(error, SparringError) else devices.out_of_memory(error))
        watch.on_end("machine", reason)
        kind = InputError if refused or isinstance(error, InputError) else MachineError
        raise kind(f"{reason}; {_kept(run)}") from error


def _kept(run: Run) -> str:
    folder = run.path / "checkpoints"
    saved = [path for path in (checkpoint.recovery_path(folder), *checkpoint.paths(folder)) if path.exists()]
    return f"the last good checkpoint is kept: {saved[0]}" if saved else "no checkpoint had been saved yet"
