"""A comparison of runs as data: the settings and the scores in which they differ."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

from sparring.analysis.differences import Difference, Line, against_first, estimate, lines, of_one_protocol
from sparring.config import codec
from sparring.errors import InputError
from sparring.evaluation.score import number
from sparring.metrics.confidence import mean_interval, welch_test
from sparring.runs.folders import run_folders
from sparring.runs.run import Run
from sparring.runs.scorebook import Evaluation
from sparring.visual.html_table import html_table

MISSING = object()  # in place of a setting that a part does not have; None is a value

Event = Mapping[str, Any]
Mean = tuple[float, float, float]  # value, low, high


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but the seed.

    `members` holds the indices of the runs; `values` maps the index of a line to the scores of its seeds, at least two.
    """

    name: str
    members: tuple[int, ...]
    values: Mapping[int, Sequence[float]]

    @cached_property
    def means(self) -> dict[int, Mean]:
        """The mean over seeds and its interval, by the index of a line."""
        return {n: (mean(values), *mean_interval(values)) for n, values in self.values.items()}


@dataclass(frozen=True)
class Comparison:
    """Runs and their evaluations, one each; all evaluations share one protocol."""

    runs: tuple[Run, ...]
    evaluations: tuple[Evaluation | None, ...]

    @classmethod
    def of(cls, runs: Sequence[str | Path | Run]) -> "Comparison":
        """The comparison of these runs, given as values, paths or `latest`; a folder of runs stands for all of them.

        Raises InputError for fewer than two runs, for a run that is named twice or cannot be read, and for scores that cannot
        be compared.
        """
        opened = tuple(run for given in runs for run in _opened(given))
        if len(opened) < 2:
            raise InputError("it takes two to compare: name at least two runs, such as runs/mine and latest")
        for a, b in combinations(opened, 2):
            if a.path.resolve() == b.path.resolve():
                raise InputError(f"{b.path} is named twice; name runs that differ")
        return cls(opened, of_one_protocol(opened))

    @cached_property
    def paths(self) -> tuple[str, ...]:
        return tuple(str(run.path) for run in self.runs)

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """Short names of the runs, A to Z, then AA, BB, ...: plots have no room for paths."""
        return tuple(chr(ord("A") + i % 26) * (1 + i // 26) for i in range(len(self.runs)))

    @cached_property
    def events(self) -> tuple[list[dict[str, Any]], ...]:
        """Each run's journal, as a list of events."""
        return tuple(list(run.journal()) for run in self.runs)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        return tuple(lines(self.evaluations))

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """The differences of each line: every run against the first one with a score in that line."""
        return tuple(d for line in self.lines for d in against_first(line.metric, map(estimate, line.scores), self.paths))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Groups of runs with equal settings that have scores for at least two seeds."""
        alike: dict[str, list[int]] = {}
        for i, run in enumerate(self.runs):
            alike.setdefault(json.dumps(_settings(run) | {"seed": None}, sort_keys=True), []).append(i)
        found = []
        for members in alike.values():
            by_line = {n: self._values(line, members) for n, line in enumerate(self.lines)}
            enough = {n: values for n, values in by_line.items() if len(values) > 1}
            if enough:
                found.append(Group(", ".join(self.letters[i] for i in members), tuple(members), enough))
        return tuple(found)

    def _values(self, line: Line, members: Iterable[int]) -> list[float]:
        """The scores of the members, of which only the first run of each seed counts."""
        values: dict[int, float] = {}
        for i in members:
            score = line.scores[i]
            if score:
                values.setdefault(self.runs[i].seed, score.value)
        return list(values.values())

    @cached_property
    def group_differences(self) -> tuple[Difference, ...]:
        """The differences of each line, by Welch's t-test: every group against the first one with a mean in that line."""
        return tuple(d for n in range(len(self.lines)) for d in self._of_groups(n))

    def _of_groups(self, n: int) -> Iterator[Difference]:
        there = [group for group in self.groups if n in group.values]
        for other in there[1:]:
            first = there[0]
            noise, p_value = welch_test(first.values[n], other.values[n])
            difference = other.means[n][0] - first.means[n][0]
            yield Difference(self.lines[n].metric, first.name, other.name, difference, noise, p_value)

    def settings(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Dotted names of the settings that differ, with each run's value; MISSING where a run has no such setting."""
        found = list(_differing("", [_settings(run) for run in self.runs]))
        told = any(name.startswith("data.") for name, _ in found)
        return [(name, values) for name, values in found if not (told and name == "data_fingerprint")]

    def rows(self) -> list[tuple[str, ...]]:
        """The scores as rows of a table: the metric, then each run's value; without the shares of classes."""
        shown = [line for line in self.lines if not line.metric.startswith("share_")]
        return [(line.metric.replace("_", " "), *(number(score and score.value) for score in line.scores)) for line in shown]

    def _repr_html_(self) -> str:
        """The scores as a table, which a notebook displays; the pictures are on the page."""
        named = [f"{letter} {path}" for letter, path in zip(self.letters, self.paths, strict=True)]
        return html_table(("metric", *named), self.rows())

    def summary(self) -> dict[str, Any]:
        """The comparison as JSON-compatible data, as `sparring compare --json` prints it."""
        return {
            "runs": [self._summary(i) for i in range(len(self.runs))],
            "differences": [_plain(d) for d in self.differences],
            "groups": [
                {"name": group.name, "runs": [self.paths[i] for i in group.members], "means": self._means(group)}
                for group in self.groups
            ],
            "group_differences": [_plain(d) for d in self.group_differences],
        }

    def _summary(self, i: int) -> dict[str, Any]:
        run, events = self.runs[i], self.events[i]
        names = {"run": self.paths[i], "recipe": run.recipe.name, "seed": run.seed}
        warnings = [event for event in events if event["event"] == "warning"]
        return names | progress(run, events) | {"evaluation": codec.encode(self.evaluations[i]), "warnings": warnings}

    def _means(self, group: Group) -> list[dict[str, Any]]:
        keys = ("metric", "mean", "low", "high")
        return [dict(zip(keys, (self.lines[n].metric, *found), strict=True)) for n, found in group.means.items()]


def progress(run: Run, events: Sequence[Event]) -> dict[str, Any]:
    """State, rounds, images, epochs and seconds of training, according to the journal."""
    last = events[-1] if events else {}
    rounds, images, seconds = (
        max((number_in(e, name) or 0 for e in events), default=0) for name in ("round", "images", "seconds")
    )
    state = str(last.get("ending", "ended")) if last.get("event") == "end" else "unfinished"
    return {"state": state, "rounds": rounds, "images": images, "epochs": images / epoch_of(run), "seconds": float(seconds)}


def epoch_of(run: Run) -> int:
    """The number of images in an epoch of the run."""
    return run.num_images


def number_in(event: Event, name: str) -> int | float | None:
    """The field of an event if it is a number, else None."""
    value = event.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(found: Difference) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(found).items() if name != "p_value" or value is not None}
    return fields | {"exceeds": found.exceeds, "better": found.better}


def _opened(given: str | Path | Run) -> Sequence[Run]:
    """A run, or the runs in a folder of runs by their seeds."""
    if isinstance(given, Run):
        return [given]
    folder = Path(given)
    inside = run_folders(folder) if folder.is_dir() and not (folder / "recipe.json").exists() else []
    return sorted(map(Run.open, inside), key=lambda run: run.seed) if inside else [Run.open(given)]


def _settings(run: Run) -> dict[str, Any]:
    """The settings of a run that can make it differ from another: recipe, seed, data and starting point."""
    parent = run.facts.get("parent") or {}
    facts = {"start_from": run.facts.get("start_from"), "start_round": parent.get("round")}
    facts |= {"data_fingerprint": str(run.facts.get("data_fingerprint"))[:12]}
    return {"seed": run.seed, **codec.encode(run.recipe), **facts}


def _differing(path: str, values: Sequence[Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Unequal leaves of nested settings; lists of equal length are compared item by item, others as a whole."""
    given = [value for value in values if value is not MISSING]
    prefix = f"{path}." if path else ""
    if len(given) == len(values) and all(value == values[0] for value in values):
        return
    if all(isinstance(value, dict) for value in given):
        for name in dict.fromkeys(name for value in given for name in value):
            yield from _differing(
                f"{prefix}{name}", [value.get(name, MISSING) if value is not MISSING else MISSING for value in values]
            )
    elif all(isinstance(v, list) and len(v) == len(given[0]) and any(isinstance(i, dict) for i in v) for v in given):
        for i in range(len(given[0])):
            yield from _differing(f"{prefix}{i}", [value[i] if value is not MISSING else MISSING for value in values])
    else:
        yield path, tuple(values)
