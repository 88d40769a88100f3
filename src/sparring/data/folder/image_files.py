"""Image files of the usual formats, decoded one at a time with Pillow."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, TypeVar

import numpy as np
from PIL import Image, ImageColor, ImageFile, ImageOps, UnidentifiedImageError, features

from sparring.data.folder.listing import File
from sparring.data.folder.metadata import orientation, without_text
from sparring.data.streams import in_short, most_pixels

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})

UNREAD = frozenset({".heic", ".heif", ".avif", ".jxl"})  # photographs that Pillow reads with a plug-in, or not everywhere

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF")  # no others: Pillow gives EPS to an outside program
_ON_THEIR_SIDE = (5, 6, 7, 8)  # EXIF orientations that exchange height and width
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TOO_MANY_PIXELS = "pixels that are decoded at once"
_MOST_PIXELS = 1 << 27  # decoded at once, 400 MB of RGB


T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """Shape that pictures are brought to: `size` of both sides, or height and width, None for their own; `channels`, None for
    as many as they have.

    `fit`: "crop" covers the size and cuts the middle out, "pad" fits the whole picture in and fills up with the background,
    "stretch" scales each side by itself. `background`: the colour, as Pillow names it, beneath what is transparent and beside
    what is padded. `enlarge`: smaller pictures are enlarged; otherwise they are bad. `clear`: of 4 channels, what alpha hides
    is black, whatever a program left there.
    """

    size: int | tuple[int, ...] | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"
    channels: int | None = None
    enlarge: bool = field(default=False, repr=False)  # the cache's names hold the repr, which had no `enlarge` before
    background: str = field(default="black", repr=False)
    clear: bool = field(default=True, repr=False)

    @property
    def sides(self) -> tuple[int, int] | None:
        """Height and width, if there is a size."""
        if self.size is None or isinstance(self.size, int):
            return None if self.size is None else (self.size, self.size)
        height, width = self.size
        return height, width

    def exceeds(self, height: int, width: int) -> bool:
        """True if a picture of this height and width would have to be enlarged."""
        if self.sides is None:
            return False
        smaller = height < self.sides[0], width < self.sides[1]
        return all(smaller) if self.fit == "pad" else any(smaller)

    @property
    def wanted(self) -> str:
        """The size as it is written for people, width x height."""
        height, width = self.sides or (0, 0)
        return f"{width} x {height}"


AS_THEY_ARE = Shape()


class BadPictureError(Exception):
    """A file cannot be used as a picture; the message says why, in few words."""


@dataclass(frozen=True, slots=True)
class Header:
    """Size and kind that a picture's header declares."""

    height: int
    width: int
    is_grey: bool  # without a look at the pixels; others may turn out to be grey as well
    num_decoded: int  # pixels that are decoded: fewer than height x width where a JPEG is decoded at a fraction of its size


def suffixes() -> frozenset[str]:
    """The ends of names of image files that are read on this machine."""
    return SUFFIXES | {".jfif"} | ({".avif"} if features.check("avif") else set())


def read_header(file: File, shape: Shape = AS_THEY_ARE) -> Header:
    """A picture's size once it stands upright, its pixels not yet decoded; BadPictureError where it cannot be used.

    A PNG's checksums are compared here, because decoding does not.
    """
    return _with_image(file, lambda image, num_bytes: _header(image, num_bytes, shape))


def read_pixels(file: File, shape: Shape = AS_THEY_ARE) -> np.ndarray:
    """A picture upright, uint8 [H, W, C]: on the background, with 1 channel where all are equal, else 3; or the asked ones.

    One channel is made of three by ITU-R 601's weights, and 4 are red, green, blue and alpha. Of 16 bits the nearest 8 are
    kept; of several frames or pages it is the first. BadPictureError where it cannot be decoded to its end, or is smaller than
    the size that is asked for and not to be enlarged.
    """
    return _with_image(file, lambda image, _: _pixels(image, shape))


def pixels_of(image: Image.Image) -> np.ndarray:
    """A picture in memory as `read_pixels` makes it of a file: upright, uint8 [H, W, C], with 1 channel where all are equal.

    Raises BadPictureError for more than 16 bits a channel, and where it cannot be decoded.
    """
    if image.mode in ("I", "F"):
        raise BadPictureError(f"has more than 16 bits a channel (mode {image.mode})")
    try:
        pixels = np.asarray(_opaque(_eight_bits(_upright(image)), AS_THEY_ARE.background))
    except (OSError, SyntaxError, ValueError) as error:  # it is opened, but not decoded yet
        raise BadPictureError(" ".join(in_short(error).split())) from error
    return pixels[..., None] if pixels.ndim == 2 else _as_few_channels(pixels)


def _as_few_channels(pixels: np.ndarray) -> np.ndarray:
    """One channel where all are equal."""
    return pixels[..., :1] if (pixels == pixels[..., :1]).all() else pixels


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Within the block Pillow's warnings are not shown, and its limit of pixels is off: `read_header` has one of its own."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _with_image(file: File, use: Callable[[ImageFile.ImageFile, int], T]) -> T:
    """What `use` makes of the picture in a file and of its bytes' number; whatever is wrong becomes BadPictureError.

    A PNG that fails is tried once more without its texts and its colour profile, which Pillow refuses where they are long.
    """
    try:
        with file.open("rb") as stream:
            num_bytes = stream.seek(0, io.SEEK_END)
            try:
                return _use(stream, num_bytes, use)
            except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
                bare = without_text(stream)
                if bare is None:
                    raise
                return _use(bare, num_bytes, use)
    except (BadPictureError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise BadPictureError("holds no picture of a known format") from error
    except Exception as error:  # decoders meet damage with errors of every kind
        raise BadPictureError(" ".join(in_short(error).split())) from error


def _use(stream: BinaryIO, num_bytes: int, use: Callable[[ImageFile.ImageFile, int], T]) -> T:
    stream.seek(0)
    with Image.open(stream, formats=_FORMATS) as image:
        return use(image, num_bytes)


def _header(image: ImageFile.ImageFile, num_bytes: int, shape: Shape) -> Header:
    if image.mode in ("I", "F"):
        raise BadPictureError(f"has more than 16 bits a channel (mode {image.mode})")
    width, height = image.size
    if width * height > most_pixels(num_bytes):
        raise BadPictureError(f"its header declares {width} x {height} pixels, for which {num_bytes:,} bytes are too few")
    is_grey = image.mode in ("1", "L") or image.mode.startswith("I;")
    _draft(image, shape)
    num_decoded = image.width * image.height
    if num_decoded > _MOST_PIXELS:
        raise BadPictureError(f"is {width} x {height}, over the {_MOST_PIXELS:,} {TOO_MANY_PIXELS}")
    if orientation(image) in _ON_THEIR_SIDE:
        width, height = height, width
    image.verify()
    return Header(height, width, is_grey, num_decoded)


def _pixels(image: ImageFile.ImageFile, shape: Shape) -> np.ndarray:
    _draft(image, shape)
    turned = _eight_bits(_upright(image))
    turned = turned.convert("RGBA") if shape.channels == 4 else _opaque(turned, shape.background)
    if shape.channels in (1, 3):
        turned = turned.convert({1: "L", 3: "RGB"}[shape.channels])
    pixels = np.asarray(turned if shape.sides is None else _resized(turned, shape.sides, shape))
    if pixels.ndim == 2:
        return pixels[..., None]
    if shape.channels == 4 and shape.clear:
        return np.where(pixels[..., 3:] == 0, np.uint8(0), pixels)
    return pixels if shape.channels is not None else _as_few_channels(pixels)


def _upright(image: Image.Image) -> Image.Image:
    turn = _UPRIGHT.get(orientation(image))  # as it was opened; decoding may change what is known of it
    image.load()
    return image if turn is None else image.transpose(turn)


def _draft(image: ImageFile.ImageFile, shape: Shape) -> None:
    """Have a JPEG decoded at an integer fraction of its size, at least twice what is needed."""
    if shape.sides is not None:
        longer = 2 * max(shape.sides)  # it may yet be turned on its side
        image.draft(None, (longer, longer))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Sixteen bits of grey as the nearest eight: (x * 255) / 65535, rounded; Pillow itself has done so with colours."""
    if not image.mode.startswith("I;"):
        return image
    return Image.fromarray(((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8))


def _resized(image: Image.Image, sides: tuple[int, int], shape: Shape) -> Image.Image:
    """Antialiased by Lanczos' kernel; colours with alpha are weighed by it, as Pillow does."""
    if shape.exceeds(image.height, image.width) and not shape.enlarge:
        small = f"is {image.width} x {image.height} pixels, smaller than {shape.wanted}"
        raise BadPictureError(f"{small}; choose a smaller size, or data.enlarge=true")
    size = sides[1], sides[0]
    if shape.fit == "stretch":
        return image.resize(size, Image.Resampling.LANCZOS)
    if shape.fit == "crop":
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    beside = (0, 0, 0, 0) if image.mode == "RGBA" else ImageColor.getcolor(shape.background, image.mode)
    return ImageOps.pad(image, size, Image.Resampling.LANCZOS, beside)


def fitted(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture, uint8 [H, W, C], scaled by Lanczos' kernel until it covers the size, and its middle cut out."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    found = np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS))
    return found[..., None] if found.ndim == 2 else found


def _opaque(image: Image.Image, background: str) -> Image.Image:
    """As "L" or "RGB", with the background beneath what is transparent."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            beneath = Image.new("RGBA", image.size, (*ImageColor.getrgb(background)[:3], 255))
            image = Image.alpha_composite(beneath, image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
