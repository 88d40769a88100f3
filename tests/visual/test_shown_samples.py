"""Samples: a tensor with a picture."""

import copy
import pickle
from io import BytesIO

import torch
from PIL import Image
from torch import Tensor

from sparring.visual.html_table import html_table
from sparring.visual.samples import Samples


def test_a_notebook_shows_a_grid_of_the_first_hundred() -> None:
    images = torch.zeros(150, 1, 28, 28).as_subclass(Samples)
    png = images._repr_png_()
    assert png is not None
    assert Image.open(BytesIO(png)).size == (2 * (10 * 30 + 2),) * 2


def test_points_and_no_images_have_no_picture() -> None:
    assert torch.zeros(5, 2).as_subclass(Samples)._repr_png_() is None
    assert torch.zeros(0, 1, 4, 4).as_subclass(Samples)._repr_png_() is None


def test_what_is_computed_or_read_back_is_a_plain_tensor() -> None:
    images = torch.zeros(2, 1, 4, 4).as_subclass(Samples)
    buffer = BytesIO()
    torch.save(images, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=True)
    for found in (images + 1, images[0], images.mean(), torch.stack([images]), loaded, pickle.loads(pickle.dumps(images))):
        assert type(found) is Tensor
    assert torch.equal(copy.deepcopy(images), images)
    assert "tensor" in repr(images) or "Samples" in repr(images)


def test_tables_escape_their_texts() -> None:
    table = html_table(("<b>",), [("a & b",)], "<i>")
    assert table == (
        "<table><caption>&lt;i&gt;</caption><thead><tr><th>&lt;b&gt;</th></tr></thead>"
        "<tbody><tr><td>a &amp; b</td></tr></tbody></table>"
    )
