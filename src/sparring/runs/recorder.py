"""The recorder of a run: journal, pictures, scores and checkpoints while it trains, plots and an animation at its end."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sparring import evaluation
from sparring.coach import Coach
from sparring.config.non_finite import DivergenceError, NonFiniteValue, RollBack, Skip
from sparring.config.own import Own
from sparring.config.schedules import Duration, RoundInfo
from sparring.data.sets import Dataset
from sparring.errors import InputError, MachineError
from sparring.evaluation import Reference
from sparring.runs import checkpoint, divergence, real_pictures, rollback_points, scorebook
from sparring.runs.divergence import Action, DivergenceCounts
from sparring.runs.failures import Failures, OnWriteError
from sparring.runs.generator import SavedGenerator
from sparring.runs.journal import Journal
from sparring.runs.media import training_frames, write_animation
from sparring.runs.model_card import ModelCard
from sparring.runs.plots import draw_plots
from sparring.runs.recovery import Recovery
from sparring.runs.run import Run
from sparring.runs.scorebook import Evaluation
from sparring.runs.steering import STEER, GivenOrder, PlacedOrder, followed, give, orders_in
from sparring.storage import checksums
from sparring.training.engine import Engine
from sparring.training.observers import Event, Observer, Request
from sparring.training.probes import run_probes
from sparring.training.sampler import EngineSampler
from sparring.visual.sampler import Picture

Ending = Literal["finished", "stopped", "patience", "interrupted", "terminated", "hangup", "non-finite", "machine"]
STOPPED = ("stopped", "patience", "interrupted", "terminated", "hangup")
"""The endings of runs that were saved on their way, and that can go on."""


@dataclass
class Recorder(Observer):
    """Writes a run's files as its rounds come, and takes quick scores.

    `reference`: the real side of the quick scores; None for no scores. `say` gets sentences for the user, and `listen` every
    line of the journal once it has been written. `coach` is what the coach remembers of the journal.
    `on_write_error`: a file that cannot be written stops the training, or is reported and skipped; lines of the journal are
    then kept until they can be written, and a run that could not be saved at its end is an error in either case.
    """

    run: Run
    engine: Engine
    test: Dataset
    reference: Reference | None = None
    say: Callable[[str], None] = lambda _: None
    on_write_error: OnWriteError = "stop"
    saved_round: int = -1
    coach: Coach = field(default_factory=Coach)
    best: float = float("inf")
    divergences: DivergenceCounts = field(default_factory=DivergenceCounts)
    listen: Callable[[Mapping[str, Any]], None] = lambda _: None
    cut_orders: list[PlacedOrder] = field(default_factory=list)  # of rounds that are still to come

    def __post_init__(self) -> None:
        self.sampler: EngineSampler = EngineSampler(self.engine, self.test)
        self._failure_told = False
        self._scored: int | None = None  # the last round with a score
        self._drawn: tuple[int, set[str]] = (-1, set())  # the last round with pictures, and their names
        self._failures = Failures(self.run, self.on_write_error, self.say, self.write)
        self._recovery = Recovery(self.run.path / "checkpoints", self.say)
        self._order_since_save = False
        self.engine.orders = followed(orders_in(self.run))
        for event in self.run.journal():  # of the time before, when a run is resumed
            list(self.coach.observe(event))
            self.divergences.add(event)
            if event["event"] == "score" and self.reference and event["extractor"] == self.reference.extractor_names[0]:
                self.best = min(self.best, event[event["headline"]])
        self.journal: Journal = Journal(self.run.path / "journal.jsonl", patient=self.on_write_error == "continue")
        self._scale_lr()

    def _scale_lr(self) -> None:
        """Scale the learning rates by the roll-backs so far."""
        if isinstance(policy := self.run.recipe.non_finite, RollBack):
            self.engine.lr_scale = policy.lr_factor ** self.divergences.actions["roll-back"]

    def write(self, event: str, **fields: Any) -> None:
        """Write a line of the journal."""
        self.journal.write(event, **fields)
        self.listen({"event": event, **fields})

    def steer(self, order: GivenOrder, info: RoundInfo) -> None:
        """Follow an order from the next round on; it is on the disk before it acts."""
        self.write(STEER, round=info.round, **order)
        self.journal.sync()
        self._order_since_save = True
        give(self.engine.orders, info.round, order)

    def extend(self, length: Duration, info: RoundInfo) -> None:
        """Give the run another length."""
        self.engine.recipe = recipe = replace(self.engine.recipe, length=length)
        self.run = replace(self.run, recipe=recipe)
        with self._failures.writing(info):
            self.run.with_recipe(recipe)

    def log_start(self) -> None:
        """Write the event `start`."""
        recipe, now = self.run.recipe, datetime.now(UTC).isoformat(timespec="microseconds")
        self.journal.write("start", recipe=recipe.name, seed=self.run.seed, length=str(recipe.length), time=now)

    def reset_from_journal(self, round_: int) -> None:
        """Start again from the journal, which was truncated to the checkpoint of this round."""
        self.coach, self.best, self.divergences, self.saved_round = Coach(), float("inf"), DivergenceCounts(), round_
        self.__post_init__()

    def on_divergence(self, found: NonFiniteValue, info: RoundInfo) -> None:
        """Record a skipped round; DivergenceError where the recipe skips none, or no more."""
        policy, skipped = self.run.recipe.non_finite, self.divergences.actions["skip"]
        if not isinstance(policy, Skip):
            raise DivergenceError(found, info)
        if skipped >= policy.at_most:
            raise DivergenceError(found, info, f", after {skipped} skipped round{'s' * (skipped > 1)}")
        see, count = self.log_divergence(found, info, "skip"), f"{skipped + 1} of at most {policy.at_most}"
        self.say(f"{DivergenceError(found, info)}; the round was skipped ({count}){see}")

    def log_divergence(self, found: NonFiniteValue, info: RoundInfo, action: Action) -> str:
        """Save the batch of a non-finite value and write the event; returns the end of a sentence that names the file."""
        file = None
        with self._failures.writing(info):
            file = divergence.save_batch(self.run, found, info)
        event = divergence.divergence_event(found, info, action, file)
        self.write(divergence.EVENT, **event)
        self.divergences.add({"event": divergence.EVENT, **event})
        self._scale_lr()
        return f", see {self.run.path / file}" if file else ""

    def on_round(self, event: Event) -> None:
        """Write all that is due after this round; DivergenceError where a value of it is not finite."""
        self._log_capture(event.info)
        self._write_due(event.info)

    def serve(self, asked: Collection[Request], info: RoundInfo) -> None:
        """Do what observers have asked for after this round; DivergenceError as from `on_round`."""
        if "pictures" in asked:
            self._draw(replace(info, last=True))
        if "score" in asked and self.reference is not None:
            checkpoint.check_finite(self.engine.gan)
            self._score(self.reference, info, info.position)
        if "checkpoint" in asked:
            self.save(info)

    def write_recovery(self, info: RoundInfo) -> None:
        """Write the recovery file, if it is due, once all of a round is in the journal."""
        self._recovery.write_if_due(self.engine.gan, info, self.journal)

    def has_scored(self, info: RoundInfo) -> bool:
        """True if a quick score was taken after this round."""
        return self._scored == info.round

    def log_last(self, info: RoundInfo) -> None:
        """Write the numbers of a round after which observers stop the run, unless they were due."""
        if info.numbers is None and info.read is not None:
            self.write("round", **info.position, **info.read())

    def _log_capture(self, info: RoundInfo) -> None:
        """Write how far the first replays of CUDA graphs were from eager steps, or why there are none."""
        steps = self.engine.steps
        if steps.failure and not self._failure_told:
            text = f"rounds are computed eagerly from here on, as one could not be replayed as a CUDA graph: {steps.failure}"
            self.write("warning", round=info.round, text=text)
            self.say(text)
            self._failure_told = True
        if steps.differences:
            self.write("capture", round=info.round, differs_by=max(steps.differences))
            steps.differences.clear()

    def _write_due(self, info: RoundInfo) -> None:
        place = info.position
        if info.numbers is not None:
            self.write("round", **place, **info.numbers)
        if info.epoch_ended:
            self.write("epoch", **place, **(info.test_numbers or {}))
        self._draw(info)
        recipe = self.run.recipe
        if recipe.review is not None and (info.last or recipe.review.due(info)):
            self._evaluate(info, place)
        own = isinstance(recipe.generator, Own) or isinstance(recipe.discriminator, Own)  # no seed gives their weights again
        needs_its_start = own or isinstance(recipe.non_finite, RollBack) or self.run.facts.get("start_from") is not None
        if info.last or recipe.checkpoint.due(info) or (info.round == 0 and needs_its_start):
            self.save(info)

    def _draw(self, info: RoundInfo) -> None:
        """Write the pictures that are due after this round and were not drawn by an earlier call."""
        before, names = self._drawn[1] if self._drawn[0] == info.round else set(), set()
        for picture in self.run.recipe.pictures:
            for name, png in self._rendered(picture, info):
                names.add(name)
                if name in before:
                    continue
                with self._failures.writing(info):
                    self.run.write_file(f"samples/{name}", png)
                    self.write("sample", **info.position, file=f"samples/{name}")
        self._drawn = info.round, names | before
        if info.round == 0 and len(self.engine.data.shape) == 3:
            real_pictures.write(self.run, self.sampler, self._failures, info)

    def _evaluate(self, info: RoundInfo, place: Mapping[str, Any]) -> None:
        """Take a quick score, with a checkpoint where it is the best so far, and a checkup."""
        checkpoint.check_finite(self.engine.gan)
        if self.reference is not None:
            self._score(self.reference, info, place)
        self.write("checkup", **place, **run_probes(self.engine, self.test))

    def _score(self, reference: Reference, info: RoundInfo, place: Mapping[str, Any]) -> None:
        samples = evaluation.as_dataset(self.sampler.samples_across_processes(evaluation.QUICK, "quick score", info.round))
        found = evaluation.quick_scores(reference, samples, self.run.seed)
        values, headline = {score.metric: score.value for score in found}, reference.primary_metric
        facts = {"quick": True, "num_samples": len(samples), "extractor": reference.extractor_names[0]}
        facts |= {"headline": headline, "floor": found[0].floor}
        largest = next((score for score in found if score.metric == "largest_class"), None)
        if largest and largest.floor is not None:
            facts["largest_class_excess"] = largest.value - largest.floor
        self.write("score", **place, **facts, **values)
        self._scored = info.round
        self.say(f"quick score, epoch {info.epoch}: {found[0]}")
        with self._failures.writing(info):
            scorebook.append(self.run.path, Evaluation(info.round, True, tuple(found)))
        if values[headline] < self.best:
            self.best = values[headline]
            with self._failures.writing(info):
                self._write_checkpoint(checkpoint.best_path(self.run.path / "checkpoints"), info)

    def save(self, info: RoundInfo) -> None:
        """Write a checkpoint of this round, unless there is one, and the generator by itself.

        A checkpoint that does not know of the last orders is written again, so that a run that goes on from it is past them.
        Raises DivergenceError, and writes nothing, where a weight is infinite or not a number.
        """
        is_there, path = self.saved_round == info.round, checkpoint.path_of(self.run.path / "checkpoints", info.round)
        with self._failures.writing(info):
            if not is_there:
                self._write_checkpoint(path, info)
                self.saved_round = info.round
                self._recovery.remove()
                self.export_generator(info)
            elif self._order_since_save:
                checkpoint.write(path, self.engine.gan, info, self.journal.sync())
            self._order_since_save = False

    def export_generator(self, info: RoundInfo) -> None:
        """Remove older checkpoints, and write the generator by itself."""
        folder, recipe, network = self.run.path / "checkpoints", self.run.recipe, self.engine.gan.g_eval
        spare = rollback_points.paths(folder, self.engine)[:1] if isinstance(recipe.non_finite, RollBack) else ()
        checkpoint.keep_newest(folder, recipe.keep_checkpoints, spare)
        trained = SavedGenerator.build(recipe, self.engine.data.shape, {n: t.cpu() for n, t in network.state_dict().items()})
        trained.classes = tuple(self.run.facts.get("classes", ()))
        trained.write(self.run.path / "generator", str(ModelCard.of_run(self.run, info)))

    def _write_checkpoint(self, file: Path, info: RoundInfo) -> None:
        """Write a line in the journal, then the checkpoint; DivergenceError, and no file, where the state is not finite."""
        checkpoint.check_finite(self.engine.gan)
        self.write("checkpoint", round=info.round, file=f"checkpoints/{file.name}")
        checkpoint.write(file, self.engine.gan, info, self.journal.sync())

    def on_end(self, event: Event) -> None:
        """Save a run that was stopped, write the plots, the animation and the last line; MachineError where it is not saved.

        Of a run that the machine ended, the last line is written, if it can be.
        """
        info, ending = event.info, event.ending
        if ending == "machine":
            with suppress(MachineError):
                self.write(**event.line)
            return
        never_saved = ending == "finished" and self.saved_round < 0  # it went on from its recovery file, and not far
        if ending in STOPPED or never_saved:
            self.save(info)
        with self._failures.writing(info), self._failures.drawing(info):
            draw_plots(self.run, len(self.engine.data))
        with self._failures.writing(info):
            if ending == "non-finite":
                self._recovery.remove()
            if self.run.frames():
                self._animate()
            checksums.compact(self.run.path)
        self.write(**event.line)
        if ending != "non-finite" and not (self.saved_round == info.round and self.journal.is_written):
            raise MachineError(f"{self.run.path} could not be saved as it is after round {info.round}")

    def _animate(self) -> None:
        try:
            write_animation(self.run.path / "training.gif", training_frames(self.run))
        except InputError as error:  # a picture was damaged meanwhile; that is no reason to fail at the end
            self.say(f"there is no animation: {error}")

    def _rendered(self, picture: Picture, info: RoundInfo) -> Iterator[tuple[str, bytes]]:
        """The names and bytes of a picture's files."""
        with self._failures.drawing(info):
            yield from picture.render(info, self.sampler)
