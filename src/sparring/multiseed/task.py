"""The task that all seeds share, and the command line that trains one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sparring import recipes
from sparring.api import arguments
from sparring.api.origin import Origin, require_trained
from sparring.api.resolve import resolve
from sparring.augment import Auto as AutoAugment
from sparring.conditions import Auto as AutoCondition
from sparring.conditions import SelfConditioned
from sparring.config import codec, devices
from sparring.config.threads import MOST_THREADS
from sparring.errors import InputError
from sparring.recipe import Recipe
from sparring.runs.recorder import OnWriteError
from sparring.runs.run import Run
from sparring.training.capture import EngineName
from sparring.training.clustering import without_shares
from sparring.training.settle import settle
from sparring.training.thread_gain import threads_that_gain


@dataclass(frozen=True)
class Task:
    """The arguments of `sparring train` except for seed and folder: a recipe's name or file, and the command's options.

    `start_from` is the folder of a run or the file of a checkpoint, or None. Build a task with `Task.of`, which resolves and
    checks the arguments.
    """

    recipe: str
    resolved: Recipe
    data: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    start_from: str | None = None
    device: str = "auto"
    engine: EngineName = "auto"
    code: str | None = None
    on_write_error: OnWriteError = "stop"
    patience: int | None = None
    tensorboard: bool = False
    deterministic: bool = False

    @classmethod
    def of(
        cls,
        recipe: str,
        *,
        data: str | Path | None = None,
        settings: Mapping[str, Any] | None = None,
        start_from: str | Path | None = None,
        device: str = "auto",
        engine: EngineName = "auto",
        code: str | None = None,
        on_write_error: OnWriteError = "stop",
        patience: int | None = None,
        tensorboard: bool = False,
        deterministic: bool = False,
        **lengths: float | None,
    ) -> "Task":
        """The task with these options of `sparring train`; `code` is a Python file that registers the user's own parts.

        Raises InputError for an option that cannot be used, such as an object of this program, which no other process has.
        """
        data = str(data) if isinstance(data, Path) else data
        _check_reachable({"recipe": recipe, "data": data} | lengths)
        file = recipe if recipe.endswith(".py") else None
        if file and code:
            raise InputError(f"several seeds take one file of your own; import {code} in {file}, and name {file} alone")
        if code:
            recipes.execute(code)
        name = recipes.from_file(file) if file else recipe
        origin = None if start_from is None else Origin.of(start_from).place  # "latest" will be one of the seeds
        chosen, device = arguments.texts(settings), arguments.device_name(device)
        resolved = resolve(name, chosen, data, **arguments.lengths(**lengths))
        require_trained(resolved, start_from)
        how = device, engine, code, on_write_error, patience, tensorboard, deterministic
        return cls(recipe, resolved, data, chosen, origin, *how)

    def begin(self, seed: int, place: Path) -> list[str]:
        """The arguments of `sparring` that train a seed in a new folder."""
        given = {"--data": self.data, "--from": self.start_from, "--with": self.code}
        options = [text for name, value in given.items() if value is not None for text in (name, value)]
        changes = [text for name, value in self.settings.items() for text in ("--set", f"{name}={value}")]
        changes += ["--deterministic"] if self.deterministic else []
        return ["train", self.recipe, f"--seed={seed}", "--out", str(place), *options, *changes, *self._common()]

    def resume(self, place: Path) -> list[str]:
        """The arguments of `sparring` that resume a run and extend it to the task's length."""
        code = self.recipe if self.recipe.endswith(".py") else self.code
        return ["resume", str(place), *(["--with", code] if code else []), *self._common()]

    def _common(self) -> list[str]:
        length = self.resolved.length
        given = [f"--{f.name}={getattr(length, f.name)}" for f in fields(length) if getattr(length, f.name) is not None]
        given += [] if self.patience is None else [f"--patience={self.patience}"]
        given += ["--tensorboard"] if self.tensorboard else []
        return [*given, "--device", self.device, "--engine", self.engine, "--on-write-error", self.on_write_error, "--quiet"]

    @cached_property
    def _settled(self) -> Recipe:
        """The recipe as its runs record it, with what it leaves to the data and the device."""
        condition = self.resolved.condition
        is_open = isinstance(self.resolved.augment, AutoAugment) or isinstance(condition, AutoCondition | SelfConditioned)
        if not (is_open or self.resolved.precision == "auto"):
            return self.resolved
        return settle(self.resolved, self.resolved.data.train(), devices.resolve(self.device)).recipe

    @property
    def threads_that_gain(self) -> int:
        """The most threads with which a seed is quicker; data that are still to be fetched are not looked at."""
        data = self.resolved.data
        return threads_that_gain(self.resolved, data.train().shape) if data.is_cached() else MOST_THREADS

    def check_same(self, run: Run, seed: int) -> None:
        """Raise InputError unless a run belongs to this task (of any length) and this seed."""
        other = f"name another folder with --out (in Python: out=), or remove {run.path}"
        name = self.resolved.name
        if (run.recipe.name, run.seed) != (name, seed):
            raise InputError(f"{run.path} holds {run.recipe.name}, seed {run.seed}, not {name}, seed {seed}; {other}")
        same = {"length": self.resolved.length, "snapshot_mib": self.resolved.snapshot_mib}  # which change no result
        theirs, own = replace(without_shares(run.recipe), **same), self._settled
        for f in fields(Recipe):
            if codec.encode(getattr(theirs, f.name)) != codec.encode(getattr(own, f.name)):
                raise InputError(f"{run.path} holds a run with another setting of {f.name}; {other}")
        if run.facts.get("start_from") != self.start_from:
            began = run.facts.get("start_from") or "no other run"
            raise InputError(f"{run.path} holds a run that started from {began}; {other}")


def _check_reachable(given: Mapping[str, object]) -> None:
    """InputError for what the processes that train the seeds cannot have."""
    for name, value in given.items():
        if value is not None and not isinstance(value, str | int | float):
            advice = {
                "data": "save the data as an .npz file with numpy.savez(path, images=..., labels=...), and pass data=path",
            }.get(name, "register it in a Python file with a recipe, and pass recipe=file")
            raise InputError(
                f"{name} is of type {type(value).__name__}, and several seeds train in processes of their own, "
                f"which do not have the objects of this one; {advice}"
            )
