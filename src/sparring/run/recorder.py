"""What a run leaves behind while it trains: journal, pictures, checkpoints, and at the end plots and an animation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from sparring import scores
from sparring.cadence import Moment
from sparring.coach import Coach
from sparring.data.sets import Dataset
from sparring.engine import Engine
from sparring.errors import NonFiniteError
from sparring.files import write_atomically
from sparring.keys import generator
from sparring.pictures import Series, losses_plot, traces_plot
from sparring.run import checkpoint, scorebook
from sparring.run.card import model_card
from sparring.run.export import training_frames, write_animation
from sparring.run.generator import Generator
from sparring.run.journal import Journal
from sparring.run.run import Run
from sparring.run.scorebook import Evaluation
from sparring.scores import Standard

Ending = Literal["finished", "interrupted", "terminated", "non-finite", "machine"]


@dataclass
class Recorder:
    """Writes a run's files as its moments come, takes quick scores, and lets the coach listen.

    `standard`: what the quick scores are taken against; None for no scores. `say` gets the coach's remarks.
    """

    run: Run
    engine: Engine
    test: Dataset
    standard: Standard | None = None
    say: Callable[[str], None] = lambda _: None
    saved_round: int = -1
    coach: Coach = field(default_factory=Coach)
    best: float = float("inf")

    def __post_init__(self):
        for event in self.run.journal():  # of the time before, when a run is resumed
            list(self.coach.hear(event))
            if event["event"] == "score" and self.standard and event["extractor"] == self.standard.extractor_names[0]:
                self.best = min(self.best, event[event["headline"]])
        self.journal = Journal(self.run.path / "journal.jsonl")

    def see(self, moment: Moment) -> None:
        """Write what is due at this moment; NonFiniteError where that would be infinite or not a number."""
        try:
            self._write_due(moment)
        except NonFiniteError as error:
            raise NonFiniteError(f"{error} at round {moment.round} (epoch {moment.epoch})") from None

    def _write_due(self, moment: Moment) -> None:
        place = {"round": moment.round, "epoch": moment.epoch, "images": moment.images, "seconds": moment.seconds}
        if moment.numbers is not None:
            self._tell("round", **place, **moment.numbers)
        if moment.epoch_ended:
            self.journal.write("epoch", **place, **(moment.test_numbers or {}))
        for picture in self.run.recipe.pictures:
            for name, png in picture.files(moment, self):
                write_atomically(self.run.path / "samples" / name, png)
                self.journal.write("sample", **place, file=f"samples/{name}")
        review = self.run.recipe.review
        if review is not None and (moment.last or review.due(moment)):
            self._review(moment, place)
        if moment.last or self.run.recipe.checkpoint.due(moment):
            self.save(moment)

    def _review(self, moment: Moment, place: Mapping[str, Any]) -> None:
        """A quick score, with a checkpoint aside where it is the best so far, and the coach's close look."""
        checkpoint.check_finite(self.engine.match)
        if self.standard is not None:
            self._score(self.standard, moment, place)
        self._tell("checkup", **place, **self.engine.checkup(self.test))

    def _score(self, standard: Standard, moment: Moment, place: Mapping[str, Any]) -> None:
        samples = scores.examples(self.engine.samples_of_all(scores.QUICK, "quick score", moment.round))
        found = scores.quick(standard, samples, self.run.seed)
        values, headline = {score.metric: score.value for score in found}, standard.headline
        facts = {"quick": True, "num_samples": len(samples), "extractor": standard.extractor_names[0]}
        facts |= {"headline": headline, "floor": found[0].floor}
        largest = next((score for score in found if score.metric == "largest_class"), None)
        if largest and largest.floor is not None:
            facts["largest_class_excess"] = largest.value - largest.floor
        self._tell("score", **place, **facts, **values)
        self.say(f"quick score, epoch {moment.epoch}: {found[0]}")
        scorebook.append(self.run.path / "scores.jsonl", Evaluation(moment.round, True, tuple(found)))
        if values[headline] < self.best:
            self.best = values[headline]
            self._write_checkpoint(checkpoint.best_path(self.run.path / "checkpoints"), moment)

    def _tell(self, event: str, **fields: Any) -> None:
        """Write an event, and what the coach has to say about it."""
        self.journal.write(event, **fields)
        for remark in self.coach.hear({"event": event, **fields}):
            self.journal.write("warning", round=fields["round"], **vars(remark))
            self.say(f"coach, epoch {fields['epoch']}: {remark}")

    def save(self, moment: Moment) -> None:
        """Write the generator by itself and a checkpoint of this moment, unless there is one.

        Raises NonFiniteError, and writes nothing, where a weight is infinite or not a number.
        """
        if self.saved_round == moment.round:
            return
        recipe, shape = self.run.recipe, self.engine.data.shape
        file = checkpoint.path_of(self.run.path / "checkpoints", moment.round)
        self._write_checkpoint(file, moment)
        checkpoint.keep_newest(file.parent, recipe.keep_checkpoints)
        network = self.engine.match.generator.network
        trained = Generator.build(recipe, shape, {n: t.cpu() for n, t in network.state_dict().items()})
        trained.write(self.run.path / "generator", model_card(self.run, moment))
        self.saved_round = moment.round

    def _write_checkpoint(self, file: Path, moment: Moment) -> None:
        """A line in the journal, then the state of this moment; NonFiniteError, and nothing, where that is not finite."""
        checkpoint.check_finite(self.engine.match)
        self.journal.write("checkpoint", round=moment.round, file=f"checkpoints/{file.name}")
        checkpoint.write(file, self.engine.match, moment, self.journal.sync())

    def end(self, moment: Moment, ending: Ending, **fields: Any) -> None:
        """Write the last line, the plots and the animation."""
        self.journal.write("end", round=moment.round, ending=ending, seconds=moment.seconds, **fields)
        draw_plots(self.run, len(self.engine.data))
        if self.run.frames():
            write_animation(self.run.path / "training.gif", training_frames(self.run))

    def close(self) -> None:
        """Write no more."""
        self.journal.close()

    def samples(self, num: int, *address: str | int) -> Tensor:
        return self.engine.samples(num, *address)

    def untrained(self, num: int) -> Tensor:
        return self.engine.untrained(num)

    def real(self, num: int, split: Literal["train", "test"]) -> Tensor:
        data = self.test if split == "test" else self.engine.data
        chosen = torch.randperm(len(data), generator=generator("cpu", self.run.seed, "real", split))[:num]
        return data.batch(chosen.to(self.engine.device if split == "train" else "cpu")).cpu()


def draw_plots(run: Run, num_images: int) -> None:
    """losses.png, and traces.png: what D says of the test images where that was read, else of the training batches."""
    events = list(run.journal())
    rounds = [e for e in events if e["event"] == "round"]
    tested = [e for e in events if e["event"] == "epoch" and "d_real_test" in e]
    losses = {"G": _series(rounds, "g_loss", num_images), "D": _series(rounds, "d_loss", num_images)}
    if tested:
        traces = {"D(x), test images": ("d_real_test", tested), "D(G(z))": ("d_fake_test", tested)}
    else:
        traces = {"D(x)": ("d_real", rounds), "D(G(z))": ("d_fake", rounds)}
    lines = {label: _series(found, name, num_images) for label, (name, found) in traces.items()}
    write_atomically(run.path / "losses.png", losses_plot(losses))
    write_atomically(run.path / "traces.png", traces_plot(lines))


def _series(events: Sequence[Mapping[str, Any]], name: str, num_images: int) -> Series:
    return [e["images"] / num_images for e in events], [e[name] for e in events]
