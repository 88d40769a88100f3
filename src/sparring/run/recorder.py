"""What a run leaves behind while it trains: journal, pictures, checkpoints, and at the end plots and an animation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from sparring.cadence import Moment
from sparring.data.sets import Dataset
from sparring.engine import Engine
from sparring.errors import NonFiniteError
from sparring.files import write_atomically
from sparring.keys import generator
from sparring.pictures import Series, losses_plot, traces_plot
from sparring.run import checkpoint
from sparring.run.card import model_card
from sparring.run.export import training_frames, write_animation
from sparring.run.generator import Generator
from sparring.run.journal import Journal
from sparring.run.run import Run

Ending = Literal["finished", "interrupted", "terminated", "non-finite", "machine"]


@dataclass
class Recorder:
    """Writes a run's files as its moments come."""

    run: Run
    engine: Engine
    test: Dataset
    saved_round: int = -1

    def __post_init__(self):
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
            self.journal.write("round", **place, **moment.numbers)
        if moment.epoch_ended:
            self.journal.write("epoch", **place, **(moment.test_numbers or {}))
        for picture in self.run.recipe.pictures:
            for name, png in picture.files(moment, self):
                write_atomically(self.run.path / "samples" / name, png)
                self.journal.write("sample", **place, file=f"samples/{name}")
        if moment.last or self.run.recipe.checkpoint.due(moment):
            self.save(moment)

    def save(self, moment: Moment) -> None:
        """Write the generator by itself and a checkpoint of this moment, unless there is one.

        Raises NonFiniteError, and writes nothing, where a weight is infinite or not a number.
        """
        if self.saved_round == moment.round:
            return
        checkpoint.check_finite(self.engine.match)
        network = self.engine.match.generator.network
        recipe, shape = self.run.recipe, self.engine.data.shape
        trained = Generator.build(recipe, shape, {n: t.cpu() for n, t in network.state_dict().items()})
        trained.write(self.run.path / "generator", model_card(self.run, moment))
        folder = self.run.path / "checkpoints"
        file = checkpoint.path_of(folder, moment.round)
        self.journal.write("checkpoint", round=moment.round, file=f"checkpoints/{file.name}")
        checkpoint.write(folder, self.engine.match, moment, self.journal.sync(), recipe.keep_checkpoints)
        self.saved_round = moment.round

    def end(self, moment: Moment, ending: Ending, **fields: Any) -> None:
        """Write the last line, the plots and the animation."""
        self.journal.write("end", round=moment.round, ending=ending, seconds=moment.seconds, **fields)
        draw_plots(self.run, len(self.engine.data))
        if self.run.frames():
            write_animation(self.run.path / "training.gif", training_frames(self.run))

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
