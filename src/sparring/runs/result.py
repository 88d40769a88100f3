"""The result of a run, from its journal and scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparring.config.schedules import Duration, RoundInfo
from sparring.errors import InputError
from sparring.evaluation import Score
from sparring.runs.run import Run


@dataclass(frozen=True)
class Result:
    """The result of a run, as `sparring train --json` prints it."""

    run: str
    recipe: str
    rounds: int
    images: int
    epochs: float
    seconds: float
    images_per_second: float
    g_loss: float
    d_loss: float
    grid: str | None
    animation: str | None
    quick_score: Score | None

    @classmethod
    def of(cls, run: Run) -> "Result":
        """The result of a run, from its journal; InputError if it has no round yet."""
        rounds = run.rounds()
        if not rounds:
            raise InputError(f"{run.path} has no rounds in its journal yet")
        last = rounds[-1]
        place = _last_place(run) or last
        frames = run.frames()
        animation = run.path / "training.gif"
        return cls(
            run=str(run.path),
            recipe=run.recipe.name,
            rounds=place["round"],
            images=place["images"],
            epochs=place["images"] / run.num_images,
            seconds=place["seconds"],
            images_per_second=place["images"] / place["seconds"],
            g_loss=last["g_loss"],
            d_loss=last["d_loss"],
            grid=str(frames[-1]) if frames else None,
            animation=str(animation) if animation.exists() else None,
            quick_score=_newest_quick(run),
        )


def is_complete(run: Run, length: Duration) -> bool:
    """True if a run has ended and reached this length."""
    events, last = list(run.journal()), _last_place(run)
    if last is None or events[-1]["event"] != "end":
        return False
    info = RoundInfo(last["round"], last["images"], last["epoch"], last["seconds"])
    return length.fraction_done(info, run.num_images) >= 1


def _last_place(run: Run) -> Mapping[str, Any] | None:
    """The newest event that records progress: a journalled round, or a skipped one."""
    events = [e for e in run.journal() if e["event"] == "round" or (e["event"] == "non-finite" and e["remedy"] == "skip")]
    return events[-1] if events else None


def _newest_quick(run: Run) -> Score | None:
    """The primary score of the last quick evaluation."""
    taken = [evaluation for evaluation in run.scores() if evaluation.quick]
    return taken[-1].scores[0] if taken else None
