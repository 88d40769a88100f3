"""Labels from a file beside the pictures: a table `labels.csv`, or `dataset.json` as StyleGAN's dataset_tool packs it,
{"labels": [["00000/img0.png", 3], ...]}."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import normpath

import torch
from torch import Tensor

from sparring.data.folder.listing import File, Files
from sparring.data.npz import MOST_CLASSES
from sparring.data.pictures import in_natural_order
from sparring.data.streams import read_up_to
from sparring.errors import InputError

NAMES = ("labels.csv", "dataset.json")  # in this order
_LONGEST = 1 << 28  # bytes


@dataclass(frozen=True)
class LabelFile:
    """What a file says of the pictures by their names: numbers of classes, or names of classes; and what there is to tell."""

    name: str = ""
    label: Mapping[str, int | str] = field(default_factory=dict)
    news: tuple[str, ...] = ()

    def of_files(self, names: Sequence[str], path: Path) -> tuple[Tensor | None, tuple[str, ...]]:
        """Labels int64 [N] of these files, and the classes; None where the file has no labels.

        A picture may be named without its ending. InputError for one without a label, where others have one.
        """
        if not self.label:
            return None, ()
        found = [self.label.get(name, self.label.get(name.rpartition(".")[0])) for name in names]
        missing = [name for name, label in zip(names, found, strict=True) if label is None]
        if missing:
            wanted = f"has no label for {missing[0]}, one of {len(missing):,} such files; mend or remove it"
            raise InputError(f"{self.name} of {path} {wanted}")
        known = [label for label in found if label is not None]
        if isinstance(known[0], int):
            numbers = torch.tensor(known)
            return numbers, tuple(map(str, range(int(numbers.max()) + 1)))
        classes = tuple(sorted(set(map(str, known)), key=in_natural_order))
        numbers = {name: number for number, name in enumerate(classes)}
        return torch.tensor([numbers[str(label)] for label in known]), classes


def read(files: Files) -> tuple[LabelFile | None, tuple[str, ...]]:
    """The label file among these files, and sentences on those that are passed over; None where there is none."""
    news: tuple[str, ...] = ()
    for name, parse in zip(NAMES, (_of_table, _of_stylegan), strict=True):
        if name in files.names:
            found = parse(name, files)
            if found.name:
                return found, (*news, *found.news)
            news = (*news, *found.news)
    return None, news


def _of_table(name: str, files: Files) -> LabelFile:
    """The first column has the pictures' names, the second their classes; a first row that names no picture is a header."""
    file = files.file(name)
    text = _read(file)
    for encoding in ("utf-8-sig", "cp949"):  # spreadsheets in Korean write the second
        with suppress(UnicodeDecodeError, csv.Error):
            rows = [row for row in csv.reader(io.StringIO(text.decode(encoding), newline="")) if any(row)]
            break
    else:
        return LabelFile(news=(f"{file} is passed over: it is no table of text in UTF-8",))
    short = next((number for number, row in enumerate(rows, 1) if len(row) < 2), None)
    if short or not rows:
        where = f"row {short} has no second column" if short else "it is empty"
        return LabelFile(news=(f"{file} is passed over: {where}; it needs the columns file and class",))
    pairs = [(normpath(row[0].strip().replace("\\", "/")), row[1].strip()) for row in rows]
    is_headed = not any(pairs[0][0] in (picture, picture.rpartition(".")[0]) for picture in files.names)
    header, found = rows[0] if is_headed else [], {picture: class_ for picture, class_ in pairs[is_headed:] if class_}
    if not found:
        return LabelFile(news=(f"{file} is passed over: no row has a picture and its class",))
    num = len(set(found.values()))
    if num > max(2, len(found) // 2):
        return LabelFile(news=(f"{file} is passed over: its {num:,} values for {len(found):,} pictures are no classes",))
    others = ", ".join(header[2:])
    news = (f"{file}: the classes are those of its column {header[1]}; passed over: {others}",) if others else ()
    return LabelFile(name, found, news)


def _of_stylegan(name: str, files: Files) -> LabelFile:
    file = files.file(name)
    try:
        pairs = json.loads(_read(file))["labels"] or []
        found = {normpath(picture): number for picture, number in pairs}
    except (ValueError, KeyError, TypeError, RecursionError):
        return LabelFile(news=(f"{file} is passed over: it has no `labels` as StyleGAN's dataset_tool writes them",))
    if all(type(number) is int and 0 <= number < MOST_CLASSES for number in found.values()):
        return LabelFile(name, found)
    return LabelFile(name, {}, (f"the labels of {file} are passed over: they are no numbers of classes",))


def _read(file: File) -> bytes:
    with file.open("rb") as stream:
        return read_up_to(stream, _LONGEST)
