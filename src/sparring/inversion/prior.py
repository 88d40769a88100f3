"""The distribution of z as a search needs it: which columns move, and how far."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.config.registry import name_of
from sparring.errors import InputError
from sparring.networks.latents import AttributeCode, Code, Mixture, Noise, Normal, Uniform

SPREAD = 1.82  # 99 % of the norms of a standard normal z in d dimensions lie within so much of sqrt(d - 1/2); d = 2: from 0


@dataclass(frozen=True)
class Prior:
    """The columns of z in order: `normal` ~ N(0, std^2), then a `one_hot` choice, then `bounded` ones ~ U(-1, 1)."""

    normal: int = 0
    std: float = 1.0
    one_hot: int = 0
    bounded: int = 0

    @classmethod
    def of(cls, noise: Noise) -> "Prior":
        """That of a distribution of Sparring's; InputError for another, of which nothing is known."""
        match noise:
            case Normal(num):
                return cls(normal=num)
            case Uniform(num):
                return cls(bounded=num)
            case Mixture(normal, components, std):
                return cls(normal, std, components)
            case AttributeCode():
                raise InputError("z is an attribute-code, whose combinations a search does not try")
            case Code(normal, classes, continuous, std=std):
                return cls(normal, std, classes, continuous)
        raise InputError(f"z is {name_of(noise)}, a distribution of your own, of which a search does not know the bounds")

    def choice(self, z: Tensor) -> Tensor:
        """The one-hot choice of each z, int64 [N]; 0 where there is none."""
        columns = z[:, self.normal : self.normal + self.one_hot]
        return columns.argmax(1) if self.one_hot else z.new_zeros(len(z), dtype=torch.int64)

    def moving(self, z: Tensor) -> Tensor:
        """1 for the columns that a search moves, 0 for the one-hot ones: [num_z]."""
        mask = z.new_ones(z.shape[1])
        mask[self.normal : self.normal + self.one_hot] = 0
        return mask

    def near(self, z: Tensor) -> Tensor:
        """The nearest z that the prior might draw: the norm of normal columns as 99 % have it, bounded ones in [-1, 1]."""
        normal, fixed, bounded = z.split((self.normal, self.one_hot, self.bounded), dim=1)
        if self.normal:
            norm = normal.norm(dim=1, keepdim=True)
            typical = (self.normal - 0.5) ** 0.5
            wanted = norm.clamp(self.std * max(0.0, typical - SPREAD), self.std * (typical + SPREAD))
            normal = normal * (wanted / norm.clamp(min=torch.finfo(z.dtype).tiny))
        return torch.cat((normal, fixed, bounded.clamp(-1, 1)), dim=1)
