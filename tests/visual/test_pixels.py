from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.visual import decode_png, encode_png, to_uint8
from sparring.visual.pixels import half_blocks


def test_ends_and_middle_by_hand() -> None:
    images = torch.tensor([-1.0, 1.0, 0.0, 0.2, -3.0, 3.0]).reshape(1, 1, 2, 3)
    assert to_uint8(images).flatten().tolist() == [
        0,
        255,
        128,
        153,
        0,
        255,
    ]  # 0 gives 127.5, whose even neighbour is 128


def test_many_images_are_quantised_as_each_of_them() -> None:
    images = torch.rand(600, 1, 2, 2, generator=torch.Generator().manual_seed(0)) * 3 - 1.5
    assert torch.equal(to_uint8(images), torch.cat([to_uint8(image[None]) for image in images]))


def test_halves_go_to_the_even_neighbour() -> None:
    levels = torch.arange(255, dtype=torch.float64) + 0.5
    images = levels / 127.5 - 1
    exact = (images + 1) * 127.5 == levels  # the halves that float64 can hold
    assert exact.sum() > 10
    even = (2 * (levels / 2).round()).to(torch.uint8)
    assert torch.equal(to_uint8(images.reshape(1, 1, 1, -1)).flatten()[exact], even[exact])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_level_survives_the_round_trip(dtype: torch.dtype) -> None:
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(to_uint8(levels.to(dtype) / 127.5 - 1), levels)


def test_half_precision_is_widened_before_the_arithmetic() -> None:
    images = torch.linspace(-1, 1, 1000).to(torch.bfloat16).reshape(1, 1, 10, 100)
    assert torch.equal(to_uint8(images), to_uint8(images.float()))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_non_finite_values_are_refused(bad: float) -> None:
    images = torch.zeros(2, 1, 2, 2)
    images[1, 0, 1, 1] = bad
    with pytest.raises(ValueError, match="infinite or not a number"):
        to_uint8(images)


@pytest.mark.parametrize("images", [torch.zeros(1, 2, 2), torch.zeros(1, 1, 2, 2, dtype=torch.uint8)])
def test_other_shapes_and_dtypes_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"must be float \[N, C, H, W\]"):
        to_uint8(images)


def test_png_depends_on_pixels_alone() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    plain, described = Image.fromarray(pixels), Image.fromarray(pixels)
    described.info = {"dpi": (72, 72), "icc_profile": b"not a profile"}
    assert encode_png(plain) == encode_png(described)
    assert "dpi" in described.info
    with Image.open(BytesIO(encode_png(plain))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(("mode", "decoded"), [("L", "L"), ("RGB", "RGB"), ("RGBA", "RGB")])
def test_png_decodes_to_a_mode_without_alpha(mode: str, decoded: str) -> None:
    image = Image.new(mode, (3, 2), "white")
    assert decode_png(encode_png(image)).mode == decoded


def test_half_blocks_pair_the_rows_and_double_an_odd_last_one():
    image = Image.new("RGB", (2, 3))
    image.putdata([(0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5)])
    rows = half_blocks(image, columns=10)
    assert [[(upper[0], lower[0]) for upper, lower in row] for row in rows] == [[(0, 2), (1, 3)], [(4, 4), (5, 5)]]


def test_half_blocks_are_no_wider_than_asked():
    rows = half_blocks(Image.new("L", (300, 150), 7), columns=60)
    assert (len(rows), {len(row) for row in rows}) == (15, {60})
    assert rows[0][0] == ([7, 7, 7], [7, 7, 7])
