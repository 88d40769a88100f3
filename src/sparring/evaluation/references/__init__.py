"""The standards that samples are held against, and which of them suits some data."""

import torch
from torch import Tensor

from sparring.data import Data, Mnist
from sparring.data.sets import Dataset, ImageSet, PointSet, Progress, StackedSet
from sparring.errors import InputError
from sparring.evaluation import extractors
from sparring.evaluation.references.images import ImageReference
from sparring.evaluation.references.points import PointReference
from sparring.evaluation.references.reference import Reference, Values
from sparring.evaluation.references.stacked import StackedReference
from sparring.visual import to_uint8

__all__ = ["ImageReference", "PointReference", "Reference", "StackedReference", "Values", "as_dataset", "reference_for"]


def reference_for(
    data: Data, device: torch.device, extractor: str | None = None, progress: Progress | None = None
) -> Reference | None:
    """What samples of this data set are held against; with no extractor named, the yardstick that was trained on it.

    None where there is no such yardstick. InputError as `extractors.find`.
    """
    test = data.test(progress)
    if device.type == "mps":
        device = torch.device("cpu")  # Apple's GPUs have no float64
    if isinstance(test, PointSet):
        if extractor:
            raise InputError(f"points are scored as they are: there is nothing for the extractor {extractor!r} to do")
        return PointReference(data, device, progress)
    if isinstance(test, StackedSet):
        judge = extractors.find(extractor) if extractor else extractors.suited(Mnist().test(progress))
        return StackedReference(data, device, progress, extractor=judge) if judge else None
    found = extractors.find(extractor) if extractor else extractors.suited(test)
    return ImageReference(data, device, progress, extractor=found) if found else None


def as_dataset(samples: Tensor) -> Dataset:
    """Generated samples [N, *shape] as a data set: images quantised to 8 bits, points as they are.

    Raises InputError where one is infinite or not a number.
    """
    bad = int((~samples.flatten(1).isfinite()).any(1).sum())
    if bad:
        raise InputError(f"{bad} of {len(samples)} samples hold values that are infinite or not a number")
    return ImageSet(to_uint8(samples)) if samples.ndim == 4 else PointSet(samples.float())
