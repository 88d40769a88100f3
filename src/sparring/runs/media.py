"""Animations of a run as files: GIF, MP4."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image

from sparring.errors import InputError
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run
from sparring.storage import checksums
from sparring.visual import animated_gif, decode_png, frame_indices, grid, walk, write_mp4
from sparring.visual.animation import FrameRule
from sparring.visual.grid import tile_scale

LONGEST_PICTURE = 1 << 26  # bytes of a PNG
MOST_PIXELS = 1 << 28  # of all frames of an animation together
LAST_SECONDS = 2.0  # for which the last frame of a training stays


def newest_picture(run: Run) -> tuple[Path, Image.Image]:
    """The file of the newest picture, and the picture; InputError if there is none yet, or if it was damaged."""
    path = run.newest_picture()
    if path is None:
        raise InputError(f"{run.path} has no pictures yet")
    name = path.relative_to(run.path).as_posix()
    return path, decode_png(checksums.read(run.path, name, LONGEST_PICTURE), str(path))


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


def latent_frames(
    generator: SavedGenerator, seed: int, points: int = 6, steps_between: int = 15, tiles: int = 16
) -> list[Image.Image]:
    """The frames of a closed walk through `points` latent points, as grids of `tiles` walks at once; InputError for points."""
    if len(generator.shape) != 3:
        raise InputError("this generator draws points, not pictures; there is nothing to animate between them")
    z = generator.z(points * tiles, seed).view(tiles, points, -1)
    walks = [generator.draw(walk(own, steps_between)) for own in z]
    columns = round(tiles**0.5)
    frames = zip(*walks, strict=True)
    return [grid(torch.stack(frame), columns, scale=tile_scale(generator.shape[-1])) for frame in frames]


def write_animation(path: Path, frames: Sequence[Image.Image], *, closed: bool = False) -> None:
    """Write frames as .gif or .mp4, atomically; a GIF rests on its last frame, unless the frames make a closed loop.

    Raises InputError for another kind of file.
    """
    if path.suffix == ".gif":
        return checksums.write_file(path, animated_gif(frames, hold_last_seconds=0.0 if closed else LAST_SECONDS))
    if path.suffix != ".mp4":
        raise InputError(f"cannot write an animation to {path}: name a .gif or an .mp4 file")
    with TemporaryDirectory() as scratch:
        part = Path(scratch) / "animation.mp4"
        write_mp4(part, frames)
        return checksums.write_file(path, part.read_bytes())
