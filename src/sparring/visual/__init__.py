"""Images, plots and animations: tensors and lists of numbers in, a PIL image or encoded bytes out.

This package does not depend on runs, recipes or the command line, and only `write_mp4` writes a file.
"""

from sparring.config import registry
from sparring.visual.animation import FRAME_RULES, FrameRule, animated_gif, frame_indices, write_mp4
from sparring.visual.grid import grid, headed_grid, side_by_side
from sparring.visual.landscape import DiscriminatorFunction, landscape
from sparring.visual.pixels import decode_png, encode_png, to_uint8
from sparring.visual.scatter import scatter
from sparring.visual.strip import strip
from sparring.visual.traces import Series, logits_plot, losses_plot, traces_plot
from sparring.visual.walk import slerp, walk

__all__ = [
    "FRAME_RULES",
    "DiscriminatorFunction",
    "FrameRule",
    "Series",
    "animated_gif",
    "decode_png",
    "encode_png",
    "frame_indices",
    "grid",
    "headed_grid",
    "landscape",
    "logits_plot",
    "losses_plot",
    "scatter",
    "side_by_side",
    "slerp",
    "strip",
    "to_uint8",
    "traces_plot",
    "walk",
    "write_mp4",
]

registry.import_all(__name__, __path__)
