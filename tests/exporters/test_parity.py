"""How far two ways from z to samples are apart, by values worked out by hand."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sparring import networks
from sparring.exporters import InexactError, Options, Trained
from sparring.exporters.measured import measured
from sparring.exporters.parity import FLOAT16, FLOAT32, POINTS32, Limits, Parity, measure, seeds_to_compare
from sparring.runs.generator import SavedGenerator
from tiny import miniature

LEVEL = 1 / 127.5


def images(z: Tensor) -> Tensor:
    """Of z [N, 1] four grey pixels each, all of level 100 + the row's number."""
    return ((100 + z) * LEVEL - 1)[:, :, None, None].expand(-1, 1, 2, 2).clone()


def off(pixels: list[tuple[int, int, float]]):
    """The same images with so many levels added to pixels (row of the batch, column, levels) of the first row."""

    def draw(z: Tensor) -> Tensor:
        drawn = images(z)
        for image, column, levels in pixels:
            drawn[image, 0, 0, column] += levels * LEVEL
        return drawn

    return draw


Z = torch.arange(5.0)[:, None]


def test_equal_samples_have_no_distance():
    assert measure(images, images, Z, "itself") == Parity("itself", 5, 0.0, 0.0, 0.0, 0)


def test_pixels_are_compared_as_bytes():
    found = measure(images, off([(0, 0, 1.0), (1, 1, -3.0), (2, 0, 0.2)]), Z, "x")
    assert found.difference == pytest.approx(3 * LEVEL, rel=1e-4)
    assert found.differing == pytest.approx(2 / 20)
    assert found.beyond_one == pytest.approx(1 / 20)
    assert found.levels == 3


def test_points_are_measured_by_their_scale():
    found = measure(lambda z: 10 * z, lambda z: 10 * z + 0.4, Z, "x")
    assert found.difference == pytest.approx(0.01, rel=1e-4)
    assert found.levels is None


def test_blocks_change_nothing():
    z = torch.arange(150.0)[:, None] / 2
    told: list[tuple[int, int]] = []
    found = measure(images, lambda z: images(z) + 2e-6 * (z[:, :, None, None] > 70), z, "x", lambda *done: told.append(done))
    assert (found.num, told) == (150, [(64, 150), (128, 150), (150, 150)])
    assert found.difference == pytest.approx(2e-6, rel=0.1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [images, lambda z: z])
def test_values_that_are_not_finite_are_no_export(bad, kind):
    with pytest.raises(InexactError, match="infinite or not a number; nothing was written"):
        measure(kind, lambda z: kind(z) * bad, Z, "x")


def test_samples_of_another_shape_are_no_export():
    with pytest.raises(InexactError, match=r"samples \[5, 1, 4\] in place of \[5, 1, 2, 2\]"):
        measure(images, lambda z: images(z).flatten(2), Z, "x")


GOOD = Parity("x", 1000, 9e-6, 9e-5, 0.0, 1)
HALF = Parity("x", 1000, 2e-3, 0.03, 9e-4, 2, 0.0509, 0.05)


@pytest.mark.parametrize(
    ("parity", "limits", "missed"),
    [
        (GOOD, FLOAT32, ()),
        (Parity("x", 1000, 1.1e-5, 9e-5, 0.0, 1), FLOAT32, ("the largest difference is 1.1e-05, and may be 1e-05",)),
        (Parity("x", 1000, 1.1e-5, 9e-5, 0.0, 1, rounding=8e-6), FLOAT32, ()),
        (
            Parity("x", 1000, 2e-5, 9e-5, 0.0, 1, rounding=8e-6),
            FLOAT32,
            ("the largest difference is 2e-05, and may be 1.6e-05",),
        ),
        (
            Parity("x", 1000, 2e-5, 9e-5, 0.0, 1, rounding=1e-7),
            FLOAT32,
            ("the largest difference is 2e-05, and may be 1e-05",),
        ),
        (Parity("x", 1000, 9e-6, 2e-4, 0.0, 1), FLOAT32, ("the share of pixels that differ is 0.02%, and may be 0.01%",)),
        (Parity("x", 1000, 9e-6, 9e-5, 0.0, 2), FLOAT32, ("the largest difference in grey levels is 2, and may be 1",)),
        (HALF, FLOAT16, ()),
        (
            Parity("x", 1000, 2e-3, 0.03, 2e-3, 3, 0.0515, 0.05),
            FLOAT16,
            (
                "the share of pixels beyond one grey level is 0.20%, and may be 0.10%",
                "the largest difference in grey levels is 3, and may be 2",
                "the change of the Frechet distance is 3.0%, and may be 2.0%",
            ),
        ),
        (Parity("x", 1000, 2e-5), POINTS32, ("the largest difference is 2e-05, and may be 1e-05",)),
        (Parity("x", 1000, float("nan")), Limits(difference=1.0), ("the largest difference is nan, and may be 1",)),
    ],
)
def test_what_is_beyond_the_limits_is_said(parity, limits, missed):
    assert tuple(parity.misses(limits)) == missed
    if missed:
        with pytest.raises(InexactError) as caught:
            parity.require(limits, allow_inexact=False)
        assert missed[0] in str(caught.value)
        assert caught.value.exit_status == 4
    parity.require(limits, allow_inexact=True)


def test_a_network_that_amplifies_rounding_may_differ_by_twice_its_own():
    trained = Trained.of("digits")  # with 1.1e-5 from onnxruntime, of which 7.9e-6 is PyTorch's own
    options = Options("onnx", "float32", True, None, None, lambda *_: None)
    z = seeds_to_compare(trained.generator)
    exact = deepcopy(trained.generator.network).double()
    with torch.no_grad():
        own = (torch.cat([exact(part.double()) - trained.generator.draw(part) for part in z.split(64)])).abs().max().item()
    parity = measured(trained, lambda z: trained.generator.draw(z) + 5e-5, "x", options)
    assert parity.rounding == pytest.approx(own, rel=0.2)
    assert measured(trained, trained.generator.draw, "x", options).rounding is None


@pytest.mark.parametrize(
    ("parity", "said"),
    [
        (GOOD, "1,000 images by x: off by 9.0e-06 at most; 0.0090% of the 8-bit pixels differ, by 1 at most"),
        (
            replace(GOOD, difference=1.1e-5, rounding=6e-6),
            "off by 1.1e-05 at most (PyTorch itself by 6.0e-06 from float64); 0.0090%",
        ),
        (HALF, "by 2 at most; Frechet distance 0.0509, the original's 0.0500"),
        (Parity("x", 1000, 2e-7), "1,000 points by x: off by 2.0e-07 of their scale at most"),
    ],
)
def test_what_was_measured_is_said(parity, said):
    assert said in str(parity)


def test_few_pictures_are_no_measure_of_a_float16_export(tmp_path):
    recipe = miniature("photo", tmp_path)
    network = networks.build_generator(recipe.generator, recipe.z.num, (3, 64, 64), seed=0).eval()
    generator = SavedGenerator(recipe.generator, recipe.z, (3, 64, 64), network)
    trained = Trained(generator, "photo", {}, recipe.data)
    assert (
        measured(trained, generator.draw, "PyTorch", Options("onnx", "float16", False, None, None, lambda *_: None)).frechet
        is None
    )
