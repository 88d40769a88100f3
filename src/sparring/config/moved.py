"""Old module names: files of users go on working, with a sentence that names the new place."""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "sparring.average": "sparring.optim.ema",
    "sparring.cadence": "sparring.config.schedules",
    "sparring.codec": "sparring.config.codec",
    "sparring.comparison": "sparring.analysis",
    "sparring.data.fetch": "sparring.data.remote.fetch",
    "sparring.data.idx_folder": "sparring.data.mnist",
    "sparring.data.like_mnist": "sparring.data.mnist",
    "sparring.data.picture_folder": "sparring.data.folder.picture_folder",
    "sparring.data.sources": "sparring.data.remote.sources",
    "sparring.devices": "sparring.config.devices",
    "sparring.engine": "sparring.training.engine",
    "sparring.extractors": "sparring.evaluation.extractors",
    "sparring.files": "sparring.storage.files",
    "sparring.intervals": "sparring.metrics.confidence",
    "sparring.jsontext": "sparring.storage.strict_json",
    "sparring.keys": "sparring.config.rng",
    "sparring.launch": "sparring.distributed.launch",
    "sparring.loading": "sparring.api.load",
    "sparring.loop": "sparring.training.loop",
    "sparring.networks.layers.rows": "sparring.distributed.rows",
    "sparring.noise": "sparring.networks.latents",
    "sparring.outcome": "sparring.runs.result",
    "sparring.pictures": "sparring.visual",
    "sparring.pictures.album": "sparring.visual.snapshots",
    "sparring.pictures.studio": "sparring.visual.sampler",
    "sparring.pictures.codes": "sparring.visual.codes",
    "sparring.pictures.grid": "sparring.visual.grid",
    "sparring.pictures.strip": "sparring.visual.strip",
    "sparring.players": "sparring.training.build",
    "sparring.population": "sparring.multiseed",
    "sparring.progress": "sparring.runs.progress",
    "sparring.registry": "sparring.config.registry",
    "sparring.rehearsal": "sparring.api.dry_run",
    "sparring.remedies": "sparring.config.non_finite",
    "sparring.reproduction": "sparring.analysis.reproduction",
    "sparring.run": "sparring.runs",
    "sparring.run.generator": "sparring.runs.generator",
    "sparring.run.run": "sparring.runs.run",
    "sparring.scores": "sparring.evaluation",
    "sparring.sealed": "sparring.storage.tensors",
    "sparring.signals": "sparring.runs.signals",
    "sparring.steps": "sparring.training.step",
}
"""Where what stood in a module of version 0.1 is now."""

NAMES = {
    "Average": "EMA",
    "Every": "Interval",
    "Generator": "SavedGenerator",
    "Length": "Duration",
    "Moment": "RoundInfo",
    "Ramp": "Schedule",
    "Remedy": "NonFinitePolicy",
    "Standard": "Reference",
    "Studio": "Sampler",
    "Trouble": "NonFiniteValue",
    "generator": "keyed_generator",
    "key": "derive_seed",
    "standard_for": "reference_for",
    "train": "train_seeds",
}
"""What has another name in its new module."""


class Finder(MetaPathFinder, Loader):
    """Finds modules by their old names."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname in MODULES else None

    def exec_module(self, module: ModuleType) -> None:
        old, new = module.__name__, MODULES[module.__name__]
        warnings.warn(f"{old} is {new} now; the old name will go", FutureWarning, stacklevel=2)
        found = importlib.import_module(new)

        def attribute(name: str) -> Any:
            if name in NAMES and not hasattr(found, name):
                warnings.warn(f"{old}.{name} is {new}.{NAMES[name]} now; the old name will go", FutureWarning, stacklevel=2)
                name = NAMES[name]
            return getattr(found, name)

        module.__getattr__ = attribute  # pyright: ignore[reportAttributeAccessIssue]


def install() -> None:
    """From now on the old names can be imported."""
    sys.meta_path.append(Finder())
