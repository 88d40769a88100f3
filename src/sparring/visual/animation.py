"""Animations: selection of frames, GIF and MP4."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from sparring.errors import InputError

FrameRule = Literal["all", "square-root"]
FRAME_RULES: tuple[FrameRule, ...] = get_args(FrameRule)

MAX_FRAMES = 120  # more frames make a large file and a long animation
MANY_COLOURS = 1 << 13  # in a frame: a photo, not a plot
STRIDE = 3  # pixels, in rows and in columns, from which the palette of such a frame is taken
SHORTEST_SECONDS, LONGEST_SECONDS = 0.02, 655.35  # browsers slow down shorter frames; GIF stores 16 bits of 1/100 s


def frame_indices(count: int, rule: FrameRule) -> list[int]:
    """The indices of the frames, out of `count`, that an animation shows.

    "all" keeps every frame, thinned evenly to at most 120, including the first and the last. "square-root" is the rule of
    TensorFlow's DCGAN tutorial, which is dense early on, when images change most: frame i is kept if round(2 sqrt(i))
    exceeds that of the previously kept frame. The last frame is then appended again, even if it was kept.
    Raises ValueError for a negative count or an unknown rule.
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    if rule not in FRAME_RULES:
        raise ValueError(f"rule must be one of {', '.join(FRAME_RULES)}, got {rule!r}")
    if count == 0:
        return []
    return _square_root_indices(count) if rule == "square-root" else _even_indices(count)


def animated_gif(frames: Sequence[Image.Image], seconds_per_frame: float = 0.1, hold_last_seconds: float = 0.0) -> bytes:
    """Encode frames as a GIF that loops forever and holds its last frame for `hold_last_seconds` longer.

    "L" frames keep their grey levels exactly; others are reduced to 256 colours each, which for a frame of very many are chosen
    by a ninth of its pixels, in a tenth of the time. Times are rounded to 1/100 s.
    Equal consecutive frames are stored once, with their durations added.
    Raises ValueError for no frames, frames of different sizes, or durations that a GIF cannot store.
    """
    _check_sizes(frames)
    longest = seconds_per_frame + hold_last_seconds
    if not (seconds_per_frame >= SHORTEST_SECONDS and hold_last_seconds >= 0 and longest <= LONGEST_SECONDS):
        raise ValueError(
            f"seconds_per_frame must be at least {SHORTEST_SECONDS}, hold_last_seconds at least 0, "
            f"and their sum at most {LONGEST_SECONDS}; got {seconds_per_frame} and {hold_last_seconds}"
        )
    milliseconds = [_milliseconds(seconds_per_frame)] * (len(frames) - 1) + [_milliseconds(longest)]
    buffer, (first, *others) = BytesIO(), map(_of_few_colours, frames)
    first.save(buffer, format="GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    return buffer.getvalue()


def write_mp4(path: Path, frames: Sequence[Image.Image], fps: float = 10.0) -> None:
    """Write frames as an H.264 video; an odd width or height is padded by repeating the last row or column.

    Raises InputError if the video extra is not installed, and ValueError for no frames, frames of different sizes, a path
    that does not end in .mp4, or an fps that is not positive.
    """
    _check_sizes(frames)
    if path.suffix != ".mp4" or not fps > 0:
        raise ValueError(f"path must end in .mp4 and fps must be positive, got {path} and {fps}")
    try:
        import imageio.v3 as imageio
        import imageio_ffmpeg  # noqa: F401  imageio needs it, but would not name the missing extra
    except ImportError as missing:
        raise InputError('Writing a video needs the video extra: pip install "sparring[video]".') from missing
    pixels = np.stack([_even_sized(frame) for frame in frames])
    imageio.imwrite(path, pixels, plugin="FFMPEG", fps=fps, codec="libx264", pixelformat="yuv420p", macro_block_size=1)


def _square_root_indices(count: int) -> list[int]:
    kept, last = [], -1
    for i in range(count):
        pace = round(2 * i**0.5)
        if pace > last:
            kept.append(i)
            last = pace
    return [*kept, count - 1]


def _even_indices(count: int) -> list[int]:
    num_kept = min(count, MAX_FRAMES)
    return [round(i) for i in np.linspace(0, count - 1, num_kept).tolist()]


def _check_sizes(frames: Sequence[Image.Image]) -> None:
    sizes = sorted({frame.size for frame in frames})
    if len(sizes) != 1:
        found = ", ".join(f"{width} x {height}" for width, height in sizes) or "no frames"
        raise ValueError(f"frames must be at least one and all of one size, got {found}")


def _of_few_colours(frame: Image.Image) -> Image.Image:
    """A frame of very many colours reduced to 256; others as they are, for Pillow to reduce with more care."""
    if frame.mode != "RGB" or frame.getcolors(MANY_COLOURS) is not None:
        return frame
    size = -(-frame.width // STRIDE), -(-frame.height // STRIDE)
    palette = frame.resize(size, Image.Resampling.NEAREST).quantize(256)
    return frame.quantize(palette=palette, dither=Image.Dither.NONE)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 100) * 10


def _even_sized(frame: Image.Image) -> np.ndarray:
    # uint8 [H, W, 3] with H and W even, because H.264 halves the resolution of colour
    pixels = np.asarray(frame.convert("RGB"))
    height, width, _ = pixels.shape
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
