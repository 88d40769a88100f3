"""Labels as StyleGAN's dataset_tool packs them: `dataset.json`, {"labels": [["00000/img0.png", 3], ...]}."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from posixpath import normpath

import torch
from torch import Tensor

from sparring.data.folder.listing import File
from sparring.data.npz import MOST_CLASSES
from sparring.data.streams import read_up_to
from sparring.errors import InputError

NAME = "dataset.json"
_LONGEST = 1 << 28  # bytes


def labels(file: File | None) -> tuple[dict[str, int] | None, tuple[str, ...]]:
    """The label of each picture by name, {} for pictures without, None without such a file; and what there is to say."""
    if file is None:
        return None, ()
    with file.open("rb") as stream:
        text = read_up_to(stream, _LONGEST)
    try:
        pairs = json.loads(text)["labels"] or []
        found = {normpath(name): number for name, number in pairs}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, (f"{file} is passed over: it has no `labels` as StyleGAN's dataset_tool writes them",)
    if all(type(number) is int and 0 <= number < MOST_CLASSES for number in found.values()):
        return found, ()
    return {}, (f"the labels of {file} are passed over: they are no numbers of classes",)


def of_files(names: Sequence[str], found: Mapping[str, int], path: Path) -> tuple[Tensor | None, tuple[str, ...]]:
    """Labels int64 [N] of these files, and the classes; InputError for a file without, where others have one."""
    if not found:
        return None, ()
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(
            f"{NAME} of {path} has no label for {missing[0]}, one of {len(missing):,} such files; mend or remove it"
        )
    numbers = torch.tensor([found[name] for name in names])
    return numbers, tuple(map(str, range(int(numbers.max()) + 1)))
