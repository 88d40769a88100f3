"""The codes of real images: what a condition tells D of them."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from sparring.conditions.clusters import Clusters
from sparring.data.sets import Dataset
from sparring.training.gan import GAN

PREFIX = "clusters."  # of the clusters' tensors in a GAN's memory


@dataclass(frozen=True)
class RealCodes:
    """The codes of a GAN's real images. `clusters`: those of a self-conditioned one, whose tensors are in the GAN's memory."""

    gan: GAN
    device: torch.device
    clusters: Clusters | None = None

    @classmethod
    def of(cls, gan: GAN, device: torch.device, clusters: Clusters | None) -> Self:
        """The codes for this GAN, whose memory gets the clusters, moved to the device."""
        if clusters is None:
            return cls(gan, device)
        clusters = clusters.to(device)
        gan.memory |= {f"{PREFIX}{name}": tensor for name, tensor in clusters.tensors().items()}
        return cls(gan, device, clusters)

    def __call__(self, images: Tensor, data: Dataset, indices: Tensor) -> Tensor | None:
        """The codes of the images at these indices, on the device: [B, classes + continuous], or None without a condition.

        One-hot classes or clusters; zeros under a condition that asks for neither.
        """
        code, condition = self.gan.code, self.gan.condition
        if code is None or condition is None:
            return None
        if self.clusters:
            return code.encoded(self.clusters.assign(images)).to(torch.get_default_dtype())
        if data.labels is None or not condition.uses_labels:
            return torch.zeros(len(indices), code.num - code.normal, device=self.device)
        return code.encoded(data.labels[indices]).to(self.device, torch.get_default_dtype())

    def names(self, data: Dataset) -> tuple[str, ...]:
        """The names of the classes: of clusters their numbers, else those of the data."""
        return self.clusters.names if self.clusters else data.classes
