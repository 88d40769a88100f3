"""An extractor that Sparring trained: a classifier in a file of its own, named by the hash of its content."""

import copy
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sparring.config import codec
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError, check, naming
from sparring.evaluation.extractors.classifier import Classifier, ClassifierConfig
from sparring.evaluation.extractors.features import Features, check_label, features_in_parts, write_extractor
from sparring.networks import check_fits
from sparring.storage.tensors import read_tensors

FORMAT = "sparring-yardstick-1"
LEAST_SKILL = 0.5  # (accuracy - chance) / (1 - chance), below which an extractor is weak


@dataclass(frozen=True)
class Facts:
    """Metadata of an extractor: its data, network, training and accuracy. `data_fingerprint` is of the test images."""

    name: str
    data: str
    data_fingerprint: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    network: ClassifierConfig
    seed: int
    epochs: int
    held_back_accuracy: float
    test_accuracy: float
    confusion: tuple[tuple[int, ...], ...]  # test images by label (row) and prediction

    def __post_init__(self) -> None:
        num = len(self.classes)
        check(len(set(self.classes)) == num >= 1, "classes", f"a list of {num:,}", "hold one or more names that differ")
        sizes = {len(self.confusion), *map(len, self.confusion)}
        check(sizes == {num}, "confusion", f"a table of sizes {sorted(sizes)[:5]}", f"have {num} rows and columns")


@dataclass(frozen=True, eq=False)
class ClassifierExtractor:
    """A classifier in inference mode, with its metadata and hash."""

    facts: Facts
    hash: str
    network: Classifier = field(repr=False)

    @property
    def label(self) -> str:
        """Name and the first 8 digits of the hash, as shown with scores."""
        return f"{self.facts.name}-{self.hash[:8]}"

    @property
    def classes(self) -> tuple[str, ...]:
        return self.facts.classes

    @property
    def weakness(self) -> str | None:
        """Why scores by it say little; None if its accuracy is at least halfway between chance and 1.

        Chance is the share of the largest class among the test images.
        """
        of_classes = [sum(row) for row in self.facts.confusion]
        chance = max(of_classes) / max(1, sum(of_classes))
        if self.facts.test_accuracy - chance >= LEAST_SKILL * (1 - chance) and chance < 1:
            return None
        return f"{self.facts.test_accuracy:.0%} of its test images right, where one class makes up {chance:.0%}"

    @cached_property
    def _fused(self) -> Classifier:
        """The same function with every batch norm folded into the convolution before it; twice as fast."""
        network, layers = copy.deepcopy(self.network), list(self.network.features)
        pairs = zip(layers, [*layers[1:], None], strict=True)
        folded = [
            fuse_conv_bn_eval(a, b) if isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d) else a for a, b in pairs
        ]
        network.features = nn.Sequential(*(layer for layer in folded if not isinstance(layer, nn.BatchNorm2d)))
        return network

    def of_tensor(self, images: Tensor) -> Tensor:
        """Features [N, D] of images [N, *shape] in [-1, 1] on the CPU, not quantised; gradients go through."""
        return self._fused(images)[0]

    def features(self, images: ImageSet, device: torch.device, progress: Progress | None = None) -> Features:
        """Features and logits of all images; InputError if their shape differs from that of the training images."""
        if images.shape != self.facts.shape:
            raise InputError(
                f"the extractor {self.label} takes images of {_size(self.facts.shape)}, not of {_size(images.shape)}"
            )
        network = self._fused.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return features_in_parts(network, images, device, self.label, progress)


def write(folder: Path, facts: Facts, network: Classifier) -> Path:
    """Write NAME-HASH.safetensors to the folder and return its path."""
    return write_extractor(folder, facts.name, FORMAT, asdict(facts), network)


def read(path: Path) -> ClassifierExtractor:
    """Read and verify an extractor; InputError if it is damaged, altered, misnamed, or does not fit this version."""
    data, tensors, checksum = read_tensors(path, FORMAT, "extractor")
    with naming(str(path)):
        facts = codec.decode(Facts, data, "facts")

    def build() -> Classifier:
        return facts.network.build(facts.shape, len(facts.classes))

    check_fits(build, tensors, str(path))
    network = build().eval()
    network.load_state_dict(tensors)
    extractor = ClassifierExtractor(facts, checksum, network)
    check_label(path, extractor.label)
    return extractor


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
