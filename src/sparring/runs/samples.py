"""Samples of a generator as files, written while they are drawn: a grid, arrays, or a folder of PNG files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import torch
from torch import Tensor

from sparring.errors import InputError
from sparring.runs.generator import SavedGenerator
from sparring.storage import checksums
from sparring.storage.files import disk_errors, write_stream
from sparring.visual import encode_png, grid, to_uint8
from sparring.visual.grid import PADDING, enlarged, padding_rows, tile_rows, tile_scale
from sparring.visual.png_stream import PngStream


def write_drawn(path: Path, generator: SavedGenerator, z: Tensor, columns: int | None = None) -> None:
    """Draw the images of z [N, num_z], and write them as a grid (.png) with `columns`, as arrays (.npz), or as PNG files.

    The tiles of a grid are as large as those of a run's own pictures. An .npz holds `images`, uint8 [N, H, W] or [N, H, W, C],
    and `labels`, int64 [N], where the generator has classes; for point data it holds `points`, float32 [N, D]. A few blocks of
    samples are held at a time.
    Raises InputError for another kind of path, and for samples that cannot be drawn as pictures.
    """
    if path.suffix not in ("", ".png", ".npz"):
        raise InputError(f"cannot write samples to {path}: name a .png file, a .npz file, or a folder")
    if path.suffix != ".npz":
        _check_drawable(generator.shape)
    drawn = generator.draw_in_blocks(z)
    if not path.suffix:
        for index, sample in enumerate(sample for block in drawn for sample in block):
            png = encode_png(grid(sample[None], 1, padding=0, alpha=True))
            checksums.write_file(path / f"{index:05d}.png", png)
        return
    with _new_file(path, len(z) * prod(generator.shape)) as stream:
        if path.suffix == ".npz":
            _write_arrays(stream, drawn, (len(z), *generator.shape), generator.labels(z))
        else:
            _write_grid(stream, drawn, (len(z), *generator.shape), columns or max(1, round(len(z) ** 0.5)))


def are_pictures(shape: tuple[int, ...]) -> bool:
    """Whether samples of this shape can be drawn: grey, in colour, or with alpha."""
    return len(shape) == 3 and shape[0] in (1, 3, 4)


def _check_drawable(shape: tuple[int, ...]) -> None:
    if not are_pictures(shape):
        what = "points" if len(shape) != 3 else f"{shape[0]} channels"
        raise InputError(f"this generator draws {what}, which cannot be shown as pictures; write them to an .npz file")


def _write_grid(stream: BinaryIO, drawn: Iterable[Tensor], shape: tuple[int, ...], columns: int) -> None:
    num, channels, height, width = shape
    columns, scale = min(columns, num), tile_scale(width)
    top = padding_rows(channels, columns * (width + PADDING) + PADDING)
    rows = -(-num // columns) * (height + PADDING) + PADDING
    png = PngStream(stream, scale * top.shape[2], scale * rows, channels)
    png.write(enlarged(top, scale))
    for strip in _whole_rows(drawn, columns):
        png.write(enlarged(tile_rows(to_uint8(strip), columns), scale))
    png.close()


def _whole_rows(drawn: Iterable[Tensor], columns: int) -> Iterator[Tensor]:
    """The same images in parts that fill rows of so many; the last row may be incomplete."""
    held: list[Tensor] = []
    for block in drawn:
        images = torch.cat([*held, block])
        whole = len(images) - len(images) % columns
        if whole:
            yield images[:whole]
        held = [images[whole:]]
    if held and len(held[0]):
        yield held[0]


def _write_arrays(stream: BinaryIO, drawn: Iterable[Tensor], shape: tuple[int, ...], labels: Tensor | None) -> None:
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        if labels is not None:
            _write_array(archive, "labels", (len(labels),), [labels.numpy()])
        if len(shape) == 2:
            return _write_array(archive, "points", shape, (block.float().numpy() for block in drawn))
        num, *channels, height, width = shape
        stored = (num, height, width, *(channels if channels != [1] else ()))
        return _write_array(archive, "images", stored, (_channels_last(block) for block in drawn))


def _write_array(archive: ZipFile, name: str, shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        for place, part in enumerate(parts):
            if place == 0:
                header: Any = {"descr": part.dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(member, header)
            member.write(np.ascontiguousarray(part).data)


def _channels_last(images: Tensor) -> np.ndarray:
    pixels = to_uint8(images).permute(0, 2, 3, 1).numpy()
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


@contextmanager
def _new_file(path: Path, num_bytes: int) -> Iterator[BinaryIO]:
    """A file that gets its name once the block has written all of it; in a run's folder with its checksum."""
    with disk_errors(path, num_bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
    with write_stream(path, num_bytes) as stream:
        yield stream
        if (path.parent / checksums.NAME).is_file():
            checksums.record(path.parent, path.name, stream)
