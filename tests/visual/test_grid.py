from typing import Any

import numpy as np
import pytest
import torch

from sparring.visual import encode_png, grid, side_by_side


def levels(*values: int) -> torch.Tensor:
    """One-pixel grey images [N, 1, 1, 1] of these 8-bit levels."""
    return (torch.tensor(values, dtype=torch.float64) / 127.5 - 1).reshape(-1, 1, 1, 1)


def test_two_by_two_by_hand() -> None:
    picture = grid(levels(0, 10, 20, 30), columns=2, padding=1)
    assert picture.mode == "L"
    assert np.asarray(picture).tolist() == [
        [128, 128, 128, 128, 128],
        [128, 0, 128, 10, 128],
        [128, 128, 128, 128, 128],
        [128, 20, 128, 30, 128],
        [128, 128, 128, 128, 128],
    ]


def test_last_row_may_be_incomplete() -> None:
    assert np.asarray(grid(levels(1, 2, 3), columns=2, padding=0, fill=9)).tolist() == [[1, 2], [3, 9]]


def test_a_grid_is_no_wider_than_its_images() -> None:
    assert np.asarray(grid(levels(1, 2), columns=5, padding=0)).tolist() == [[1, 2]]


def test_scale_repeats_pixels() -> None:
    assert np.asarray(grid(levels(1, 2), columns=2, padding=0, scale=2)).tolist() == [[1, 1, 2, 2]] * 2


@pytest.mark.parametrize(("scale", "size"), [(1, (242, 62)), (3, (726, 186))])
def test_size_of_eight_by_two(scale: int, size: tuple[int, int]) -> None:
    assert grid(torch.zeros(16, 1, 28, 28), columns=8, scale=scale).size == size


def test_mid_grey_is_the_padding_of_zero_images() -> None:
    assert np.unique(np.asarray(grid(torch.zeros(3, 1, 4, 4), columns=2))).tolist() == [128]


def test_colours_keep_their_channels() -> None:
    red_then_blue = torch.tensor([[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0]]).reshape(2, 3, 1, 1)
    picture = grid(red_then_blue, columns=2, padding=0)
    assert picture.mode == "RGB"
    assert np.asarray(picture).tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_images_that_carry_a_gradient_can_be_drawn() -> None:
    assert grid(torch.zeros(1, 1, 2, 2, requires_grad=True), columns=1).size == (6, 6)


@pytest.mark.parametrize("shape", [(0, 1, 2, 2), (1, 2, 2, 2), (1, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="images must be"):
        grid(torch.zeros(shape), columns=1)


@pytest.mark.parametrize("setting", [{"columns": 0}, {"padding": -1}, {"fill": 256}, {"scale": 0}])
def test_settings_out_of_range_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        grid(torch.zeros(1, 1, 2, 2), **{"columns": 1, **setting})


def test_side_by_side_holds_both_pictures_and_their_titles() -> None:
    left = grid(torch.full((1, 1, 40, 90), -1.0), columns=1, padding=0)
    right = grid(torch.zeros(1, 1, 60, 90), columns=1, padding=0)
    page = np.asarray(side_by_side(left, right, gap=20))
    assert page.shape == (24 + 60 + 5, 5 + 90 + 20 + 90 + 5)
    assert (page[24:64, 5:95] == 0).all()
    assert (page[24:84, 115:205] == 128).all()
    assert (page[64:, 5:95] == 255).all()
    assert page[:24, 5:95].min() < 100  # "real"
    assert page[:24, 115:205].min() < 100  # "generated"
    assert (page[:, 95:115] == 255).all()


def test_side_by_side_makes_room_for_a_title_wider_than_its_picture() -> None:
    dot = grid(levels(0), columns=1)
    page = np.asarray(side_by_side(dot, dot, gap=0))
    assert page.shape[1] > 60
    assert (page[:, -5:] == 255).all()


def test_side_by_side_of_grey_and_colour_is_colour() -> None:
    grey, colour = grid(torch.zeros(1, 1, 2, 2), columns=1), grid(torch.zeros(1, 3, 2, 2), columns=1)
    assert side_by_side(grey, grey).mode == "L"
    assert side_by_side(grey, colour).mode == "RGB"
    with pytest.raises(ValueError, match="gap must be"):
        side_by_side(grey, grey, gap=-1)


def test_same_images_give_the_same_bytes() -> None:
    images = torch.randn(6, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    first, second = (encode_png(side_by_side(grid(images, 3), grid(images, 2))) for _ in range(2))
    assert first == second
