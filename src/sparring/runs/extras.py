"""The time that a training's pictures and reviews take beside its rounds, measured on one of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sparring import evaluation
from sparring.config.schedules import START, Interval, RoundInfo
from sparring.evaluation import Reference
from sparring.recipe import Recipe
from sparring.training.probes import run_probes, traces_on_test_images
from sparring.training.sampler import EngineSampler
from sparring.visual.sampler import Picture


@dataclass(frozen=True)
class Extras:
    """The pictures and reviews of a training of so many rounds, of which `info` is a place that was reached.

    `drawn`: the part of a review's samples that are drawn and looked at; of less than all no scores are taken.
    """

    recipe: Recipe
    sampler: EngineSampler
    reference: Reference | None
    info: RoundInfo
    rounds: float
    drawn: float = 1.0

    @property
    def epochs(self) -> float:
        return self.rounds * self.info.images / self.info.round / len(self.sampler.engine.data)

    def seconds_of(self, picture: Picture) -> float:
        """Draw what is due before the first round, after an epoch and at the end; the time that all such pictures take."""
        every = getattr(picture, "every", None)  # of other pictures there is one
        every = Interval(epochs=every) if isinstance(every, int) else every
        times = every.times(self.rounds, self.epochs) if every else 1
        due = replace(self.info, epoch=(every and every.epochs) or 1, epoch_ended=True, last=True)

        def draw(info: RoundInfo) -> float:
            return _seconds(lambda: list(picture.render(info, self.sampler)))

        first = draw(START) + draw(due)  # which may import matplotlib
        return first + ((times - 1) * draw(due) if times > 1 else 0.0)

    def seconds_of_reviews(self) -> float:
        """The time that all reviews and all traces on test images take."""
        engine, test, review = self.sampler.engine, self.sampler.test, self.recipe.review
        times = review.times(self.rounds, self.epochs) if review else 0
        traces = int(self.epochs) if self.recipe.test_traces else 0
        seconds = times * (_seconds(self._score) / self.drawn + _seconds(lambda: run_probes(engine, test))) if times else 0.0
        return seconds + (traces * _seconds(lambda: traces_on_test_images(engine, test, 0)) if traces else 0.0)

    def _score(self) -> None:
        if self.reference is None:
            return
        num = round(self.drawn * evaluation.QUICK)
        samples = evaluation.as_dataset(self.sampler.samples(num, "quick score", 0))
        if num == evaluation.QUICK:
            evaluation.quick_scores(self.reference, samples, self.sampler.engine.seed)
        else:
            self.reference.extract(samples)


def _seconds(work: Callable[[], object]) -> float:
    """The time that the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
