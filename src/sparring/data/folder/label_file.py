"""Labels from a file beside the pictures: a table `labels.csv` of classes or of several attributes, or `dataset.json` as
StyleGAN's dataset_tool packs it, {"labels": [["00000/img0.png", 3], ...]}, or with vectors in the place of class numbers."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from posixpath import normpath

import torch
from torch import Tensor

from sparring.data.folder import intervals
from sparring.data.folder.listing import File, Files
from sparring.data.npz import MOST_CLASSES
from sparring.data.pictures import in_natural_order
from sparring.data.streams import read_up_to
from sparring.errors import InputError

NAMES = ("labels.csv", "dataset.json")  # in this order
_LONGEST = 1 << 28  # bytes
_MOST_COMBINED = 1000  # combinations of attributes
_LEAST_OF_A_VALUE = 10  # pictures to train on, on average, for each value of a combination


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

        A combination goes by its attributes and values, `shape=disc,size=0.2..0.35`; so does a value of one quantity alone. A
        picture may be named without its ending.
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
        if len(self.attributes) < 2 and not intervals.ends(texts[0][0]):
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
    """The values in natural order, intervals in that of their lower ends, with their places in it."""
    return {value: place for place, value in enumerate(sorted(set(values), key=_in_order))}


def _in_order(value: str) -> tuple[tuple[float, float], tuple[list[str | int], str]]:
    return intervals.ends(value) or (inf, inf), in_natural_order(value)


def _of_table(name: str, files: Files) -> LabelFile:
    """The first column has the pictures' names, the second their classes; a first row that names no picture is a header.

    With a header, further columns with few values or with quantities, one for every picture, are attributes beside the second.
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
    header = [title.strip() for title in rows[0]] if is_headed else ["", "value"]
    found = {
        picture: [*(cell.strip() for cell in row), *[""] * (len(header) - len(row))]
        for picture, row in zip(pictures[is_headed:], rows[is_headed:], strict=True)
        if row[1].strip()
    }
    if not found:
        return LabelFile(news=(f"{file} is passed over: no row has a picture and its class",))
    columns = [*zip(*(row[: len(header)] for row in found.values()), strict=True)]
    chosen = _attributes(columns[1:])
    if not chosen:
        num = len(set(columns[1]))
        return LabelFile(news=(f"{file} is passed over: its {num:,} values for {len(found):,} pictures are no classes",))
    return _combined(name, file, found, chosen, header[1:])


def _combined(
    name: str, file: File, pictures: Iterable[str], chosen: Mapping[int, Sequence[str]], titles: Sequence[str]
) -> LabelFile:
    """The chosen columns' values of each picture, and a sentence on them where there are several."""
    attributes = tuple(titles[column] for column in chosen)
    others = ", ".join(title for column, title in enumerate(titles) if column not in chosen)
    what = "the classes are those of its column" if len(chosen) == 1 else "the classes are combinations of its columns"
    counted = (f"{titles[place]}{_in_intervals(values)}" for place, values in chosen.items())
    told = f"{file}: {what} {', '.join(counted)}{f'; passed over: {others}' if others else ''}"
    labels = dict(zip(pictures, zip(*chosen.values(), strict=True), strict=True))
    is_plain = len(titles) == 1 and not _in_intervals(chosen[0])
    return LabelFile(name, labels, attributes, () if is_plain else (told,))


def _in_intervals(values: Sequence[str]) -> str:
    return f" in {len(set(values))} intervals" if intervals.ends(values[0]) else ""


def _attributes(columns: Sequence[Sequence[str]]) -> dict[int, Sequence[str]]:
    """The columns that have classes or quantities, by their places: the first such, and those beside it that make no more than
    some combinations with it. Classes come first; quantities become as many intervals as there are pictures for."""
    chosen: dict[int, Sequence[str]] = {}

    def fits(values: Sequence[str]) -> bool:
        combined = set(zip(*chosen.values(), values, strict=True))
        return not chosen or (len(set(values)) > 1 and len(combined) <= _MOST_COMBINED)

    for place, values in enumerate(columns):
        if _are_classes(values) and fits(values):
            chosen[place] = values
    free = 9 * len(columns[0]) // (10 * _LEAST_OF_A_VALUE) - sum(len(set(values)) for values in chosen.values())
    for place, values in enumerate(columns):
        found = None if place in chosen or free < 2 else intervals.divided(values, min(free, intervals.MOST))
        if found and fits(found):
            chosen[place] = found
            free -= len(set(found))
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
    columns = _columns([*found.values()])
    if columns and (chosen := _attributes(columns)):
        return _combined(name, file, found, chosen, [f"label{column}" for column in range(len(columns))])
    return LabelFile(name, {}, (), (f"the labels of {file} are passed over: they are neither class numbers nor quantities",))


def _columns(rows: Sequence[object]) -> list[list[str]]:
    """Numbers, or vectors of one length, as columns of texts; none for other labels."""
    vectors = [row if isinstance(row, list) else [row] for row in rows]
    good = all(type(number) in (int, float) for vector in vectors for number in vector)
    return [[*map(str, column)] for column in zip(*vectors, strict=True)] if good and len({*map(len, vectors)}) == 1 else []


def _read(file: File) -> bytes:
    with file.open("rb") as stream:
        return read_up_to(stream, _LONGEST)
