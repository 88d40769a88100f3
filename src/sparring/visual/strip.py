"""A row of images in false colours, the usual sample plot of small GAN tutorials."""

import numpy as np
from torch import Tensor

from sparring.visual.figure import DPI, figure_png, new_figure
from sparring.visual.pixels import on_chequers, to_uint8


def strip(images: Tensor) -> bytes:
    """Draw images in one row, an inch each, without axes, as a PNG.

    images: float [N, C, H, W] in [-1, 1]. With C = 1, each image is drawn with the viridis colour map between its own
    minimum and maximum, as matplotlib's `imshow` does by default. This stretches contrast, so compare shapes, not
    brightness. With C = 3, colours are unchanged; with C = 4 they are drawn on a chequered ground.
    Raises ValueError for no images, another C, or a value that is infinite or not a number.
    """
    if images.ndim != 4 or images.shape[0] == 0 or images.shape[1] not in (1, 3, 4):
        raise ValueError(f"images must be [N, C, H, W] with N at least 1 and C 1, 3 or 4, got {list(images.shape)}")
    figure = new_figure(DPI * len(images), DPI)
    axes = figure.subplots(1, len(images), squeeze=False)[0]
    for ax, picture in zip(axes, _drawable(images), strict=True):
        ax.set_axis_off()
        ax.imshow(picture, cmap="viridis")
    return figure_png(figure, tight=True)


def _drawable(images: Tensor) -> np.ndarray:
    """The images for `imshow`: float [N, H, W] unchanged, or uint8 [N, H, W, 3]."""
    pixels = to_uint8(images)
    if images.shape[1] == 1:
        return images[:, 0].detach().float().cpu().numpy()
    if images.shape[1] == 4:
        pixels = on_chequers(pixels)
    return pixels.permute(0, 2, 3, 1).cpu().numpy()
