"""Which pictures of a folder are trained on, which are left for the test, and which classes they have.

`reading` 1 is how version 0.1 read a folder, for its runs to keep their data; 2 is how a folder is read now.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from torch import Tensor

from sparring.data.folder import image_files, label_file
from sparring.data.folder.listing import Files, outermost
from sparring.data.halves import stratified_places, tested_places
from sparring.data.pictures import class_folders
from sparring.errors import InputError

_ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "valid"),
}

MOST_NAMED = 5  # pictures left out, by name


@dataclass(frozen=True)
class Halves:
    """The files, the first `num_train` of them to train on and the others to test with; `names` are those within their half.

    `labels` int64 [N] and `classes` are of all files, with the `values` of combined ones; `news` has sentences on how they were
    chosen.
    """

    files: Files
    num_train: int
    names: Sequence[str]
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    values: tuple[tuple[int, ...], ...] = ()
    news: tuple[str, ...] = ()


def role(name: str) -> str | None:
    """ "train", "test" or "valid", where a folder's name says so in one spelling or another (`Train`, `test_set`)."""
    return _ROLES.get(re.sub(r"[ _-]?(set|data|images)$", "", name.casefold()))


def split(path: Path, files: Files, folders: Sequence[str], reading: int) -> Halves:
    """The halves of the files in `path`, with their classes. `folders`: the folders in it, also those without pictures.

    InputError where a half would be empty, where a folder beside the classes is empty, or where there are two domains.
    """
    if reading == 1:
        return _split(path, files, folders, ("train", "test"), ())
    listed, news = label_file.read(files)
    files, unread = _readable(files)
    if unread and not files:
        raise InputError(f"{path} holds no picture that can be read here: {unread}")
    if unread:
        news = (*news, f"{path}: {unread}")
    if listed:
        labels, classes, values = listed.of_files(files.names, path)
        return replace(_tenth(files, path, labels), classes=classes, values=values, news=news)
    tops = sorted(outermost(files.names) | _tops(folders))
    _check_domains(tops, path)
    train, test = _find_halves(tops, path)
    if train and not test and all(name.startswith(f"{train}/") for name in files.names):
        files, folders, path = _below(files, train), _names_below(folders, train), path / train
    return _split(path, files, folders, (train, test), news, natural=True)


def _split(
    path: Path, files: Files, folders: Sequence[str], halves: tuple[str, str], news: tuple[str, ...], natural: bool = False
) -> Halves:
    """The halves in the folders of these names, where both are there; else a tenth is the test."""
    tops = outermost(files.names) | _tops(folders)
    if not set(halves) <= tops:
        strays = _strays(files.names) if natural else set()
        names = [name for name in files.names if name not in strays]
        _check_classes(path, names, folders)
        found = _tenth(Files(names, files.file), path, class_folders(names)[0] if natural else None)
    else:
        own = [_names_below(files.names, half) for half in halves]
        strays = _strays([*own[0], *own[1]]) if natural else set()
        kept = ([name for name in names if name not in strays] for names in own)
        found = _in_folders(path, files, folders, dict(zip(halves, kept, strict=True)))
        if natural:
            news = (*news, f"{path}: {_told_halves(found, halves, sorted(tops - set(halves)))}")
    labels, classes = class_folders(found.names, natural)
    if strays:
        news = (*news, f"{path}: left out beside the folders of {len(classes)} classes: {_some(sorted(strays))}")
    return replace(found, labels=labels, classes=classes, news=news)


def _strays(names: Sequence[str]) -> set[str]:
    """Pictures beside folders of classes, if they are no more than one in twenty."""
    beside = {name for name in names if "/" not in name}
    return beside if len(beside) <= len(names) // 20 and len(outermost(names)) >= 2 else set()


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _told_halves(found: Halves, halves: tuple[str, str], beside: Sequence[str]) -> str:
    passed = f"; passed over: {', '.join(beside)}" if beside else ""
    num_test = len(found.files) - found.num_train
    return f"trains on {halves[0]} ({found.num_train:,} pictures), tests with {halves[1]} ({num_test:,}){passed}"


def _in_folders(path: Path, files: Files, folders: Sequence[str], halves: Mapping[str, Sequence[str]]) -> Halves:
    """The halves, with the names in them, that lie in folders of these names; InputError for an empty one."""
    for half, names in halves.items():
        if not names:
            raise InputError(f"{path / half} holds no picture; both {' and '.join(halves)} must")
        _check_classes(path / half, names, _names_below(folders, half))
    whole = [f"{half}/{name}" for half, names in halves.items() for name in names]
    train, test = halves.values()
    return Halves(Files(whole, files.file), len(train), [*train, *test])


def _find_halves(tops: Sequence[str], path: Path) -> tuple[str, str]:
    """The folders to train on and to test with; "" for one that is missing. What is for validation serves where no test is."""
    found = {kind: [name for name in tops if role(name) == kind] for kind in ("train", "test", "valid")}
    for kind, names in found.items():
        if len(names) > 1:
            raise InputError(f"{path} holds {' and '.join(names)}, both for the {kind}ing; keep one of them")
    train, test, valid = ("".join(found[kind]) for kind in ("train", "test", "valid"))
    return train, test or valid


def _check_domains(tops: Sequence[str], path: Path) -> None:
    """InputError for the pairs of CycleGAN, `trainA` and `trainB`, which are no classes."""
    domains = [name for name in tops if re.fullmatch(r"(train|test|val)[ _-]?[ab]", name.casefold())]
    if len(domains) < 2:
        return
    first = next((name for name in domains if name.casefold().startswith("train")), domains[0])
    advice = f"name one of them, such as {path / first}" if path.is_dir() else "pack one of them alone"
    raise InputError(f"{path} holds pictures of two domains, {', '.join(domains)}, which are no classes; {advice}")


def _readable(files: Files) -> tuple[Files, str]:
    """The files that Pillow can read here, and a sentence on the others, but for files of labels."""
    ends = tuple(image_files.suffixes())
    good = [name for name in files.names if name.lower().endswith(ends)]
    if len(good) == len(files):
        return files, ""
    others = set(files.names).difference(good, label_file.NAMES)
    counts = sorted(Counter(PurePosixPath(name).suffix.lower() for name in others).items())
    if not counts:
        return Files(good, files.file), ""
    passed = f"{' and '.join(f'{num:,} {suffix}' for suffix, num in counts)} passed over, a format not read here"
    return Files(good, files.file), f"{passed}; convert them to .png or .jpg"


def _check_classes(path: Path, names: Sequence[str], folders: Sequence[str]) -> None:
    """InputError where all pictures lie in folders, and another folder beside them is empty."""
    if not names or any("/" not in name for name in names):
        return
    full = outermost(names)
    for empty in sorted(_tops(folders) - full):
        where = path / empty
        if len(full) < 2 and where.is_dir() and any(where.iterdir()):
            continue  # one folder of pictures, and one of other things
        raise InputError(f"{where} holds no picture, though the folders beside it do; fill it or remove it")


def _tenth(files: Files, folder: Path, labels: Tensor | None = None) -> Halves:
    """All files but a tenth to train on, and that tenth (at least one) to test with, chosen by the number of files alone, or
    the same share of each class."""
    if len(files) < 2:
        count = "only one picture" if files else "no picture"
        raise InputError(f"{folder} holds {count}; at least 2 are needed, one to train on and one to test with")
    tested = tested_places(len(files)) if labels is None else stratified_places(labels)
    order = [*(place for place in range(len(files)) if place not in tested), *sorted(tested)]
    names = [files.names[place] for place in order]
    return Halves(Files(names, files.file), len(files) - len(tested), names, None if labels is None else labels[order])


def _tops(folders: Sequence[str]) -> set[str]:
    """The outermost of these folders."""
    return {name.partition("/")[0] for name in folders if name}


def _below(files: Files, folder: str) -> Files:
    """The files in one of the folders, by their names within it."""
    return Files(_names_below(files.names, folder), lambda name: files.file(f"{folder}/{name}"))


def _names_below(names: Sequence[str], folder: str) -> list[str]:
    prefix = f"{folder}/"
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
