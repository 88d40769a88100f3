"""An extractor for pictures of any kind and size, in a file of its own, named by the hash of its content."""

import copy
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sparring.config import codec
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError, naming
from sparring.evaluation.extractors.features import Features, check_label, features_in_parts, write_extractor
from sparring.evaluation.extractors.picture_network import PictureNetwork, PictureNetworkConfig, prepared
from sparring.networks import check_fits
from sparring.storage.tensors import read_tensors

FORMAT = "sparring-picture-extractor-1"
CHANNELS = (1, 3, 4)
LEAST_RECOGNISED = 0.5  # of the pictures held back, below which an extractor is weak


@dataclass(frozen=True)
class Accuracy:
    """The share of right classes among pictures that were held back, by a head that is not kept."""

    data: str
    share: float


@dataclass(frozen=True)
class PictureFacts:
    """Metadata of an extractor for pictures: what it learned from, for how long, and what it can tell of pictures held back.

    `data_fingerprint`: of the test images that it belongs to; None for one that fits any pictures. `recognised`: the share of
    pictures held back that a second view of them is nearest to, by `picture_training.recognised`.
    """

    name: str
    data: str
    data_fingerprint: str | None
    network: PictureNetworkConfig
    seed: int
    steps: int
    start_from: str | None
    recognised: float
    accuracies: tuple[Accuracy, ...] = ()


@dataclass(frozen=True, eq=False)
class PictureExtractor:
    """A network for pictures in inference mode, with its metadata and hash; it has no classes."""

    facts: PictureFacts
    hash: str
    network: PictureNetwork = field(repr=False)

    @property
    def label(self) -> str:
        """Name and the first 8 digits of the hash, as shown with scores."""
        return f"{self.facts.name}-{self.hash[:8]}"

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    @property
    def weakness(self) -> str | None:
        """Why scores by it say little; None if it recognises at least half of the pictures held back."""
        if self.facts.recognised >= LEAST_RECOGNISED:
            return None
        return f"{self.facts.recognised:.0%} of the pictures held back recognised in a second view"

    @staticmethod
    def takes(images: ImageSet) -> bool:
        """True for images of a number of channels that it can see."""
        return images.shape[0] in CHANNELS

    @cached_property
    def _fused(self) -> PictureNetwork:
        """The same function with every batch norm of a convolution folded into it."""
        network = copy.deepcopy(self.network)
        for place, stage in enumerate(network.stages):
            pairs = [
                (a, b) for a, b in pairwise(stage.children()) if isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d)
            ]
            network.stages[place] = nn.Sequential(
                *(layer for pair in pairs for layer in (fuse_conv_bn_eval(*pair), nn.ReLU(inplace=True)))
            )
        return network

    def of_tensor(self, images: Tensor) -> Tensor:
        """Features [N, D] of images [N, C, H, W] in [-1, 1] on the CPU, not quantised; gradients go through."""
        return self._fused(prepared(images))

    def features(self, images: ImageSet, device: torch.device, progress: Progress | None = None) -> Features:
        """Features of all images, with logits [N, 0]; InputError unless they have 1, 3 or 4 channels."""
        if not self.takes(images):
            raise InputError(f"the extractor {self.label} takes images of 1, 3 or 4 channels, not of {images.shape[0]}")
        network = self._fused.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

        def measure(batch: Tensor) -> tuple[Tensor, Tensor]:
            found = network(prepared(batch).contiguous(memory_format=torch.channels_last))
            return found, found[:, :0]

        return features_in_parts(measure, images, device, self.label, progress)


def write(folder: Path, facts: PictureFacts, network: PictureNetwork) -> Path:
    """Write NAME-HASH.safetensors to the folder and return its path."""
    return write_extractor(folder, facts.name, FORMAT, asdict(facts), network)


def read(path: Path) -> PictureExtractor:
    """Read and verify an extractor; InputError if it is damaged, altered, misnamed, or does not fit this version."""
    data, tensors, checksum = read_tensors(path, FORMAT, "extractor")
    with naming(str(path)):
        facts = codec.decode(PictureFacts, data, "facts")
    check_fits(facts.network.build, tensors, str(path))
    network = facts.network.build().eval()
    network.load_state_dict(tensors)
    extractor = PictureExtractor(facts, checksum, network)
    check_label(path, extractor.label)
    return extractor
