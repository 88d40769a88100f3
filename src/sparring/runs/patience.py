"""Early stopping: an observer that ends a run whose quick score has not improved for some reviews."""

from typing import Any

from sparring.errors import check
from sparring.training.observers import Event, Observer


class Patience(Observer):
    """Stops a run once so many quick scores in a row are no better than the best one before them.

    A run that it has stopped and that is resumed gets as many again. It counts from the journal, so a run that was killed and
    resumed stops where it would have stopped. Raises InputError for a number below 1.
    """

    def __init__(self, reviews: int):
        check(isinstance(reviews, int) and reviews >= 1, "patience", reviews, "be a whole number of at least 1")
        self.reviews = reviews

    def on_start(self, event: Event) -> None:
        lines = list(event.run.journal())
        self._scores = [line for line in lines if line["event"] == "score"]
        resumed = [line["round"] for line in lines if line["event"] == "resume" and line.get("after") == "patience"]
        self._since = max(resumed, default=-1)

    def on_score(self, event: Event) -> None:
        earlier = [line for line in self._scores if line["round"] < event.round]  # others came before a roll-back
        self._scores = [*earlier, event.line]
        same = [line for line in self._scores if _yardstick(line) == _yardstick(event.line)]
        best = min(same, key=lambda line: line[event.headline])  # the first of equals
        since = max(self._since, best["round"])
        if sum(line["round"] > since for line in same) >= self.reviews:
            event.stop("patience")


def _yardstick(line: Any) -> tuple[str, str]:
    return line["headline"], line["extractor"]
