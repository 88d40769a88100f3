"""What a search may make of z."""

from dataclasses import dataclass

import pytest
import torch

from sparring.errors import InputError
from sparring.inversion import Prior
from sparring.networks.latents import Code, Mixture, Normal, Uniform

NOISES = {
    "normal": (Normal(64), Prior(normal=64)),
    "uniform": (Uniform(10), Prior(bounded=10)),
    "mixture": (Mixture(2, 5, 0.3), Prior(2, 0.3, 5)),
    "code": (Code(20, 10, 3, std=0.4), Prior(20, 0.4, 10, 3)),
}


@pytest.mark.parametrize(("noise", "prior"), NOISES.values(), ids=NOISES)
def test_ninety_nine_of_a_hundred_draws_stay_as_they_are(noise, prior):
    z = noise.sample(4000, torch.Generator().manual_seed(0))
    assert Prior.of(noise) == prior
    moved = (prior.near(z) - z).abs().amax(1) > 1e-5
    assert moved.float().mean() == pytest.approx(0.01 if prior.normal else 0.0, abs=0.006)


def test_what_lies_outside_comes_back_and_a_choice_is_kept():
    prior = Prior.of(Code(16, 3, 2))
    z = torch.cat((torch.full((2, 16), 9.0), torch.eye(3)[:2], torch.tensor([[-4.0, 0.5], [0.0, 4.0]])), dim=1)
    z[1, :16] = 1e-3
    near = prior.near(z)
    typical = 15.5**0.5
    assert near[:, :16].norm(dim=1).tolist() == pytest.approx([typical + 1.82, typical - 1.82], rel=1e-5)
    assert torch.equal(near[:, 16:19], z[:, 16:19])
    assert near[:, 19:].tolist() == [[-1.0, 0.5], [0.0, 1.0]]
    assert prior.choice(z).tolist() == [0, 1]
    assert prior.moving(z).tolist() == [1.0] * 16 + [0.0] * 3 + [1.0] * 2


def test_a_distribution_of_ones_own_is_refused():
    @dataclass(frozen=True)
    class Odd:
        num: int = 3

        def sample(self, num_samples: int, rng: torch.Generator) -> torch.Tensor:
            return torch.zeros(num_samples, 3)

    with pytest.raises(InputError, match="z is odd, a distribution of your own"):
        Prior.of(Odd())
