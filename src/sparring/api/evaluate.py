"""Evaluate: scores of a run, a generator or a folder of pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from sparring import evaluation
from sparring.api import arguments, hub
from sparring.api.load import load_generator
from sparring.api.own import Parts, data_of, require_place, with_settings
from sparring.config import codec, devices
from sparring.config.rng import derive_seed, keyed_generator
from sparring.config.threads import ThreadChoice, own_number
from sparring.data import Data, PictureFolder, read_pictures, resolve
from sparring.data.sets import Dataset
from sparring.errors import InputError, MachineError, SparringError
from sparring.evaluation import BETTER, Metric, OwnMetrics, Score
from sparring.evaluation.own_metrics import FEWEST
from sparring.evaluation.score import number
from sparring.runs import listing, scorebook, shipped, snapshots
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.generator import SavedGenerator
from sparring.runs.progress import Progress
from sparring.runs.run import Run
from sparring.runs.scorebook import Evaluation
from sparring.storage import locks
from sparring.training.checks import trained_on
from sparring.visual.html_table import html_table

COLUMNS = ("metric", "value", "from", "to", "real images", "best possible", "better")
ENDED = ("finished", "patience", "stopped")
"""The endings of seeds that are scored together."""


@dataclass(frozen=True)
class EvaluationResult:
    """The subject, its scores, a sentence on each picture or seed that was left out, and why scores were not saved.

    `runs`: the results of the seeds, where the scores are means over them.
    """

    subject: str
    scores: tuple[Score, ...]
    skipped: tuple[str, ...] = ()
    unsaved: str | None = None
    runs: "tuple[EvaluationResult, ...]" = ()

    def __getitem__(self, metric: str) -> Score:
        return {score.metric: score for score in self.scores}[metric]

    def rows(self) -> list[tuple[str, ...]]:
        """The scores as rows of a table with `COLUMNS`, without the shares of classes."""
        return [
            (
                score.metric.replace("_", " "),
                *map(number, (score.value, score.low, score.high, score.floor, score.ceiling)),
                BETTER.get(score.metric, ""),
            )
            for score in self.scores
            if not score.metric.startswith("share_")
        ]

    def _repr_html_(self) -> str:
        """The scores as a table, which a notebook displays."""
        return html_table(COLUMNS, self.rows(), self.subject)


@dataclass(frozen=True)
class _Subject:
    """A generator, with its run and round where it belongs to one; or runs by seed; or else pictures at `name`."""

    name: str
    generator: SavedGenerator | None = None
    run: Run | None = None
    round: int = 0
    seeds: Mapping[int, Path] = field(default_factory=dict)


def evaluate(
    target: str | Path | Run | SavedGenerator,
    *,
    against: str | Path | Data | None = None,
    settings: Mapping[str, Any] | None = None,
    data: str | Path | Data | None = None,
    num: int | None = None,
    draws: int = 5,
    seed: int = 0,
    extractor: str | None = None,
    metrics: Sequence[Metric] = (),
    skip_bad: bool = False,
    device: str | torch.device = "auto",
    threads: int | None = None,
    quiet: bool = False,
) -> EvaluationResult:
    """Score a run, a checkpoint, a generator, seeds, a folder of pictures or an .npz against a data set's test examples.

    target: a run or a generator, or its folder; the name of a generator that comes with the package; a checkpoint's file;
        hf://user/name on the Hugging Face Hub, whose commit is in the result's `subject`; a folder or an .npz file of pictures.
        A generator is scored on independent draws of samples, a set of pictures on all of them. Of a folder that `train_seeds`
        made, every seed that came to its end is scored; the scores are the means over them, with intervals from their spread.
    against: a data set, its name or its path; by default the run's or the generator's own, else mnist.
    settings: fields of `against` by name, such as {"size": 64}, which brings pictures to the generator's size.
    data: the data that the run was trained on, where they have moved, or where they are of your own.
    num: samples in a draw, by default 10,000 (of points 2,500, of stacked digits 26,000); of pictures so many at random.
    draws: the number of draws, at least 2, whose spread gives the intervals.
    seed: of samples and subsets.
    extractor: a name or a file; by default the one that was trained on the data, else the general one for pictures.
    metrics: functions of your own, (samples [N, C, H, W], real [M, C, H, W]) -> a number, both float32 in [-1, 1] as 8 bits
        give them, real ones from the test examples; points are [N, D]. Their scores have the functions' names, and intervals
        as the others. With them there need not be an extractor, and the general one is taken only if it is named.
    skip_bad: leaves out unreadable pictures and those of another size, in the target and in `against`.
    device: "auto", "cpu", "cuda" or "mps". threads: to compute with on a CPU; by default one for every core that other
        programs leave free. quiet: shows no progress.

    Memorisation is reported unless a run is scored against other data than its own. The scores of a run and of its checkpoints
    are added to its scores.jsonl; where that fails, `unsaved` of the result says why. Raises InputError where the target cannot
    be read or scored, where no extractor suits the data, where `data` are not the run's, for settings without
    `against`, and for a metric that gives no finite number.
    """
    seed, device, draws = arguments.whole("seed", seed, 0), arguments.device_name(device), arguments.whole("draws", draws, 2)
    num = None if num is None else arguments.whole("num", num, 1)
    torch_device, threads, subject = devices.resolve(device), arguments.threads(threads), _open(target)
    if subject.seeds:
        how: dict[str, Any] = {"against": against, "settings": settings, "data": data, "num": num, "draws": draws, "seed": seed}
        how |= {"extractor": extractor, "metrics": metrics, "skip_bad": skip_bad, "device": device, "threads": threads}
        return _over_seeds(subject, lambda run: evaluate(run, quiet=quiet, **how))
    with Progress(quiet) as progress, devices.tf32(False), own_number():
        choice = ThreadChoice(threads, torch_device)
        dataset = _real_side(_compared(against, arguments.texts(settings), skip_bad), data, subject)
        train = _training_set(dataset, data, subject, progress)
        own = OwnMetrics.of(metrics, dataset, torch_device, progress.transfer)
        reference = evaluation.reference_for(dataset, torch_device, extractor, progress.step, general=not own.functions)
        if reference is None and not own.functions:
            name = getattr(dataset, "path", None) or codec.encode(dataset)["name"]
            raise InputError(f"no extractor suits {name}; make one with `sparring extractor train`, or name an extractor")
        choice.take(progress.say)
        fewest = reference.min_num_samples if reference else FEWEST
        if subject.generator is None:
            pictures = read_pictures(Path(subject.name), skip_bad=skip_bad, progress=progress.step)
            chosen = _chosen(pictures.images, num, seed, fewest)
            scores = evaluation.score_samples(reference, chosen, seed, train) if reference else []
            return EvaluationResult(subject.name, (*scores, *own.score_samples(chosen, seed)), pictures.skipped)
        generator = subject.generator.to(torch_device)
        num = num or (reference or own).default_num_samples
        _check_enough(num, fewest)

        def draw(index: int) -> Dataset:
            return evaluation.as_dataset(generator.sample(num, derive_seed(seed, "draw", index)))

        scores = evaluation.score_draws(reference, draw, seed, draws, train) if reference else []
        taken = (*scores, *own.score_draws(draw, seed, draws))
        return EvaluationResult(subject.name, taken, unsaved=_save(subject, taken))


def _over_seeds(subject: _Subject, score: Callable[[Run], EvaluationResult]) -> EvaluationResult:
    """The mean scores of the seeds that came to their end; InputError where none did."""
    runs, skipped = [], []
    for path in subject.seeds.values():
        run = Run.open(path)
        ending = run.last_event().get("ending")
        if ending in ENDED:
            runs.append(run)
        else:
            skipped.append(f"{path}: {ending or 'unfinished'}")
    if not runs:
        raise InputError(f"no seed of {subject.name} came to its end ({'; '.join(skipped)})")
    results = tuple(map(score, runs))
    means = evaluation.mean_scores({result.subject: result.scores for result in results})
    return EvaluationResult(subject.name, tuple(means), tuple(skipped), runs=results)


def _compared(against: str | Path | Data | None, settings: Mapping[str, str], skip_bad: bool) -> Data | None:
    """The data that are named to compare with, with their settings; InputError for settings alone."""
    if against:
        found = data_of(against)
        further = {"skip_bad": "true"} if skip_bad and hasattr(found, "skip_bad") else {}
        return with_settings(found, {**further, **settings})
    if settings:
        name = "name them with --against (in Python: against=)"
        raise InputError(f"{', '.join(settings)} would change the data to compare with; {name}")
    return None


def _real_side(against: Data | None, moved: str | Path | Data | None, subject: _Subject) -> Data:
    """What to compare with: the data that are named, or the run's own."""
    if moved and (against or not subject.run):
        raise InputError("`data` says where the data of a run are now; name data to compare with as `against` alone")
    if against:
        return against
    if not subject.run:
        own = subject.generator
        data = own.recipe.data if own and own.recipe and not own.origin else resolve("mnist")
        if isinstance(data, PictureFolder) and not data.path:
            how = f"--against FOLDER --set size={data.size} (in Python: against=, settings=)"
            raise InputError(f"{subject.name} does not name the folder of its pictures; name some to compare with: {how}")
        return data
    where = str(subject.run.path)
    own = Parts(data=moved).return_to(subject.run.recipe, where).data
    require_place(own, where)
    return own


def _training_set(dataset: Data, moved: str | Path | Data | None, subject: _Subject, progress: Progress) -> Dataset | None:
    """The training examples of the real side that the subject saw, all where nothing is known of it; None where the run was
    trained on others, InputError if these were to be its."""
    train = dataset.train(progress.transfer)
    recipe = subject.run.recipe if subject.run else subject.generator and subject.generator.recipe
    seen = trained_on(recipe, train) if recipe else train
    if subject.run is None or seen.fingerprint() == subject.run.facts.get("data_fingerprint"):
        return seen
    if moved:
        others = "--against (in Python: against=) compares with others"
        raise InputError(f"{subject.run.path} was trained on other data than {moved}; {others}")
    return None


def _open(target: str | Path | Run | SavedGenerator) -> _Subject:
    if isinstance(target, SavedGenerator):
        return _Subject(target.origin or "generator", target)
    if target == "":
        raise InputError("name a run, a checkpoint, or a folder or an .npz of pictures")
    try:
        return _opened(target)
    except SparringError:
        raise
    except OSError as error:
        raise InputError(f"cannot read {target}: {error.strerror}") from None


def _opened(target: str | Path | Run) -> _Subject:
    if isinstance(target, Run) or str(target) == "latest" or (Path(target) / "recipe.json").is_file():
        run = target if isinstance(target, Run) else Run.open(target)
        return _of_run(run, run.newest_checkpoint()[0], str(run.path))
    if hub.is_name(target):
        generator = load_generator(target)
        return _Subject(str(generator.origin), generator)
    path = shipped.resolved(target)
    if (path / "config.json").is_file():
        generator, run = SavedGenerator.open(path), path.resolve().parent
        if generator.recipe is None and (run / "recipe.json").is_file():
            generator.recipe = Run.open(run).recipe
        return _Subject(path.name if shipped.is_shipped(path) else str(path), generator)
    if path.suffix == ".safetensors":
        return _of_run(Run.of_checkpoint(path), snapshots.read(path), str(path))
    if seeds := listing.seeds(path):
        return _Subject(str(path), seeds=seeds)
    if run := next(path.glob("*/recipe.json"), None):
        raise InputError(f"{path} is a folder of runs; name one of them, such as {run.parent}")
    return _Subject(str(path))


def _of_run(run: Run, saved: Checkpoint, name: str) -> _Subject:
    return _Subject(name, run.generator_of(saved), run, saved.info.round)


def _save(subject: _Subject, taken: tuple[Score, ...]) -> str | None:
    """Add the scores to the run's, if there is one; returns a sentence where they cannot be."""
    if subject.run is None:
        return None
    try:
        scorebook.append(subject.run.path, Evaluation(subject.round, False, taken))
        locks.tidy_checksums(subject.run.path)
    except (MachineError, InputError) as error:
        return str(error)
    return None


def _chosen(examples: Dataset, num: int | None, seed: int, fewest: int) -> Dataset:
    """All examples, or `num` at random."""
    num = num or len(examples)
    if num > len(examples):
        raise InputError(f"num is {num}, and there are only {len(examples)} pictures")
    _check_enough(num, fewest)
    if num == len(examples):
        return examples
    return examples.take(torch.randperm(len(examples), generator=keyed_generator("cpu", seed, "chosen"))[:num])


def _check_enough(num: int, fewest: int) -> None:
    if num < fewest:
        raise InputError(f"{num} samples are too few: the scores need at least {fewest}")
