"""Grids of images, with or without headings, and two grids side by side."""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from sparring.visual.pixels import on_chequers, to_uint8

PADDING = 2
MID_GREY = 128  # the value of a pixel of 0 in `to_uint8`

TITLE_SIZE = 14  # pixels
TITLE_MARGIN = 5  # pixels above and below a title, and around the whole


def grid(
    images: Tensor, columns: int, padding: int = PADDING, fill: int = MID_GREY, scale: int = 1, alpha: bool = False
) -> Image.Image:
    """Lay images out row by row, with padding around and between them; the last row may be incomplete.

    images: float [N, C, H, W] in [-1, 1], C 1 (gives mode "L"), 3 ("RGB") or 4, the last of them alpha: drawn on a chequered
    ground ("RGB"), or kept with `alpha` ("RGBA"). fill: grey level in [0, 255] of the
    padding and of empty cells; scale: integer enlargement that keeps pixels sharp.
    The grid is scale * (columns * (W + padding) + padding) wide, its height follows the same rule, as in torchvision's
    `make_grid`. A single image is padded too, and a grid has no more columns than images.
    Raises ValueError for no images, another C, or a setting out of range.
    """
    _check_settings(images, columns, padding, fill, scale)
    tiles = to_uint8(images).cpu()
    if tiles.shape[1] == 4 and not alpha:
        tiles = on_chequers(tiles)
    rows = tile_rows(tiles, min(columns, len(tiles)), padding, fill)
    canvas = torch.cat([padding_rows(len(rows), rows.shape[2], padding, fill), rows], dim=1)
    return _to_pil(enlarged(canvas, scale))


def enlarged(pixels: Tensor, scale: int) -> Tensor:
    """Pixels [C, H, W], each as a square of `scale` x `scale`."""
    return pixels.repeat_interleave(scale, 1).repeat_interleave(scale, 2)


def tile_rows(tiles: Tensor, columns: int, padding: int = PADDING, fill: int = MID_GREY) -> Tensor:
    """The rows of a `grid` without the padding above the first one: uint8 [N, C, H, W] -> [C, rows, width]."""
    num, channels, height, width = tiles.shape
    pitch_y, pitch_x = height + padding, width + padding
    canvas = padding_rows(channels, columns * pitch_x + padding, -(-num // columns) * pitch_y, fill)
    for i, tile in enumerate(tiles):
        top, left = i // columns * pitch_y, padding + i % columns * pitch_x
        canvas[:, top : top + height, left : left + width] = tile
    return canvas


def padding_rows(num_channels: int, width: int, num_rows: int = PADDING, fill: int = MID_GREY) -> Tensor:
    """So many rows of a grid's padding, uint8 [C, rows, width]; it is opaque."""
    canvas = torch.full((num_channels, num_rows, width), fill, dtype=torch.uint8)
    canvas[3:] = 255
    return canvas


def headed_grid(images: Tensor, rows: Sequence[str] = (), columns: Sequence[str] = ()) -> Image.Image:
    """A `grid` with a heading before each row or above each column, enlarged so that an image takes up to 64 pixels.

    images: as for `grid`, row by row; their number is a multiple of the number of headings. Headings are black on white.
    Raises ValueError for no headings, for both kinds, or if their number does not fit the images.
    """
    num_words = len(rows) or len(columns)
    if bool(rows) == bool(columns) or len(images) % num_words:
        raise ValueError(f"{len(images)} images need words for their rows or for their columns, got {num_words}")
    num_columns = len(columns) or len(images) // len(rows)
    height, width = images.shape[-2:]
    scale = tile_scale(width)
    picture = grid(images, num_columns, scale=scale)
    font = ImageFont.load_default(TITLE_SIZE)
    left = 2 * TITLE_MARGIN + round(max((font.getlength(word) for word in rows), default=-2 * TITLE_MARGIN) + 0.5)
    top = TITLE_SIZE + 2 * TITLE_MARGIN if columns else 0
    page = Image.new(picture.mode, (left + picture.width, top + picture.height), "white")
    page.paste(picture, (left, top))
    draw = ImageDraw.Draw(page)
    for i, word in enumerate(rows):
        middle = scale * (PADDING + i * (height + PADDING) + height / 2)
        draw.text((left - TITLE_MARGIN, middle), word, fill="black", font=font, anchor="rm")
    for i, word in enumerate(columns):
        middle = scale * (PADDING + i * (width + PADDING) + width / 2)
        draw.text((middle, top - TITLE_MARGIN), word, fill="black", font=font, anchor="ms")
    return page


def tile_scale(width: int) -> int:
    """The integer factor that enlarges images of this width to 64 pixels or slightly less."""
    return max(1, 64 // width)


def side_by_side(
    left: Image.Image, right: Image.Image, gap: int = 24, titles: tuple[str, str] = ("real", "generated")
) -> Image.Image:
    """Two pictures side by side on white, `gap` pixels apart, each below its title, aligned at the top.

    The mode of the result is "L" if both are "L", else "RGB".
    Raises ValueError for a negative gap.
    """
    if gap < 0:
        raise ValueError(f"gap must be at least 0 pixels, got {gap}")
    mode = "L" if left.mode == right.mode == "L" else "RGB"
    captioned = [_captioned(picture.convert(mode), title) for picture, title in zip((left, right), titles, strict=True)]
    first, second = captioned
    size = (first.width + gap + second.width + 2 * TITLE_MARGIN, max(first.height, second.height) + TITLE_MARGIN)
    page = Image.new(mode, size, "white")
    page.paste(first, (TITLE_MARGIN, 0))
    page.paste(second, (TITLE_MARGIN + first.width + gap, 0))
    return page


def _check_settings(images: Tensor, columns: int, padding: int, fill: int, scale: int) -> None:
    if images.ndim != 4 or images.shape[0] == 0 or images.shape[1] not in (1, 3, 4):
        raise ValueError(f"images must be [N, C, H, W] with N at least 1 and C 1, 3 or 4, got {list(images.shape)}")
    if columns < 1 or scale < 1 or padding < 0:
        raise ValueError(f"columns and scale must be at least 1 and padding at least 0, got {columns}, {scale} and {padding}")
    if not 0 <= fill <= 255:
        raise ValueError(f"fill must be a grey level from 0 to 255, got {fill}")


def _to_pil(pixels: Tensor) -> Image.Image:
    # pixels: uint8 [C, H, W]
    channels_last = pixels.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(channels_last.squeeze(2) if channels_last.shape[2] == 1 else channels_last)


def _captioned(picture: Image.Image, title: str) -> Image.Image:
    font = ImageFont.load_default(TITLE_SIZE)
    text_width = round(font.getlength(title) + 0.5)
    header = TITLE_SIZE + 2 * TITLE_MARGIN
    page = Image.new(picture.mode, (max(picture.width, text_width), header + picture.height), "white")
    ImageDraw.Draw(page).text((0, header - TITLE_MARGIN), title, fill="black", font=font, anchor="ls")
    page.paste(picture, (0, header))
    return page
