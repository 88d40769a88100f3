"""Walks through latent space."""

import torch
from torch import Tensor

SMALLEST_SINE = 1e-6


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Spherical interpolation from a to b: (sin((1 - t) w) a + sin(t w) b) / sin(w), with w the angle between them.

    Shoemake 1985, for latents White 2016 (arXiv:1609.04468): normal latents lie near a sphere, and a straight line would
    pass through its inside, where the generator was not trained. Vectors are not normalised.
    a, b: float [D] or [N, D], interpolated row by row; t in [0, 1]. Returns a's shape and dtype: exactly a at 0, exactly b
    at 1. Computed in float64. Rows that are nearly parallel or opposite are interpolated linearly.
    Raises ValueError for shapes that differ or a t outside [0, 1].
    """
    if a.shape != b.shape or a.ndim not in (1, 2):
        raise ValueError(f"a and b must both be [D] or [N, D], got {list(a.shape)} and {list(b.shape)}")
    if not 0 <= t <= 1:
        raise ValueError(f"t must lie in [0, 1], got {t}")
    wide_a, wide_b = a.double(), b.double()
    angle = _angle(wide_a, wide_b)
    sine = angle.sin()
    has_arc = sine > SMALLEST_SINE
    safe_sine = torch.where(has_arc, sine, 1.0)
    weight_a = torch.where(has_arc, ((1 - t) * angle).sin() / safe_sine, 1 - t)
    weight_b = torch.where(has_arc, (t * angle).sin() / safe_sine, t)
    return (weight_a * wide_a + weight_b * wide_b).to(a.dtype)


def walk(points: Tensor, steps_between: int) -> Tensor:
    """A closed walk along arcs through all points and back to the first.

    points: float [K, D], K at least 2; steps_between: steps from each point to the next, at least 1.
    Returns [K * steps_between, D]: row k * steps_between is exactly point k, and the last row is one step before the first
    point, so that an animation loops smoothly.
    Raises ValueError for another shape or too few steps.
    """
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(f"points must be [K, D] with K at least 2, got {list(points.shape)}")
    if steps_between < 1:
        raise ValueError(f"steps_between must be at least 1, got {steps_between}")
    following = points.roll(-1, dims=0)
    steps = [slerp(points, following, i / steps_between) for i in range(steps_between)]
    return torch.stack(steps, dim=1).flatten(0, 1)


def _angle(a: Tensor, b: Tensor) -> Tensor:
    """Angles between rows, [..., 1] in [0, pi]: 2 atan2(|u - v|, |u + v|) of unit vectors, more accurate than acos."""
    u, v = torch.nn.functional.normalize(a, dim=-1), torch.nn.functional.normalize(b, dim=-1)
    return 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
