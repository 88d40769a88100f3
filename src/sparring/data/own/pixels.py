"""Tensors of the user's as they are stored here: images as uint8 [N, C, H, W], points as float32 [N, D]."""

from typing import Literal

import torch
from torch import Tensor

from sparring.errors import InputError

Layout = Literal["NCHW", "NHWC"]
ValueRange = tuple[float, float]

CHANNELS = (1, 3)
_SLICE = 1 << 20  # values quantised at a time, so that floats of full width are never held for all at once


def stored(values: Tensor, value_range: ValueRange | None, layout: Layout | None, what: str) -> Tensor:
    """Images as uint8 [N, C, H, W], floats quantised to the nearest of 256 values; points [N, D] as float32.

    The range of floats is `range_of` the same values. Raises InputError, naming `what`, for other shapes or types.
    """
    if values.ndim == 2:
        return _points(values, what)
    images = channels_first(values, layout, what)
    return images if value_range is None else quantised(images, *value_range)


def channels_first(images: Tensor, layout: Layout | None, what: str) -> Tensor:
    """Images [N, C, H, W], a view of [N, H, W], of [N, C, H, W] or of [N, H, W, C].

    Without a `layout` the axis of 1 or 3 is that of the channels; InputError where none or both can be.
    """
    shape = list(images.shape)
    if images.ndim == 3:
        images, layout = images[:, None], "NCHW"
    if images.ndim != 4 or not images.numel():
        raise InputError(f"{what} has shape {shape}; it must be [N, H, W], [N, C, H, W] or [N, H, W, C] of images")
    if layout is None:
        layout = _layout(shape, what)
    channels = images.shape[layout.index("C")]
    if channels not in CHANNELS:
        raise InputError(f"{what} has shape {shape}, which is {channels} channels in {layout}; there must be 1 or 3")
    return images if layout == "NCHW" else images.permute(0, 3, 1, 2)


def range_of(values: Tensor, given: ValueRange | None, what: str) -> ValueRange | None:
    """The range of floats: as given, else [0, 1] or, with negative values, [-1, 1]; None for uint8, and for points.

    Raises InputError for another type, for values that are not finite or out of the range, and where it is not clear.
    """
    if values.ndim == 2 or not values.numel():
        return None
    if given is not None and not given[0] < given[1]:
        raise InputError(f"value_range is {given}; it must be two numbers, the smaller one first")
    if values.dtype == torch.uint8:
        if given not in (None, (0, 255)):
            raise InputError(f"{what} is uint8, whose range is (0, 255), but value_range is {given}; leave it out")
        return None
    if not values.is_floating_point():
        raise InputError(f"{what} is {_dtype(values)}; it must be uint8 in 0..255, or floats")
    _check_finite(values, what)
    low, high = values.min().item(), values.max().item()
    if given is not None:
        if low < given[0] or high > given[1]:
            raise InputError(f"{what} goes from {low:g} to {high:g}, which leaves value_range {given}; correct one of them")
        return given
    if low < -1 or high > 1:
        raise InputError(f"{what} goes from {low:g} to {high:g}; say what black and white are, such as value_range=(0, 255)")
    return (0.0, 1.0) if low >= 0 else (-1.0, 1.0)


def quantised(images: Tensor, low: float, high: float) -> Tensor:
    """Floats in [low, high] as uint8 in 0..255, to the nearest, half to even."""
    result = torch.empty(images.shape, dtype=torch.uint8)
    step = max(1, _SLICE // images[0].numel())
    for start in range(0, len(images), step):
        part = images[start : start + step].double()
        result[start : start + step] = ((part - low) * (255 / (high - low))).round().to(torch.uint8)
    return result


def _points(values: Tensor, what: str) -> Tensor:
    if not values.is_floating_point():
        raise InputError(f"{what} is {_dtype(values)} {list(values.shape)}; points [N, D] must be floats, images [N, H, W]")
    if not values.numel():
        raise InputError(f"{what} has shape {list(values.shape)}; a point needs at least one coordinate")
    _check_finite(values, what)
    return values.float()


def _layout(shape: list[int], what: str) -> Layout:
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first == last:
        reason = "either axis can be that of the channels" if first else "neither axis has the 1 or 3 channels of an image"
        advice = 'pass layout="NCHW" or layout="NHWC"' if first else "convert them to 1 or 3 channels"
        raise InputError(f"{what} has shape {shape}: {reason}; {advice}")
    return "NCHW" if first else "NHWC"


def _check_finite(values: Tensor, what: str) -> None:
    bad = values.numel() - int(values.isfinite().sum())
    if bad:
        raise InputError(f"{what} has {bad:,} of {values.numel():,} values that are infinite or not a number")


def _dtype(values: Tensor) -> str:
    return str(values.dtype).removeprefix("torch.")
