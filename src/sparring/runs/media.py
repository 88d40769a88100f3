"""Samples and animations of a run as files: PNG, NPZ, GIF, MP4."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.errors import InputError
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run
from sparring.storage import checksums
from sparring.storage.files import disk_errors, write_atomically
from sparring.visual import animated_gif, decode_png, encode_png, frame_indices, grid, to_uint8, walk, write_mp4
from sparring.visual.animation import FrameRule
from sparring.visual.grid import tile_scale

LONGEST_PICTURE = 1 << 26  # bytes of a PNG
_AT_A_TIME = 256
MOST_PIXELS = 1 << 28  # of all frames of an animation together


def write_samples(path: Path, samples: Tensor, labels: Tensor | None = None, columns: int | None = None) -> None:
    """Write images [N, C, H, W] in [-1, 1] as a grid (.png) with `columns`, as arrays (.npz), or as a folder of PNG files.

    An .npz holds `images`, uint8 [N, H, W] or [N, H, W, C], and `labels`, int64 [N], if given; for point data it holds
    `points`, float32 [N, D].
    Raises InputError for another kind of path, and for samples that cannot be drawn as pictures.
    """
    if path.suffix == ".npz":
        return _write_npz(path, samples, labels)
    _check_drawable(samples)
    if path.suffix == ".png":
        return _write(path, encode_png(grid(samples, columns or max(1, round(len(samples) ** 0.5)), alpha=True)))
    if path.suffix:
        raise InputError(f"cannot write samples to {path}: name a .png file, a .npz file, or a folder")
    _write_each(path, samples)
    return None


def write_drawn(path: Path, generator: SavedGenerator, z: Tensor, columns: int | None = None) -> None:
    """Write the images of z [N, num_z] as `write_samples` does; a folder is filled while they are drawn."""
    if path.suffix:
        return write_samples(path, generator.draw(z), generator.labels(z), columns)
    for start in range(0, len(z), _AT_A_TIME):
        images = generator.draw(z[start : start + _AT_A_TIME])
        _check_drawable(images)
        _write_each(path, images, start)
    return None


def _write_each(folder: Path, samples: Tensor, start: int = 0) -> None:
    for index, sample in enumerate(samples, start):
        _write(folder / f"{index:05d}.png", encode_png(grid(sample[None], 1, padding=0, alpha=True)))


def _check_drawable(samples: Tensor) -> None:
    if samples.ndim != 4 or samples.shape[1] not in (1, 3, 4):
        what = "points" if samples.ndim != 4 else f"{samples.shape[1]} channels"
        raise InputError(f"this generator draws {what}, which cannot be shown as pictures; write them with --out FILE.npz")


def training_frames(run: Run, rule: FrameRule | None = None) -> list[Image.Image]:
    """The frames of the fixed z that this rule (by default the recipe's) selects; InputError if there are no pictures."""
    files = run.frames()
    if not files:
        raise InputError(f"{run.path} has no pictures of its fixed z yet")
    chosen = [files[i].relative_to(run.path).as_posix() for i in frame_indices(len(files), rule or run.recipe.frames)]
    frames: list[Image.Image] = []
    for name in chosen:
        frames.append(decode_png(checksums.read(run.path, name, LONGEST_PICTURE), str(run.path / name)))
        if frames[-1].size != frames[0].size:
            raise InputError(
                f"{run.path / name} is of another size than {chosen[0]}; remove it, and the animation goes without"
            )
        if frames[0].width * frames[0].height * len(chosen) > MOST_PIXELS:
            raise InputError(f"{run.path / name} is too large for an animation of {len(chosen)} such pictures")
    return frames


def latent_frames(run: Run, seed: int, points: int = 6, steps_between: int = 15, tiles: int = 16) -> list[Image.Image]:
    """The frames of a closed walk through `points` latent points, as grids of `tiles` walks at once."""
    if len(run.shape) != 3:
        raise InputError(f"{run.path} draws points, not pictures; there is nothing to animate between them")
    z = run.generator.z(points * tiles, seed).view(tiles, points, -1)
    walks = [run.generator.draw(walk(own, steps_between)) for own in z]
    columns = round(tiles**0.5)
    frames = zip(*walks, strict=True)
    return [grid(torch.stack(frame), columns, scale=tile_scale(run.shape[-1])) for frame in frames]


def write_animation(path: Path, frames: Sequence[Image.Image]) -> None:
    """Write frames as .gif or .mp4, atomically; InputError for another kind of file."""
    if path.suffix == ".gif":
        return _write(path, animated_gif(frames))
    if path.suffix != ".mp4":
        raise InputError(f"cannot write an animation to {path}: name a .gif or an .mp4 file")
    with TemporaryDirectory() as scratch:
        part = Path(scratch) / "animation.mp4"
        write_mp4(part, frames)
        return _write(path, part.read_bytes())


def _write_npz(path: Path, samples: Tensor, labels: Tensor | None) -> None:
    arrays: dict[str, Any] = {} if labels is None else {"labels": labels.numpy()}
    if samples.ndim == 4:
        pixels = to_uint8(samples).permute(0, 2, 3, 1).numpy()
        arrays["images"] = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    else:
        arrays["points"] = samples.numpy()
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)
    _write(path, buffer.getvalue())


def _write(path: Path, data: bytes) -> None:
    with disk_errors(path, len(data)):
        path.parent.mkdir(parents=True, exist_ok=True)
    if (path.parent / checksums.NAME).is_file():  # a run's
        checksums.write(path.parent, path.name, data)
    else:
        write_atomically(path, data)
