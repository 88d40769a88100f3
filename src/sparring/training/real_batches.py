"""How real images come to the steps of a round: gathered where they lie, or copied from main memory one batch ahead."""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from sparring.data.sets import Dataset, HostImageSet, ImageSet, as_floats

_LARGE = 1 << 25  # bytes of a tensor that malloc does not keep; the system then clears its memory anew, page by page


class RealBatches:
    """Batches of real images on the device."""

    def __init__(self, data: Dataset):
        self._data, self._memory = data, list[Tensor]()

    def ahead(self, indices: Tensor) -> Tensor | None:
        """What a step takes as an input beside the indices (int64 [B], on the CPU): None where the images lie on the device."""
        return None

    def prepare(self, indices: Tensor) -> None:
        """Begin with the next batch, whose indices these are."""

    def batch(self, chosen: Tensor, ahead: Tensor | None) -> Tensor:
        """The images at these indices on the device, or those that came `ahead`, as float32 [B, C, H, W] in [-1, 1].

        Large batches on a CPU are overwritten by the next but one.
        """
        data, shape = self._data, (len(chosen), *self._data.shape)
        if isinstance(data, ImageSet) and data.images.device.type == "cpu" and 4 * prod(shape) >= _LARGE:
            return data.batch(chosen, self._next_memory(shape))
        return data.batch(chosen)

    def _next_memory(self, shape: tuple[int, ...]) -> Tensor:
        """The memory of the last batch but one."""
        if len(self._memory) < 2 or len(self._memory[0]) < shape[0]:
            self._memory = [*self._memory[-1:], torch.empty(shape)]
        else:
            self._memory.reverse()
        return self._memory[-1][: shape[0]]


@dataclass
class _Slot:
    """Room for a batch on both sides; `copied`: when it has arrived."""

    pinned: Tensor
    on_device: Tensor
    copied: Any
    indices: Tensor | None = None


def batches_of(data: Dataset, batch_size: int) -> RealBatches:
    """How batches of these data come to the device that the data are for; `batch_size`: of the largest."""
    return BatchesAhead(data, batch_size) if isinstance(data, HostImageSet) else RealBatches(data)


class BatchesAhead(RealBatches):
    """Batches of images that stay in main memory: bytes are gathered into pinned memory, and copied by a stream of their own.

    Of two slots one is being filled while the device computes with the other.
    """

    def __init__(self, data: HostImageSet, batch_size: int):
        super().__init__(data)
        self._images, self._module = data.images, torch.get_device_module(data.device)
        self._stream, self._used = self._module.Stream(), self._module.Event()
        shape, is_cuda = (batch_size, *data.shape), torch.device(data.device).type == "cuda"
        self._slots = [
            _Slot(
                torch.empty(shape, dtype=torch.uint8, pin_memory=is_cuda),
                torch.empty(shape, dtype=torch.uint8, device=data.device),
                self._module.Event(),
            )
            for _ in range(2)
        ]

    def ahead(self, indices: Tensor) -> Tensor:
        """The images at these indices as bytes on the device, uint8 [B, C, H, W], until the next batch but one is prepared."""
        computing = self._module.current_stream()
        self._used.record(computing)  # whatever reads the other slot comes before
        if self._slots[1].indices is None or not torch.equal(self._slots[1].indices, indices):
            self.prepare(indices)
        slot = self._slots[1]
        computing.wait_event(slot.copied)
        return slot.on_device[: len(indices)]

    def prepare(self, indices: Tensor) -> None:
        self._slots.reverse()
        slot, num = self._slots[1], len(indices)
        slot.copied.synchronize()  # the pinned memory is read no more
        torch.index_select(self._images, 0, indices, out=slot.pinned[:num])
        self._stream.wait_event(self._used)
        with self._module.stream(self._stream):
            slot.on_device[:num].copy_(slot.pinned[:num], non_blocking=True)
            slot.copied.record(self._stream)
        slot.indices = indices

    def batch(self, chosen: Tensor, ahead: Tensor | None) -> Tensor:
        return self._data.batch(chosen) if ahead is None else as_floats(ahead)
