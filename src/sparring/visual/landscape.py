"""Density plots for toys: p_data, p_g, the learned discriminator, and the optimal one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sparring.visual.density import kernel_density, num_in_kernel, optimal_discriminator, scott_bandwidth
from sparring.visual.figure import BLUE, GREY, VERMILION, figure_png, new_figure
from sparring.visual.scatter import HEADROOM, checked, limits, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

SIZE = (760, 720)  # pixels
PLACES = 512  # grid points on the line
CELLS = 128  # grid cells along each axis of the plane
FINENESS = 60  # bandwidths across the plane: Scott's rule assumes one normal distribution and would merge modes
DOTS = 400  # generated points drawn over the learned D
STEPS = 20  # colour levels; an even number puts 0.5 on a boundary, and few flat colours make small files
PALE = "#d9d9d9"
BEST = "D* = p_data / (p_data + p_g)"
PROBABILITY = "probability of being real"

LogDensity = Callable[[Tensor], Tensor]  # points [N, D] -> float64 [N]


@dataclass(frozen=True)
class DiscriminatorFunction:
    """A trained discriminator as a function from points [N, D] to logits [N].

    `probabilistic`: True if the sigmoid of the logits estimates D*, False for a critic.
    """

    logits: Callable[[Tensor], Tensor]
    probabilistic: bool = True


def landscape(
    real: Tensor,
    fake: Tensor,
    discriminator: DiscriminatorFunction,
    log_density: LogDensity | None = None,
    bandwidth: float | None = None,
    title: str = "",
) -> bytes:
    """Draw p_data, p_g, the learned D and D* = p_data / (p_data + p_g) side by side, as a PNG of 760 x 720 pixels.

    real [N, D] and fake [M, D], D 1 or 2, N and M at least 1; the axes depend on `real` alone, so frames do not jump.
    p_g is a kernel density estimate from its samples, with normal kernels of this `bandwidth` in the unit of the points; None
    takes Scott's rule for the real points on the line, and 1/60 of the axes in the plane. On the line, p_data is
    `log_density` if given. In the plane it is always a kernel density estimate: with a sharp p_data and a blurred p_g, D*
    would differ from 1/2 even for equal distributions. D* is left blank where neither has a sample near. The logits of a D
    that is not `probabilistic` are drawn unchanged.
    Raises ValueError for another shape, or a value that is infinite or not a number.
    """
    low, high = limits(checked("real", real))
    checked("fake", fake)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"real has {real.shape[1]} dimensions and fake {fake.shape[1]}: they must agree")
    num_places = PLACES if len(low) == 1 else CELLS
    axes = [torch.linspace(a, b, num_places, dtype=torch.float64) for a, b in zip(low, high, strict=True)]
    figure = new_figure(*SIZE)
    figure.suptitle(title, fontsize=12)
    if len(axes) == 1:
        width = bandwidth or scott_bandwidth(real) or float(high[0] - low[0]) / FINENESS  # Scott: 0 if all points are equal
        _draw_line(figure, axes[0], densities(real, fake, axes, width, log_density), discriminator)
    else:
        width = bandwidth or float(high[0] - low[0]) / FINENESS
        _draw_plane(figure, axes, densities(real, fake, axes, width), discriminator, fake[:DOTS])
    _note_outside(figure.axes[0 if len(axes) == 1 else 1], fake, axes)
    return figure_png(figure)


@dataclass(frozen=True)
class Densities:
    """Densities of data and generator and the optimal D between them, float64 on a grid, and how they were estimated."""

    real: Tensor
    fake: Tensor
    best: Tensor  # NaN where no sample is near
    num_fake: int
    bandwidth: float
    is_exact: bool  # p_data


def densities(
    real: Tensor, fake: Tensor, axes: Sequence[Tensor], bandwidth: float, log_density: LogDensity | None = None
) -> Densities:
    """p_data (exact or estimated from [N, D]), p_g (estimated from [M, D]) and D*, on the grid of these D axes."""
    p, q = (kernel_density(points, axes, bandwidth) for points in (real, fake))
    log_p = p.log() if log_density is None else log_density(torch.cartesian_prod(*axes).view(-1, len(axes))).view(p.shape)
    p, best = log_p.exp(), optimal_discriminator(log_p, q.log())
    seen = num_in_kernel(p + q, min(len(real), len(fake)), bandwidth, len(axes)) >= 1
    return Densities(p, q, best.where(seen, torch.nan), len(fake), bandwidth, log_density is not None)


# On the line


def _draw_line(figure: "Figure", x: Tensor, found: Densities, discriminator: DiscriminatorFunction) -> None:
    upper, lower = figure.add_axes((0.11, 0.55, 0.85, 0.34)), figure.add_axes((0.11, 0.08, 0.85, 0.36))
    kernels = f"normal kernels of width {found.bandwidth:.2g}"
    p_data = f"p_data ({'exact' if found.is_exact else kernels})"
    upper.fill_between(x.numpy(), found.real.numpy(), color=GREY, alpha=0.6, linewidth=0, label=p_data)
    upper.plot(x, found.fake, color=VERMILION, linewidth=1.8, label=f"p_g ({found.num_fake:,} samples, {kernels})")
    upper.set(ylim=(0, HEADROOM * found.real.max().item()), ylabel="density")
    _draw_discriminator(lower, x, found.best, discriminator)
    lower.set_xlabel("x")
    for ax in (upper, lower):
        ax.set_xlim(x[0].item(), x[-1].item())
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)  # above all curves
        ax.grid(alpha=0.25)


def _draw_discriminator(ax: "Axes", x: Tensor, best: Tensor, discriminator: DiscriminatorFunction) -> None:
    logits = discriminator.logits(x[:, None].float()).double()
    if not discriminator.probabilistic:
        ax.plot(x, logits, color=BLUE, linewidth=1.8, label="learned D")
        ax.set_ylabel("logit")
        return
    ax.plot(x, best, color="black", linestyle="--", linewidth=1.8, label=BEST)
    ax.plot(x, logits.sigmoid(), color=BLUE, linewidth=1.8, label="learned D")
    ax.axhline(0.5, color=GREY, linestyle=":", linewidth=1)
    ax.set(ylim=(-0.03, 1.03), ylabel=PROBABILITY)


# In the plane


def _draw_plane(
    figure: "Figure", axes: Sequence[Tensor], found: Densities, discriminator: DiscriminatorFunction, dots: Tensor
) -> None:
    panels = figure.subplots(2, 2, gridspec_kw={"left": 0.07, "right": 0.87, "bottom": 0.1, "top": 0.9, "hspace": 0.24})
    crowd, share, densest = _colours("white", "black"), _colours(VERMILION, "white", BLUE), found.real.max().item()
    density = _show(panels[0, 0], axes, found.real, "p_data", crowd, (0, densest))
    _show(panels[0, 1], axes, found.fake, "p_g", crowd, (0, densest))
    logits = discriminator.logits(torch.cartesian_prod(*axes).float()).double().view(found.best.shape)
    name, caption = "learned D, and generated points", "grey: no sample near"
    if discriminator.probabilistic:
        said, unit = _show(panels[1, 0], axes, logits.sigmoid(), name, share, (0, 1)), PROBABILITY
    else:
        span = logits.min().item(), logits.max().item()
        said, unit = _show(panels[1, 0], axes, logits, name, _colours("#440154", "#21918c", "#fde725"), span), "logit"
        caption += "; D* from 0 (red) to 1 (blue)"
    _show(panels[1, 1], axes, found.best, BEST, share, (0, 1))
    panels[1, 0].scatter(dots[:, 0], dots[:, 1], s=7, color="black", edgecolors="white", linewidths=0.3)
    figure.colorbar(density, cax=figure.add_axes((0.89, 0.54, 0.02, 0.36)), label="density", extend="max")
    figure.colorbar(said, cax=figure.add_axes((0.89, 0.1, 0.02, 0.36)), label=unit)
    figure.text(
        0.07, 0.025, f"p_data, p_g, D*: {found.num_fake:,} samples, blurred by {found.bandwidth:.2g}; {caption}", fontsize=9
    )


def _show(
    ax: "Axes", axes: Sequence[Tensor], values: Tensor, name: str, colours: "Colormap", span: tuple[float, float]
) -> "AxesImage":
    # values: [X, Y]; NaN shows the background
    (left, right), (bottom, top) = ((axis[0].item(), axis[-1].item()) for axis in axes)
    ax.set_title(name, fontsize=11)
    ax.set_facecolor(PALE)
    image = ax.imshow(values.mT.numpy(), colours, origin="lower", interpolation="nearest", extent=(left, right, bottom, top))
    image.set_clim(*span)
    ax.set(xlim=(left, right), ylim=(bottom, top))  # fixed, whatever is drawn over it
    return image


def _colours(*colours: str) -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("", colours, N=STEPS)


def _note_outside(ax: "Axes", fake: Tensor, axes: Sequence[Tensor]) -> None:
    low, high = (torch.stack([axis[i] for axis in axes]) for i in (0, -1))
    num_outside = int(((fake < low) | (fake > high)).any(1).sum())
    if num_outside:
        note(ax, f"{num_outside:,} of {len(fake):,} lie outside")
