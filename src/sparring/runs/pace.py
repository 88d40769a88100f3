"""How long a training takes, from its first seconds."""

from itertools import pairwise
from statistics import median

from sparring.config.schedules import RoundInfo
from sparring.recipe import Recipe

SECONDS = 2.0  # that are measured


class Pace:
    """The time of a round: the median over two seconds, after the first rounds.

    Rounds are measured in blocks in which every penalty is due once. With `waits`, a block ends only where numbers were read,
    since nothing else waits for a GPU.
    """

    def __init__(self, recipe: Recipe, engine: str, waits: bool):
        self._length = recipe.length
        self._waits = waits
        self._block = max((penalty.every for penalty in recipe.penalties), default=1)
        self._warm_up = 12 if engine == "capture" else 3  # rounds; the first ones are recorded
        self._marks: list[tuple[int, float]] = []
        self._next = 0

    def add(self, info: RoundInfo) -> bool:
        """Take note of a round; True once the time of a round is known."""
        if self._warm_up > 0:
            self._warm_up -= 1
        elif (info.numbers is not None or not self._waits) and info.round >= self._next:
            self._marks.append((info.round, info.seconds))
            self._next = info.round + self._block
        return len(self._marks) > 1 and self._marks[-1][1] - self._marks[0][1] >= SECONDS

    @property
    def seconds_per_round(self) -> float:
        return median((after - before) / (b - a) for (a, before), (b, after) in pairwise(self._marks))

    def rounds(self, info: RoundInfo, num_images: int) -> float:
        """The number of rounds of the whole training; `info`: any round of it that was reached."""
        if self._length.minutes is not None:
            return 60 * self._length.minutes / self.seconds_per_round
        return info.round / self._length.fraction_done(info, num_images)


def about(seconds: float) -> str:
    """A time in words, with two digits or so: "about 40 s", "about 14 min", "about 2 h 10 min", "about 3 days"."""
    if seconds < 95:
        return f"about {max(1, round(seconds))} s"
    minutes = seconds / 60
    if minutes < 95:
        return f"about {round(minutes)} min"
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    if hours < 10:
        return f"about {hours} h" + (f" {rest} min" if rest else "")
    return f"about {round(minutes / 60)} h" if minutes < 60 * 48 else f"about {round(minutes / 1440)} days"
