"""Small decoders that make the images again of a discriminator's maps (Liu et al. 2021, https://arxiv.org/abs/2101.04775,
section 3.2)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d


class Reconstructing(nn.Module):
    """D with decoders: images [B, C, H, W] -> [B], or of several outputs [B, n]; in training with one output more.

    That is weight times the mean distance |decoded - image|, with the image at half its size, summed over the decoders: what D
    minimises on real images beside its loss. `decoders`: one for each of the last maps of `layers`, the last map's last.
    """

    def __init__(self, layers: Sequence[nn.Module], head: nn.Module, decoders: Sequence[nn.Module], weight: float):
        super().__init__()
        self.layers, self.decoders = nn.ModuleList(layers), nn.ModuleList(decoders)
        self.head, self.weight = head, weight

    def forward(self, images: Tensor) -> Tensor:
        x, maps = images, list[Tensor]()
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        outputs = self.head(x)
        if not self.training:
            return outputs
        small, seen = avg_pool2d(images, 2), maps[-len(self.decoders) :]
        errors = [(decode(each) - small).abs().mean((1, 2, 3)) for decode, each in zip(self.decoders, seen, strict=True)]
        error = self.weight * torch.stack(errors).sum(0).to(outputs.dtype)
        return torch.cat((outputs.view(len(error), -1), error[:, None]), 1)
