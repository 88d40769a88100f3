"""Conversion of floats in [-1, 1] to bytes in [0, 255], and PNG encoding and decoding in memory."""

import warnings
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.errors import InputError
from sparring.storage import strict_json

Colour = Sequence[int]  # red, green and blue, in [0, 255]
_AT_ONCE = 256  # images, for memory


def to_uint8(images: Tensor) -> Tensor:
    """Quantise images to 8 bits: (x + 1) * 127.5, rounded half to even.

    images: float [N, C, H, W]; values outside [-1, 1] are clamped first. Returns uint8 of the same shape and device.
    Half precision is widened to float32 before the arithmetic, so that all 256 levels can be told apart.
    Raises ValueError for another number of dimensions, an integer dtype, or a value that is infinite or not a number.
    """
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(f"images must be float [N, C, H, W], got {images.dtype} {list(images.shape)}")
    quantised = torch.empty_like(images, dtype=torch.uint8)
    for some, room in zip(images.split(_AT_ONCE), quantised.split(_AT_ONCE), strict=True):
        if not some.isfinite().all():
            raise ValueError("images hold values that are infinite or not a number")
        wide = some.to(torch.promote_types(some.dtype, torch.float32))
        room.copy_(wide.clamp(-1, 1).add_(1).mul_(127.5).round_())
    return quantised


def on_chequers(pixels: Tensor, squares: int = 8) -> Tensor:
    """Pictures with alpha, uint8 [N, 4, H, W], on a ground of light and dark grey squares: uint8 [N, 3, H, W].

    `squares`: how many lie along the height; they are smaller than they would be where H is no multiple of it.
    """
    side = max(1, pixels.shape[2] // squares)
    rows, columns = (torch.arange(size, device=pixels.device) // side for size in pixels.shape[2:])
    ground = torch.where((rows[:, None] + columns) % 2 == 0, 153, 102)  # the greys of image editors
    colours, alpha = pixels[:, :3].int(), pixels[:, 3:].int()
    return ((colours * alpha + ground * (255 - alpha) + 127) // 255).to(torch.uint8)


def half_blocks(image: Image.Image, columns: int) -> list[list[tuple[Colour, Colour]]]:
    """A picture for a terminal, at most `columns` characters wide: rows of pairs, the upper and the lower half of a character.

    A larger picture is reduced, a smaller one stays as it is; an odd last row is doubled.
    """
    width = min(columns, image.width)
    size = width, max(1, round(image.height * width / image.width))
    pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    pixels = np.pad(pixels, ((0, len(pixels) % 2), (0, 0), (0, 0)), mode="edge").tolist()
    return [list(zip(upper, lower, strict=True)) for upper, lower in zip(pixels[::2], pixels[1::2], strict=True)]


def encode_png(image: Image.Image) -> bytes:
    """Encode a picture as PNG, without metadata, so that equal pixels give equal bytes."""
    bare = image.copy()
    bare.info = {}
    buffer = BytesIO()
    bare.save(buffer, format="PNG")
    return buffer.getvalue()


def decode_png(png: bytes, where: str = "the picture") -> Image.Image:
    """Read a PNG as a picture, "L" or "RGB"; an alpha channel is dropped.

    Raises InputError, naming `where`, for bytes that are not a PNG, damaged files, and pictures with too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(png), formats=["PNG"]) as image:
                image.verify()  # verifies checksums, which decoding skips
        with Image.open(BytesIO(png), formats=["PNG"]) as image:
            return image.convert("L" if image.mode == "L" else "RGB")
    except MemoryError:
        raise
    except Exception as error:  # damaged files cause errors of many types
        raise InputError(f"{where} is no intact PNG: {strict_json.one_line(str(error))}") from None
