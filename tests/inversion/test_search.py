"""The search for z, with generators whose answer is known."""

import pytest
import torch
from torch import Tensor

from sparring.errors import InputError
from sparring.inversion import Prior, Scale, Search, invert, searched
from sparring.inversion.search import _starts
from sparring.networks.latents import Code, Noise, Normal

RNG = torch.Generator().manual_seed(0)
NORMAL = Normal(8)
MATRIX = torch.randn(8, 36, generator=RNG)


def draw(z: Tensor) -> Tensor:
    """A generator of pictures [N, 1, 6, 6], linear in the first 8 columns of z."""
    return (z[:, :8] @ MATRIX).view(-1, 1, 6, 6)


def blind(images: Tensor) -> Tensor:
    """No features."""
    return images.new_zeros(len(images), 0)


def found(targets: Tensor, draw=draw, see=blind, noise: Noise = NORMAL, **how):
    return invert(targets, noise.sample(200, torch.Generator().manual_seed(1)), draw, see, Prior.of(noise), Search(**how))


def test_the_z_of_generated_pictures_is_found_again():
    z = Normal(8).sample(3, torch.Generator().manual_seed(2))
    result = found(draw(z))
    assert torch.allclose(result.z, z, atol=0.02)
    assert result.errors.max() < 1e-3
    assert found(draw(z), steps=0).errors.min() > 0.1  # the best candidates are far from them


def test_each_target_is_searched_for_by_itself():
    targets = draw(Normal(8).sample(3, torch.Generator().manual_seed(2)))
    one, all_ = found(targets[1:2]), found(targets)
    assert torch.allclose(one.z[0], all_.z[1], atol=1e-5)


def test_z_stays_near_its_prior():
    far = found(draw(torch.full((1, 8), 5.0)))
    assert far.z.norm() == pytest.approx(7.5**0.5 + 1.82, rel=1e-3)


def test_features_count_as_much_as_pixels():
    def twice(z: Tensor) -> Tensor:
        return z.expand(-1, 2).reshape(-1, 1, 1, 2)

    target = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    pixels = found(target, twice, blind, Normal(1))
    both = found(target, twice, lambda images: 3 * images[:, 0, 0, 1:], Normal(1))
    assert pixels.z.item() == pytest.approx(0.5, abs=1e-3)
    assert both.z.item() == pytest.approx(0.25, abs=1e-3)  # where ((z - 1)^2 + z^2) / 2 + z^2 is least


def test_every_class_is_tried():
    shift = torch.randn(10, 36, generator=RNG)

    def of_class(z: Tensor) -> Tensor:
        return draw(z) + (z[:, 8:] @ shift).view(-1, 1, 6, 6)

    noise = Code(8, 10)
    z = noise.sample(20, torch.Generator().manual_seed(3))
    result = found(of_class(z), of_class, noise=noise, starts=1)
    assert torch.equal(result.z[:, 8:].argmax(1), z[:, 8:].argmax(1))
    assert ((result.z[:, 8:] == 0) | (result.z[:, 8:] == 1)).all()


@pytest.mark.parametrize(
    ("starts", "classes", "expected"),
    [(1, 16, [3, 1, 4]), (4, 16, [3, 1, 4, 0]), (2, 2, [3, 1])],
    ids=["one of each", "then the second best", "too many classes"],
)
def test_the_starts_are_the_best_of_each_choice(starts, classes, expected):
    errors, choices = torch.tensor([2.0, 1.5, 2.5, 1.0, 9.0]), torch.tensor([0, 1, 1, 0, 2])
    assert _starts(errors, choices, Search(starts=starts, classes=classes)).tolist() == expected


def test_the_scale_is_the_spread_of_generated_pictures():
    images = torch.tensor([0.0, 2.0]).view(2, 1, 1, 1)
    scale = Scale.of(images, torch.tensor([[0.0], [6.0]]))
    assert scale == Scale(1.0, 9.0)
    error = scale.errors(images[:1], torch.tensor([[3.0]]), images[1:], torch.tensor([[6.0]]))
    assert error.tolist() == [4.0 + 1.0]


@pytest.mark.parametrize("how", [{"starts": 0}, {"starts": 9, "candidates": 8}, {"steps": -1}])
def test_settings_out_of_range(how):
    with pytest.raises(InputError, match="it must"):
        Search(**how)


def test_a_search_can_be_watched_step_by_step():
    target = draw(Normal(8).sample(1, torch.Generator().manual_seed(2)))
    candidates = NORMAL.sample(200, torch.Generator().manual_seed(1))
    steps = []
    for step in searched(target, candidates, draw, blind, Prior.of(NORMAL), Search(steps=40)):
        steps.append(step)
        assert torch.is_grad_enabled()  # also for who watches
    assert len(steps) == 41
    assert steps[0].errors > 10 * steps[20].errors > 10 * steps[-1].errors
    assert torch.equal(steps[-1].z, found(target, steps=40).z)
    assert torch.equal(steps[0].z, found(target, steps=0).z)
