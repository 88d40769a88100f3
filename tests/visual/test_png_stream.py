from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Generator, Tensor

from sparring.visual.png_stream import PngStream

seeds = st.integers(0, 2**32)


def written(pixels: Tensor, heights: list[int]) -> bytes:
    """The PNG of pixels [C, H, W] in strips."""
    channels, height, width = pixels.shape
    stream = BytesIO()
    png = PngStream(stream, width, height, channels)
    for strip in pixels.split(heights, dim=1):
        png.write(strip)
    png.close()
    return stream.getvalue()


@given(
    st.sampled_from([1, 3, 4]), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 6), st.integers(0, 2**32)
)
def test_the_pixels_come_back_whatever_the_strips(channels, heights, width, seed):
    pixels = torch.randint(256, (channels, sum(heights), width), generator=Generator().manual_seed(seed), dtype=torch.uint8)
    with Image.open(BytesIO(written(pixels, heights))) as picture:
        assert picture.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        assert np.array_equal(np.asarray(picture).reshape(sum(heights), width, channels), pixels.permute(1, 2, 0))


@pytest.mark.parametrize("channels", [1, 3])
def test_smooth_pictures_are_about_as_small_as_pillows(channels):
    pixels = (torch.arange(64)[:, None] + 2 * torch.arange(80)).expand(channels, 64, 80).to(torch.uint8)
    pillow = BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).numpy().squeeze()).save(pillow, format="PNG")
    assert len(written(pixels, [64])) < 1.2 * len(pillow.getvalue())
