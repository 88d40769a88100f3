import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.errors import InputError
from sparring.visual import animated_gif, frame_indices, write_mp4
from sparring.visual.animation import FrameRule


def greys(*levels: int, size: tuple[int, int] = (8, 6)) -> list[Image.Image]:
    return [Image.new("L", size, level) for level in levels]


def test_square_root_rule_on_150_frames() -> None:
    indices = frame_indices(150, "square-root")
    assert len(indices) == 25
    assert indices[:6] == [
        0,
        1,
        2,
        4,
        6,
        8,
    ]  # 2 sqrt(i) is 0, 2, 2.83, 4, 4.90, 5.66; i = 3 and 5 round to 3 and 4 again
    assert indices[23:] == [139, 149]


def test_square_root_rule_repeats_a_last_frame_that_it_kept() -> None:
    assert frame_indices(140, "square-root")[-2:] == [139, 139]
    assert frame_indices(1, "square-root") == [0, 0]


@pytest.mark.parametrize("count", [1, 2, 119, 120])
def test_all_keeps_every_frame(count: int) -> None:
    assert frame_indices(count, "all") == list(range(count))


@pytest.mark.parametrize("count", [121, 200, 239, 1000])
def test_all_thins_evenly_with_both_ends(count: int) -> None:
    indices = frame_indices(count, "all")
    assert (len(indices), indices[0], indices[-1]) == (120, 0, count - 1)
    gaps = np.diff(indices)
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_no_frames_give_no_indices() -> None:
    assert frame_indices(0, "all") == frame_indices(0, "square-root") == []


def test_unknown_rule_and_negative_count_are_refused() -> None:
    unknown: FrameRule = "cubic"  # pyright: ignore[reportAssignmentType]
    with pytest.raises(ValueError, match="rule must be one of all, square-root, got 'cubic'"):
        frame_indices(3, unknown)
    with pytest.raises(ValueError, match="count must be"):
        frame_indices(-1, "all")


def gif_frames(gif: bytes) -> list[tuple[int, int, int]]:
    """Red, green of the first pixel and milliseconds of every frame."""
    found = []
    with Image.open(BytesIO(gif)) as image:
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            red, green, _ = np.asarray(image.convert("RGB"))[0, 0]
            found.append((int(red), int(green), image.info["duration"]))
        assert image.info["loop"] == 0
    return found


def test_gif_keeps_greys_and_times() -> None:
    gif = animated_gif(greys(0, 77, 255), seconds_per_frame=0.25, hold_last_seconds=1.5)
    assert gif_frames(gif) == [(0, 0, 250), (77, 77, 250), (255, 255, 1750)]


def test_gif_shows_equal_neighbours_as_long_as_both() -> None:
    gif = animated_gif(greys(0, 9, 9), seconds_per_frame=0.1, hold_last_seconds=0)
    assert gif_frames(gif) == [(0, 0, 100), (9, 9, 200)]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_gif_of_colours(mode: str) -> None:
    frames = [Image.new(mode, (8, 6), colour) for colour in ("#ff0000", "#00ff00")]
    assert [frame[:2] for frame in gif_frames(animated_gif(frames))] == [(255, 0), (0, 255)]


def test_photos_keep_their_colours_and_are_reduced_by_few_of_their_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, whole = [], Image.Image.quantize

    def noted(image: Image.Image, *args: Any, **options: Any) -> Image.Image:
        sizes.append(image.size)
        return whole(image, *args, **options)

    monkeypatch.setattr(Image.Image, "quantize", noted)
    y, x = np.mgrid[0:120, 0:180]
    photo = np.stack([x, 2 * y, 127 + 127 * np.sin(x / 20)], axis=-1).astype(np.uint8)  # [H, W, 3]
    frames = [Image.fromarray(photo), Image.fromarray(photo[::-1].copy())]
    with Image.open(BytesIO(animated_gif(frames))) as image:
        image.seek(1)
        shown = np.asarray(image.convert("RGB"))
    assert sizes == [(60, 40), (180, 120)] * 2
    assert np.abs(shown.astype(int) - photo[::-1]).mean() < 8


def test_gif_of_one_frame() -> None:
    with Image.open(BytesIO(animated_gif(greys(5)))) as image:
        assert image.size == (8, 6)


def test_same_frames_give_the_same_bytes() -> None:
    assert animated_gif(greys(1, 2)) == animated_gif(greys(1, 2))


def test_frames_of_different_sizes_are_refused(tmp_path: Path) -> None:
    frames = [*greys(0), *greys(0, size=(9, 6))]
    with pytest.raises(ValueError, match="all of one size, got 8 x 6, 9 x 6"):
        animated_gif(frames)
    with pytest.raises(ValueError, match="got no frames"):
        write_mp4(tmp_path / "none.mp4", [])


@pytest.mark.parametrize(("seconds", "hold"), [(0.0, 1.0), (0.1, -1.0), (1.0, 655.0), (float("nan"), 1.0)])
def test_times_that_a_gif_cannot_keep_are_refused(seconds: float, hold: float) -> None:
    with pytest.raises(ValueError, match="seconds_per_frame must be"):
        animated_gif(greys(0), seconds, hold)


def test_mp4_can_be_read_and_its_size_is_even(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    path = tmp_path / "run.mp4"
    write_mp4(path, greys(0, 60, 120, 180, 240, size=(33, 45)), fps=5)
    decode = [ffmpeg, "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    decoded = subprocess.run(decode, capture_output=True, check=True)
    frames = np.frombuffer(decoded.stdout, dtype=np.uint8).reshape(5, 46, 34)
    assert frames[:, 20, 20].tolist() == pytest.approx([0, 60, 120, 180, 240], abs=4)
    assert frames[:, 45, 33].tolist() == pytest.approx([0, 60, 120, 180, 240], abs=4)
    assert b"34x46" in decoded.stderr
    assert b" 5 fps," in decoded.stderr


def test_mp4_without_the_extra_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r'pip install "sparring\[video\]"'):
        write_mp4(tmp_path / "run.mp4", greys(0))


@pytest.mark.parametrize(("name", "fps"), [("run.avi", 10.0), ("run.mp4", 0.0)])
def test_mp4_refuses(tmp_path: Path, name: str, fps: float) -> None:
    with pytest.raises(ValueError, match=r"path must end in \.mp4"):
        write_mp4(tmp_path / name, greys(0), fps)
