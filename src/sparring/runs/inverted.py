"""What an inversion leaves: a picture of the pairs, and their z in a file that `sparring sample --z` takes."""

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.data.npz import one_array
from sparring.errors import InputError
from sparring.runs.generator import SavedGenerator
from sparring.storage import checksums
from sparring.visual import encode_png, grid, side_by_side, to_uint8
from sparring.visual.grid import tile_scale


def write_inverted(path: Path, images: Tensor, reconstructions: Tensor, z: Tensor) -> None:
    """Write the images beside their reconstructions, both [N, C, H, W] in [-1, 1], as a PNG, and an .npz of the same name.

    The .npz holds `z` float32 [N, num_z], and `images` and `reconstructions` uint8 [N, C, H, W].
    """
    columns, scale = max(1, round((len(images) / 2) ** 0.5)), tile_scale(images.shape[-1])
    given, found = (grid(some, columns, scale=scale) for some in (images, reconstructions))
    page = side_by_side(given, found, titles=("given", "found"))
    stream = BytesIO()
    np.savez(stream, z=z.numpy(), images=to_uint8(images).numpy(), reconstructions=to_uint8(reconstructions).numpy())
    checksums.write_file(path, encode_png(page))
    checksums.write_file(path.with_suffix(".npz"), stream.getvalue())


def read_z(path: Path, generator: SavedGenerator) -> Tensor:
    """The array `z` of an .npz file, float32 [N, num_z]; InputError where it is none of this generator's."""
    wanted = f"float32 [N, {generator.noise.num}] for this generator"

    def check(shape: tuple[int, ...], dtype: np.dtype, where: str) -> None:
        if dtype != np.float32 or len(shape) != 2 or shape[1] != generator.noise.num or shape[0] < 1:
            raise InputError(f"{where} is {dtype} {list(shape)}; it must be {wanted}")

    z = torch.from_numpy(one_array(path, "z", check))
    if not z.isfinite().all():
        raise InputError(f"`z` of {path} holds values that are infinite or not a number")
    return z
