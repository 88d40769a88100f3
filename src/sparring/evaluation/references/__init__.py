"""References: the real data that samples are compared with, and the choice of one for a data set."""

import torch
from torch import Tensor

from sparring.data import Data, Mnist
from sparring.data.sets import Dataset, ImageSet, PointSet, Progress, StackedSet
from sparring.errors import InputError
from sparring.evaluation import extractors
from sparring.evaluation.extractors import ClassifierExtractor, Extractor
from sparring.evaluation.references.few import FEWEST_TEST, FewReference
from sparring.evaluation.references.images import ImageReference
from sparring.evaluation.references.points import PointReference
from sparring.evaluation.references.reference import FeatureReference, Reference, Values
from sparring.evaluation.references.stacked import StackedReference
from sparring.visual import to_uint8

__all__ = [
    "FeatureReference",
    "FewReference",
    "ImageReference",
    "PointReference",
    "Reference",
    "StackedReference",
    "Values",
    "as_dataset",
    "reference_for",
]

_AT_ONCE = 256  # samples, for memory
FEWEST = 100  # pictures in all, below which their distances from samples say little


def reference_for(
    data: Data, device: torch.device, extractor: str | None = None, progress: Progress | None = None, general: bool = True
) -> Reference | None:
    """The reference for samples of this data set, by the named extractor or by the one that was trained on these data.

    Else by the general one for pictures, if `general` and there are at least 100 of them; None if no extractor suits the data.
    Raises InputError as `extractors.find`, and for points with an extractor.
    """
    test = data.test(progress)
    if device.type == "mps":
        device = torch.device("cpu")  # Apple's GPUs have no float64
    if isinstance(test, PointSet):
        if extractor:
            raise InputError(f"points are scored without an extractor; leave {extractor!r} out")
        return PointReference(data, device, progress)
    if isinstance(test, StackedSet):
        digits = extractors.find(extractor) if extractor else extractors.own(Mnist().test(progress))
        return StackedReference(data, device, progress, extractor=digits) if digits else None
    found = extractors.find(extractor) if extractor else extractors.own(test)
    if found is None and general and (len(test) >= FEWEST or len(test) + len(data.train(progress)) >= FEWEST):
        found = extractors.general(test)
    return _of_images(found, len(test))(data, device, progress, extractor=found) if found else None


def _of_images(extractor: Extractor, num_test: int) -> type[ImageReference]:
    """The kind of reference; a classifier of the data's own keeps the protocol that it had before there was another."""
    few = num_test < FEWEST_TEST and not isinstance(extractor, ClassifierExtractor)
    return FewReference if few else ImageReference


def as_dataset(samples: Tensor) -> Dataset:
    """Generated samples [N, *shape] as a data set: images quantised to 8 bits, points unchanged.

    Raises InputError if a value is infinite or not a number.
    """
    bad = sum(int((~some.flatten(1).isfinite()).any(1).sum()) for some in samples.split(_AT_ONCE))
    if bad:
        raise InputError(f"{bad} of {len(samples)} samples hold values that are infinite or not a number")
    return ImageSet(to_uint8(samples)) if samples.ndim == 4 else PointSet(samples.float())
