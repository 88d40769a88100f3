"""Features of images, and what extractors of all kinds share: their files, and images a part at a time."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError
from sparring.storage.files import disk_errors, write_atomically
from sparring.storage.tensors import encode_tensors

PART = 250  # images at a time


@dataclass(frozen=True)
class Features:
    """Features float32 [N, D] and logits float32 [N, K] of images, on the CPU.

    Points are their own features, with logits of shape [N, 0]; so are features by an extractor without classes.
    """

    features: Tensor
    logits: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def take(self, chosen: Tensor) -> "Features":
        """The features and logits at these indices, int64 [M]."""
        return Features(self.features[chosen], self.logits[chosen])


@torch.no_grad()
def features_in_parts(
    measure: Callable[[Tensor], tuple[Tensor, Tensor]],
    images: ImageSet,
    device: torch.device,
    label: str,
    progress: Progress | None = None,
) -> Features:
    """Features and logits of all images by `measure`, which takes [B, C, H, W] in [-1, 1] on the device."""
    found: list[tuple[Tensor, ...]] = []
    for part in torch.arange(len(images)).split(PART):
        batch = images.batch(part).to(device, memory_format=torch.channels_last)
        found.append(tuple(tensor.float().cpu() for tensor in measure(batch)))
        if progress:
            progress(f"features by {label}", int(part[-1]) + 1, len(images))
    return Features(torch.cat([f for f, _ in found]), torch.cat([logits for _, logits in found]))


def write_extractor(folder: Path, name: str, format: str, facts: dict[str, Any], network: nn.Module) -> Path:
    """Write NAME-HASH.safetensors to the folder and return its path."""
    data, checksum = encode_tensors(format, facts, network.state_dict())
    path = folder / f"{name}-{checksum[:8]}.safetensors"
    with disk_errors(path, len(data)):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return path


def check_label(path: Path, label: str) -> None:
    """InputError for a file whose name has another hash, or another name beside a hash, than its content."""
    if re.search("-[0-9a-f]{8}$", path.stem) and path.stem != label:
        raise InputError(f"{path} holds the extractor {label}: its name and its content do not agree")
