"""The Inception network of published FIDs, if its weights are at hand; unsuited to small grey images."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError
from sparring.evaluation.extractors.features import Features
from sparring.storage.files import read_bytes

FILE = "weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"  # all digits: a prefix could be forged
SIZE = 95_628_359  # bytes
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"


@dataclass(frozen=True, eq=False)
class Inception:
    """torch-fidelity's port of the network of Heusel et al. 2017: 2,048 features and 1,008 logits without their bias."""

    hash: str
    network: Any = field(repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(1008))

    @property
    def weakness(self) -> None:
        """None: its accuracy is published."""
        return None

    @property
    def label(self) -> str:
        return f"inception-{self.hash[:8]}"

    def features(self, images: ImageSet, device: torch.device, progress: Progress | None = None) -> Features:
        """Features and logits of all images, uint8 [N, 1, 3 or 4, H, W]; grey is repeated, alpha laid on black."""
        network, found = self.network.to(device), []
        for part in torch.arange(len(images)).split(50):
            found.append([tensor.cpu() for tensor in network(_coloured(images.images[part]).to(device))])
            if progress:
                progress("features by Inception", int(part[-1]) + 1, len(images))
        return Features(torch.cat([f for f, _ in found]), torch.cat([logits for _, logits in found]))


def load(path: Path | None = None) -> Inception:
    """The network with the weights in this file, or in the one that torch-fidelity's download leaves behind.

    torch-fidelity unpickles them, so the file must be the published one, by its hash. Raises InputError without it.
    """
    path = path or Path(os.environ.get("TORCH_HOME", "~/.cache/torch")).expanduser() / "hub" / "checkpoints" / FILE
    if not path.is_file():
        raise InputError(f"Inception's weights are not at {path}; download {URL} and name the file: inception:FILE")
    checksum = hashlib.sha256(read_bytes(path, SIZE)).hexdigest()
    if checksum != SHA256:
        raise InputError(f"{path} is not the published {FILE}: its SHA-256 is {checksum}")
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import (  # pyright: ignore[reportMissingImports]
            FeatureExtractorInceptionV3,
        )
    except (ImportError, RuntimeError) as error:  # RuntimeError if its torchvision does not fit this torch
        raise InputError(f"the Inception extractor needs torch-fidelity: pip install torch-fidelity ({error})") from None
    layers = ["2048", "logits_unbiased"]
    return Inception(checksum, FeatureExtractorInceptionV3("inception", layers, feature_extractor_weights_path=str(path)))


def _coloured(images: Tensor) -> Tensor:
    if images.shape[1] == 4:
        return (images[:, :3].int() * images[:, 3:] // 255).to(torch.uint8)
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
