"""Which pictures of a folder are trained on, which are left for the test, and which classes they have.

`reading` 1 is how version 0.1 read a folder, for its runs to keep their data; 2 is how a folder is read now.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from torch import Tensor

from sparring.data.folder import image_files, stylegan
from sparring.data.folder.image_files import File
from sparring.data.halves import tested_places
from sparring.data.pictures import class_folders
from sparring.errors import InputError

Files = Mapping[PurePath, File]

_ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "valid"),
}


@dataclass(frozen=True)
class Halves:
    """The files to train on and those to test with, by their names within `path` or within their half.

    `labels` int64 [N] and `classes` are of all files, those of `train` first; `news` has sentences on how they were chosen.
    """

    train: Files
    test: Files
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    news: tuple[str, ...] = ()

    @property
    def files(self) -> list[File]:
        return [*self.train.values(), *self.test.values()]

    @property
    def names(self) -> list[PurePath]:
        return [*self.train, *self.test]


def role(name: str) -> str | None:
    """ "train", "test" or "valid", where a folder's name says so in one spelling or another (`Train`, `test_set`)."""
    return _ROLES.get(re.sub(r"[ _-]?(set|data|images)$", "", name.casefold()))


def split(path: Path, files: Files, folders: Sequence[PurePath], reading: int) -> Halves:
    """The halves of the files in `path`, with their classes.

    InputError where a half would be empty, where a folder beside the classes is empty, or where there are two domains.
    """
    if reading == 1:
        return _split(path, files, folders, ("train", "test"), ())
    labels, news = stylegan.labels(files.get(PurePath(stylegan.NAME)))
    files, unread = _readable({name: file for name, file in files.items() if name != PurePath(stylegan.NAME)})
    if unread and not files:
        raise InputError(f"{path} holds no picture that can be read here: {unread}")
    if unread:
        news = (*news, f"{path}: {unread}")
    if labels is not None:
        halves = _tenth(files, path)
        numbers, classes = stylegan.of_files(halves.names, labels, path)
        return replace(halves, labels=numbers, classes=classes, news=news)
    tops = sorted(_tops(files) | _tops(folders))
    _check_domains(tops, path)
    train, test = _find_halves(tops, path)
    if train and not test and all(name.parts[0] == train for name in files):
        files, folders, path = _below(files, train), _names_below(folders, train), path / train
    return _split(path, files, folders, (train, test), news, natural=True)


def _split(
    path: Path, files: Files, folders: Sequence[PurePath], names: tuple[str, str], news: tuple[str, ...], natural: bool = False
) -> Halves:
    """The halves in the folders of these names, where both are there; else a tenth is the test."""
    tops = _tops(files) | _tops(folders)
    if not set(names) <= tops:
        _check_classes(path, files, folders)
        halves = _tenth(files, path)
    else:
        own = [_below(files, name) for name in names]
        for name, half in zip(names, own, strict=True):
            if not half:
                raise InputError(f"{path / name} holds no picture; both {' and '.join(names)} must")
            _check_classes(path / name, half, _names_below(folders, name))
        halves, beside = Halves(own[0], own[1]), sorted(tops - set(names))
        passed = f"; passed over: {', '.join(beside)}" if beside else ""
        if natural:
            numbers = f"{names[0]} ({len(own[0]):,} pictures), tests with {names[1]} ({len(own[1]):,})"
            news = (*news, f"{path}: trains on {numbers}{passed}")
    labels, classes = class_folders(halves.names, natural)
    return replace(halves, labels=labels, classes=classes, news=news)


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
    advice = f"name one of them: --data {path / domains[0]}" if path.is_dir() else "pack one of them alone"
    raise InputError(f"{path} holds pictures of two domains, {', '.join(domains)}, which are no classes; {advice}")


def _readable(files: Files) -> tuple[Files, str]:
    """The files that Pillow can read here, and a sentence on the others; InputError where there are only others."""
    good = {name: file for name, file in files.items() if name.suffix.lower() in image_files.suffixes()}
    counts = Counter(name.suffix.lower() for name in files if name not in good)
    if not counts:
        return good, ""
    passed = (
        f"{' and '.join(f'{num:,} {suffix}' for suffix, num in sorted(counts.items()))} passed over, a format not read here"
    )
    return good, f"{passed}; convert them to .png or .jpg"


def _check_classes(path: Path, files: Files, folders: Sequence[PurePath]) -> None:
    """InputError where all pictures lie in folders, and another folder beside them is empty."""
    if not files or any(len(name.parts) == 1 for name in files):
        return
    full = _tops(files)
    beside = {name.parts[0] for name in folders if name.parts and not name.parts[0].startswith(".")} - {"__MACOSX"}
    for empty in sorted(beside - full):
        where = path / empty
        if len(full) < 2 and where.is_dir() and any(where.iterdir()):
            continue  # one folder of pictures, and one of other things
        raise InputError(f"{where} holds no picture, though the folders beside it do; fill it or remove it")


def _tenth(files: Files, folder: Path) -> Halves:
    """All files but a tenth to train on, and that tenth (at least one) to test with, chosen by the number of files alone."""
    if len(files) < 2:
        count = "only one picture" if files else "no picture"
        raise InputError(f"{folder} holds {count}; at least 2 are needed, one to train on and one to test with")
    tested = tested_places(len(files))
    pairs = list(enumerate(files.items()))
    return Halves(
        dict(item for place, item in pairs if place not in tested), dict(item for place, item in pairs if place in tested)
    )


def _tops(names: Mapping[PurePath, File] | Sequence[PurePath]) -> set[str]:
    """The outermost folders of files (a mapping), or of folders."""
    shortest = 2 if isinstance(names, Mapping) else 1
    return {name.parts[0] for name in names if len(name.parts) >= shortest}


def _below(files: Files, folder: str) -> Files:
    return {PurePath(*name.parts[1:]): file for name, file in files.items() if name.parts[0] == folder}


def _names_below(folders: Sequence[PurePath], folder: str) -> list[PurePath]:
    return [PurePath(*name.parts[1:]) for name in folders if name.parts[:1] == (folder,)]
