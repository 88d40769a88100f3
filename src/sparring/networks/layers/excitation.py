"""Skip-layer excitation (Liu et al. 2021, https://arxiv.org/abs/2101.04775, section 3.1)."""

from collections.abc import Mapping, Sequence
from typing import cast

from torch import Tensor, nn

POOLED = 4  # places along either side of the small map, as the excitation sees it


class SkipExcitation(nn.Module):
    """F(low) high: each channel of a large map, weighed by what a small map says (equation 1).

    low [B, num_low, h, w], high [B, num_high, H, W] -> [B, num_high, H, W]; F pools to 4 x 4, joins these by a convolution, and
    ends in weights in (0, 1).
    """

    def __init__(self, num_low: int, num_high: int):
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(POOLED),
            nn.Conv2d(num_low, num_high, POOLED),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(num_high, num_high, 1),
            nn.Sigmoid(),
        )

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        return self.weigh(low) * high


class Excited(nn.Module):
    """Layers one after the other, each giving a map; `skips`: for the places of some maps the place of an earlier one, and the
    excitation by it."""

    def __init__(self, layers: Sequence[nn.Module], skips: Mapping[int, tuple[int, SkipExcitation]], last: nn.Module):
        super().__init__()
        self.layers, self.last = nn.ModuleList(layers), last
        self.skips = nn.ModuleDict({str(place): skip for place, (_, skip) in skips.items()})
        self._sources = {place: source for place, (source, _) in skips.items()}

    def forward(self, x: Tensor) -> Tensor:
        maps: list[Tensor] = []
        for place, layer in enumerate(self.layers):
            x = layer(x)
            if place in self._sources:
                x = cast(SkipExcitation, self.skips[str(place)])(maps[self._sources[place]], x)
            maps.append(x)
        return self.last(x)
