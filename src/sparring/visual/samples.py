"""Generated samples as a tensor that a notebook shows."""

import copy
from typing import Any, ClassVar

import torch
from torch import Tensor

from sparring.visual.grid import grid, tile_scale
from sparring.visual.pixels import encode_png

MOST_SHOWN = 100


class Samples(Tensor):
    """Images [N, C, H, W] in [-1, 1], or points [N, D]: a tensor of which a notebook shows the first 100 images as a grid.

    Whatever is computed from it is a plain tensor, and so is what is read back after saving it.
    """

    __torch_function__: ClassVar[Any] = torch._C._disabled_torch_function_impl  # pyright: ignore

    def _repr_png_(self) -> bytes | None:
        plain = self.as_subclass(Tensor)
        if plain.ndim != 4 or plain.shape[1] not in (1, 3, 4) or not len(plain):
            return None
        shown = plain[:MOST_SHOWN].float()
        return encode_png(grid(shown, round(len(shown) ** 0.5), scale=tile_scale(shown.shape[-1])))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.as_subclass(Tensor).__reduce_ex__(protocol)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return copy.deepcopy(self.as_subclass(Tensor), memo)
