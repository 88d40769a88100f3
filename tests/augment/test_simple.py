"""Instance noise and flips."""

import math
from statistics import NormalDist

import pytest
import torch

from sparring.augment import Flip, InstanceNoise
from sparring.augment.instance_noise import normal
from sparring.errors import InputError


def drawn(*shape: int, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


# --- noise ---


def test_noise_is_the_quantile_of_its_number():
    uniforms = drawn(3, 8)
    samples = drawn(3, 2, 2, 2) * 2
    expected = [[NormalDist().inv_cdf(u) for u in row] for row in uniforms.tolist()]
    out = InstanceNoise(std=0.3)(samples, uniforms, 0.5)
    torch.testing.assert_close(out, samples + 0.15 * torch.tensor(expected, dtype=torch.float64).view(3, 2, 2, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_ends_are_finite_and_mirror_each_other(dtype):
    ends = torch.tensor([0.0, 1 - torch.finfo(dtype).eps / 2], dtype=dtype)
    low, high = normal(ends).tolist()
    assert low == -high
    assert high == pytest.approx(-NormalDist().inv_cdf(torch.finfo(dtype).eps / 4), rel=1e-5)


def test_moments_are_those_of_a_normal_distribution():
    values = normal(drawn(400_000, dtype=torch.float32)).double()
    moments = [values.pow(power).mean().item() for power in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.03)


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4)])
def test_noise_on_points_and_images_row_by_row(shape):
    noise, samples = InstanceNoise(), drawn(8, *shape)
    uniforms = drawn(8, noise.num_uniforms(shape))
    assert uniforms.shape[1] == math.prod(shape)
    halves = [noise(samples[rows], uniforms[rows], 0.5) for rows in (slice(0, 4), slice(4, 8))]
    assert torch.equal(noise(samples, uniforms, 0.5), torch.cat(halves))
    assert torch.equal(noise(samples, uniforms, 0.0), samples)
    assert (noise(samples, uniforms) != samples).all()


def test_noise_lets_gradients_through():
    uniforms = drawn(2, 3)
    assert torch.autograd.gradcheck(lambda x: InstanceNoise()(x, uniforms), drawn(2, 3).requires_grad_())


@pytest.mark.parametrize("std", [0.0, -0.1, math.inf, math.nan])
def test_deviations_out_of_range(std):
    with pytest.raises(InputError, match=r"augment\.std is .*; it must be above 0 and finite"):
        InstanceNoise(std)


# --- flips ---


def test_a_flip_is_left_to_right():
    image = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]).expand(3, 1, 2, 3)
    out = Flip()(image, torch.tensor([[0.49], [0.5], [0.2]]))
    assert out[0, 0].tolist() == [[3, 2, 1], [6, 5, 4]]
    assert torch.equal(out[1], image[1])
    assert torch.equal(Flip()(image, torch.tensor([[0.24], [0.26], [0.0]]), 0.5)[1:2], image[1:2])
    assert torch.equal(Flip()(image, torch.zeros(3, 1), 0.0), image)


def test_half_of_the_images_are_flipped():
    num = 4000
    out = Flip()(torch.tensor([1.0, 0.0]).expand(num, 1, 1, 2), drawn(num, 1))
    assert out[:, 0, 0, 1].mean().item() == pytest.approx(0.5, abs=0.03)


def test_flips_let_gradients_through():
    uniforms = torch.tensor([[0.1], [0.9]])
    assert torch.autograd.gradcheck(lambda x: Flip()(x, uniforms), drawn(2, 1, 2, 3).requires_grad_())


def test_points_are_not_flipped():
    assert Flip().num_uniforms((3, 4, 4)) == 1
    with pytest.raises(InputError, match=r"flip maps images, but a sample has the shape \[2\]"):
        Flip().num_uniforms((2,))
