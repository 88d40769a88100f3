"""The plots of a run, drawn from its journal: losses.png and traces.png."""

from collections.abc import Mapping, Sequence
from typing import Any

from sparring.losses import is_probabilistic
from sparring.runs.run import Run
from sparring.visual import Series, logits_plot, losses_plot, traces_plot


def draw_plots(run: Run, num_images: int) -> None:
    """Draw losses.png and traces.png: D(x) and D(G(z)) on test images where they were recorded, else on training batches."""
    events = list(run.journal())
    rounds = [e for e in events if e["event"] == "round"]
    tested = [e for e in events if e["event"] == "epoch" and "d_real_test" in e]
    draw = traces_plot
    losses = {"G": _series(rounds, "g_loss", num_images), "D": _series(rounds, "d_loss", num_images)}
    if tested:
        traces = {"D(x), test images": ("d_real_test", tested), "D(G(z))": ("d_fake_test", tested)}
    elif is_probabilistic(run.recipe.loss):
        traces = {"D(x)": ("d_real", rounds), "D(G(z))": ("d_fake", rounds)}
    else:
        draw, traces = logits_plot, {"D(x)": ("real_logit", rounds), "D(G(z))": ("fake_logit", rounds)}
    lines = {label: _series(found, name, num_images) for label, (name, found) in traces.items()}
    run.write_file("losses.png", losses_plot(losses))
    run.write_file("traces.png", draw(lines))


def _series(events: Sequence[Mapping[str, Any]], name: str, num_images: int) -> Series:
    return [e["images"] / num_images for e in events], [e[name] for e in events]
