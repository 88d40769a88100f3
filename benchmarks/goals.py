"""What Sparring's rounds should cost beside others' rounds, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from report import Result, ratio, table


@dataclass(frozen=True)
class Goal:
    """`entrant`'s time, Sparring's unless named, is at most so much of `beside`'s."""

    recipe: str
    beside: str
    at_most: float
    entrant: str = "sparring"

    def text(self) -> str:
        who = f"{self.entrant}: " if self.entrant != "sparring" else ""
        return f"{who}at most {self.at_most:.2f} of {self.beside}"


GOALS = (
    Goal("vanilla", "jax", 1.15),
    Goal("vanilla", "tf-graph", 0.4),
    Goal("vanilla", "floor", 1.35),
    Goal("paper", "jax", 1.15),
    Goal("paper", "floor", 1.35),
    Goal("dropout-mlp", "jax", 1.15),
    Goal("dropout-mlp", "pytorch-loader", 0.33),
    Goal("dropout-mlp", "floor", 1.35),
    Goal("dcgan", "tf-function", 0.9),
    Goal("dcgan", "pytorch", 0.56),
    Goal("dcgan", "floor", 1.4),
    Goal("dcgan", "sparring", 0.7, "sparring-bf16"),
    Goal("upsample", "keras", 0.95),
    Goal("upsample", "floor", 1.2),
    Goal("flash", "floor", 1.35),
    Goal("photo", "floor", 1.35),
)


def rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """A row of text for each goal of which both entrants were timed: recipe, goal, ratio, whether it is met."""
    timed = {(result.recipe, result.entrant): result for result in results}
    found = []
    for goal in GOALS:
        ours, theirs = timed.get((goal.recipe, goal.entrant)), timed.get((goal.recipe, goal.beside))
        if ours and theirs:
            value = ratio(ours, theirs)
            found.append((goal.recipe, goal.text(), f"{value:.2f}", "met" if value <= goal.at_most else "missed"))
    return found


def markdown(results: Sequence[Result]) -> str:
    """The same as a table."""
    return table(("recipe", "goal", "result", ""), rows(results), text_columns=4)
