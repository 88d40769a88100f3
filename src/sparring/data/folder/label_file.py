"""Labels from a file beside the pictures: a table `labels.csv` of classes or of several attributes, or `dataset.json` as
StyleGAN's dataset_tool packs it, {"labels": [["00000/img0.png", 3], ...]}."""

import csv
import io
import json
import re
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
_MOST_COMBINED = 1000  # combinations of attributes


@dataclass(frozen=True)
class LabelFile:
    """What a file says of the pictures by their names: numbers of classes, or names of classes, or a value of each of several
    `attributes`; and what there is to tell."""

    name: str = ""
    label: Mapping[str, int | tuple[str, ...]] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    news: tuple[str, ...] = ()

    def of_files(self, names: Sequence[str], path: Path) -> tuple[Tensor | None, tuple[str, ...], tuple[tuple[int, ...], ...]]:
        """Labels int64 [N] of these files, the classes, and the values of classes that are combinations; None where the file
        has no labels.

        A combination goes by its attributes and values, `shape=disc,size=small`. A picture may be named without its ending.
        InputError for one without a label, where others have one.
        """
        if not self.label:
            return None, (), ()
        found = [self.label.get(name, self.label.get(name.rpartition(".")[0])) for name in names]
        missing = [name for name, label in zip(names, found, strict=True) if label is None]
        if missing:
            wanted = f"has no label for {missing[0]}, one of {len(missing):,} such files; mend or remove it"
            raise InputError(f"{self.name} of {path} {wanted}")
        known = [label for label in found if label is not None]
        if isinstance(known[0], int):
            numbers = torch.tensor(known)
            return numbers, tuple(map(str, range(int(numbers.max()) + 1))), ()
        rows = [label for label in known if isinstance(label, tuple)]
        places = [_places(column) for column in zip(*rows, strict=True)]
        values = [tuple(place[value] for place, value in zip(places, row, strict=True)) for row in rows]
        kinds = sorted(set(values))
        number = {kind: label for label, kind in enumerate(kinds)}
        texts = [[*place] for place in places]
        parts = ([text[value] for text, value in zip(texts, kind, strict=True)] for kind in kinds)
        labels = torch.tensor([number[value] for value in values])
        if len(self.attributes) < 2:
            return labels, tuple(value for (value,) in parts), ()
        named = (map("=".join, zip(self.attributes, part, strict=True)) for part in parts)
        return labels, tuple(map(",".join, named)), tuple(kinds)


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


def _places(values: Sequence[str]) -> dict[str, int]:
    """The values in natural order, with their places in it."""
    return {value: place for place, value in enumerate(sorted(set(values), key=in_natural_order))}


def _of_table(name: str, files: Files) -> LabelFile:
    """The first column has the pictures' names, the second their classes; a first row that names no picture is a header.

    With a header, further columns with few values, and one for every picture, are attributes beside the second.
    """
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
    pictures = [normpath(row[0].strip().replace("\\", "/")) for row in rows]
    is_headed = not any(pictures[0] in (picture, picture.rpartition(".")[0]) for picture in files.names)
    header = [title.strip() for title in rows[0]] if is_headed else ["", ""]
    found = {
        picture: [*(cell.strip() for cell in row), *[""] * (len(header) - len(row))]
        for picture, row in zip(pictures[is_headed:], rows[is_headed:], strict=True)
        if row[1].strip()
    }
    if not found:
        return LabelFile(news=(f"{file} is passed over: no row has a picture and its class",))
    chosen = _attributes([*zip(*(row[: len(header)] for row in found.values()), strict=True)])
    if not chosen:
        num = len({row[1] for row in found.values()})
        return LabelFile(news=(f"{file} is passed over: its {num:,} values for {len(found):,} pictures are no classes",))
    attributes = tuple(header[column] for column in chosen)
    others = ", ".join(title for column, title in enumerate(header) if column and column not in chosen)
    what = "the classes are those of its column" if len(chosen) == 1 else "the classes are combinations of its columns"
    told = f"{file}: {what} {', '.join(attributes)}{f'; passed over: {others}' if others else ''}"
    labels = {picture: tuple(row[column] for column in chosen) for picture, row in found.items()}
    return LabelFile(name, labels, attributes, (told,) if len(header) > 2 else ())


def _attributes(columns: Sequence[Sequence[str]]) -> list[int]:
    """The columns that have classes: the first such, and those beside it that make no more than some combinations with it."""
    good = [place for place, values in enumerate(columns) if place and _are_classes(values)]
    chosen = good[:1]
    for place in good[1:]:
        if (
            len(set(columns[place])) > 1
            and len(set(zip(*(columns[each] for each in (*chosen, place)), strict=True))) <= _MOST_COMBINED
        ):
            chosen.append(place)
    return chosen


def _are_classes(values: Sequence[str]) -> bool:
    """True for few different values, without gaps; a column of fractions, such as weights, is none of classes."""
    few = "" not in values and len(set(values)) <= max(2, len(values) // 2)
    return few and not all(re.fullmatch(r"[+-]?\d*[.,]\d+", value) for value in values)


def _of_stylegan(name: str, files: Files) -> LabelFile:
    file = files.file(name)
    try:
        pairs = json.loads(_read(file))["labels"] or []
        found = {normpath(picture): number for picture, number in pairs}
    except (ValueError, KeyError, TypeError, RecursionError):
        return LabelFile(news=(f"{file} is passed over: it has no `labels` as StyleGAN's dataset_tool writes them",))
    if all(type(number) is int and 0 <= number < MOST_CLASSES for number in found.values()):
        return LabelFile(name, found)
    return LabelFile(name, {}, (), (f"the labels of {file} are passed over: they are not class numbers",))


def _read(file: File) -> bytes:
    with file.open("rb") as stream:
        return read_up_to(stream, _LONGEST)
