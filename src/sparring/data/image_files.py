"""Image files of the usual formats: which of a folder's files they are, and one at a time what Pillow makes of them."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from sparring import jsontext
from sparring.data.fetch import in_short
from sparring.errors import InputError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # no others: Pillow gives EPS to a program from outside
_ON_THEIR_SIDE = (5, 6, 7, 8)  # EXIF orientations that exchange height and width
_PIXELS_PER_BYTE = 1 << 14  # at most: twice what an empty PNG of one bit a pixel has
_DEEPEST = 50  # folders within each other
_DEEP = re.compile(r"(?<!BGR);16")  # Pillow's names for 16 bits a channel; "BGR;16" shares 16 bits between three


class BadPictureError(Exception):
    """A file cannot be used as a picture; the message says why, in few words."""


@dataclass(frozen=True)
class Header:
    """What a picture's header promises."""

    height: int
    width: int
    is_grey: bool  # without a look at the pixels; others may turn out to be grey as well


def find(folder: Path) -> list[Path]:
    """Every image file below a folder, told by its suffix, in an order that is the same everywhere.

    What is hidden (`.name`) or in a folder `__MACOSX` is passed over; links are followed, unless they lead in a circle.
    """
    try:
        found = list(_below(folder, frozenset()))
    except OSError as error:
        raise InputError(f"{error.filename or folder} cannot be read: {in_short(error)}") from error
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def read_header(path: Path) -> Header:
    """A picture's size once it stands upright, its pixels not yet decoded; BadPictureError where it cannot be used.

    A PNG's checksums are compared here, because decoding does not.
    """
    with _opened(path) as image:
        if image.mode in ("I", "F") or image.mode.startswith("I;") or _DEEP.search(str(image.tile)):
            raise BadPictureError(f"has more than 8 bits a channel (mode {image.mode})")
        width, height = image.size
        num_bytes = path.stat().st_size
        if width * height > _PIXELS_PER_BYTE * num_bytes:
            raise BadPictureError(f"its header declares {width} x {height} pixels, for which {num_bytes:,} bytes are too few")
        if _lies_on_its_side(image):
            width, height = height, width
        is_grey = image.mode in ("1", "L")
        image.verify()
        return Header(height, width, is_grey)


def read_pixels(path: Path) -> np.ndarray:
    """A picture upright on black, uint8 [H, W, 1] where its channels are equal, else [H, W, 3].

    Of several frames or pages it is the first. BadPictureError where it cannot be decoded to its end.
    """
    with _opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        pixels = np.asarray(_on_black(image))
    if pixels.ndim == 2:
        return pixels[..., None]
    is_grey = (pixels == pixels[..., :1]).all()
    return pixels[..., :1] if is_grey else pixels


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Pillow's warnings are not shown; that a picture has very many pixels is an error instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above:
        return
    if len(above) > _DEEPEST:
        raise InputError(f"{folder} lies more than {_DEEPEST} folders deep; put the pictures into fewer")
    for entry in folder.iterdir():
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if jsontext.unfit_character(entry.name) is not None:
            raise InputError(f"{str(entry)!a} has a name that cannot be shown; give it another")
        if entry.is_dir():
            yield from _below(entry, above | {here})
        elif entry.suffix.lower() in SUFFIXES and (entry.is_file() or not entry.exists()):  # a broken link is found out later
            yield entry


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """The picture of this file; whatever is wrong with it becomes BadPictureError."""
    try:
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            yield image
    except (BadPictureError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise BadPictureError("holds no picture of a known format") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadPictureError(str(error).partition(", could be")[0]) from error
    except Exception as error:  # decoders meet damage with errors of every kind
        raise BadPictureError(" ".join(in_short(error).split())) from error


def _lies_on_its_side(image: ImageFile.ImageFile) -> bool:
    """Whether EXIF turns it by a quarter; Pillow has already turned a TIFF's size."""
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):  # a PNG would be decoded to look
        return False
    return image.getexif().get(ExifTags.Base.Orientation) in _ON_THEIR_SIDE


def _on_black(image: Image.Image) -> Image.Image:
    """As "L" or "RGB", without transparency."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
