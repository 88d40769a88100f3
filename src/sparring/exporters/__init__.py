"""A trained generator for use elsewhere: ONNX, torch.export, a Hugging Face folder, one HTML page."""

import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from sparring.api import arguments
from sparring.errors import InputError
from sparring.exporters.parity import InexactError, Parity
from sparring.exporters.target import DType, Exported, Options
from sparring.exporters.trained import Trained
from sparring.runs.generator import SavedGenerator
from sparring.runs.progress import Progress
from sparring.runs.run import Run

__all__ = ["TARGETS", "Exported", "InexactError", "Options", "Parity", "Trained", "export"]


class Target(NamedTuple):
    """A module of this package whose `write` exports, and how the name of what it writes ends by default."""

    module: str
    ending: str


TARGETS = {
    "onnx": Target("onnx_file", ".onnx"),
    "torch": Target("torch_export", ".pt2"),
    "hub": Target("hub", ""),
    "page": Target("page", ".html"),
    "space": Target("page.space", "-space"),
}
"""The targets by name."""


def export(
    run: str | Path | Run | SavedGenerator = "latest",
    to: str = "onnx",
    out: str | Path | None = None,
    *,
    dtype: DType = "float32",
    raw: bool = False,
    allow_inexact: bool = False,
    push: str | None = None,
    license: str | None = None,
    quiet: bool = False,
) -> Exported:
    """Export a trained generator for use elsewhere; returns where it is, and how exactly it draws what the original draws.

    run: a run or a generator, or its folder, a checkpoint's file, or "latest".
    to: "onnx", "torch", "hub", "page" or "space". out: the file or folder to write, which must not exist; by default one in
        this folder, named after the recipe and the seed.
    dtype: of the weights, "float32" or "float16"; z and samples are float32 in any case.
    raw: the weights trained last in place of their moving average.
    allow_inexact: write an export that misses the limits of parity.
    push, license: the name "user/name" under which a Hugging Face folder is uploaded, and its licence, such as "mit".
    quiet: shows no progress.

    Raises InputError for unusable input, and InexactError where the export would draw other samples than the generator, and
    MachineError where the Hugging Face Hub cannot be reached.
    """
    arguments.choice("to", to, [*TARGETS])
    arguments.choice("dtype", dtype, ["float32", "float16"])
    name, licence = arguments.text("push", push), arguments.text("license", license)
    if (name is not None and to != "hub") or (licence is not None and to not in ("hub", "space")):
        raise InputError(
            f"a licence and an upload belong to a Hugging Face folder, not to {to}; add --to hub, or --to space for a licence"
        )
    trained = Trained.of(run, raw)
    path = arguments.path("out", out) or Path(_slug(trained.name) + TARGETS[to].ending)
    _require_new(path)
    with Progress(quiet) as progress:
        options = Options(to, dtype, allow_inexact, name, licence, progress.step)
        return import_module(f"{__name__}.{TARGETS[to].module}").write(trained, path, options)


def _slug(name: str) -> str:
    """`flash, seed 0` -> `flash-seed0`."""
    return re.sub(r"[^\w.]+", "-", name.replace("seed ", "seed")).strip("-.") or "generator"


def _require_new(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} exists; name another place with --out (in Python: out=), or remove it first")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}; make it, or name another place")
