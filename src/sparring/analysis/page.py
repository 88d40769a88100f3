"""The HTML page of a comparison: facts, settings, pictures, plots and remarks. Score tables are in `score_table`."""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring import __version__
from sparring.analysis.comparison import MISSING, Comparison, epoch_of, number_in, progress
from sparring.analysis.score_table import group_row, group_title, has_group_mean, metric_label, protocol_text, score_row
from sparring.errors import InputError
from sparring.evaluation import Score, difference
from sparring.runs.media import LONGEST_PICTURE
from sparring.runs.run import Run
from sparring.storage.files import read_bytes
from sparring.visual import Series, decode_png
from sparring.visual.report import Cell, Entry, Picture, Remark, Report, render
from sparring.visual.snapshots import FixedGrid
from sparring.visual.traces import lines_plot, probabilities_plot, scores_plot

MOMENTS = 6
LOSSES = (("Loss of G", "g_loss"), ("Loss of D", "d_loss"))
PROBABILITIES = (("D(x): D's output on training samples", "d_real"), ("D(G(z)): D's output on generated samples", "d_fake"))


def page(comparison: Comparison, out: Path) -> str:
    """The HTML of the page; `out` is the file it will be written to."""
    moments, frames = film(comparison)
    rows = [score_row(comparison, line) for line in comparison.lines]
    share = [line.metric.startswith("share_") for line in comparison.lines]
    return render(
        Report(
            entries=[_entry(comparison, i, frames[i]) for i in range(len(comparison.runs))],
            settings=[(name, [_setting(value) for value in values]) for name, values in comparison.settings()],
            moments=moments,
            like=_sharing_z(comparison),
            plots=list(_plots(comparison)),
            scores=[row for row, is_share in zip(rows, share, strict=True) if not is_share],
            shares=[row for row, is_share in zip(rows, share, strict=True) if is_share],
            protocol=protocol_text(comparison.lines[0].first) if comparison.lines else "",
            quick=any(e.quick for e in comparison.evaluations if e),
            groups=[group_title(comparison, group) for group in comparison.groups],
            group_scores=[
                group_row(comparison, n) for n, line in enumerate(comparison.lines) if has_group_mean(comparison, n, line)
            ],
            command_line=shlex.join(["sparring", "compare", *comparison.paths, "--out", str(out)]),
            version=__version__,
        )
    )


def _entry(comparison: Comparison, i: int, frames: Sequence[Picture | None]) -> Entry:
    run, evaluation = comparison.runs[i], comparison.evaluations[i]
    done = progress(run, comparison.events[i])
    facts = {
        "recipe": run.recipe.name,
        "seed": str(run.seed),
        "data": f"{run.facts.get('data_name', 'unknown')}, {epoch_of(run):,} examples",
        "state": done["state"],
        "rounds": f"{done['rounds']:,}",
        "images": f"{done['images']:,}",
        "epochs": f"{done['epochs']:,.4g}",
        "training time": _duration(done["seconds"]),
        "device": str(run.facts.get("device", "unknown")),
        "software": ", ".join(f"{name} {run.facts[name]}" for name in ("sparring", "torch", "python") if name in run.facts),
    }
    taken = evaluation and f"{'quick score' if evaluation.quick else 'evaluation'} at round {evaluation.round:,}"
    remarks = [
        Remark(f"round {event.get('round')}", *(str(event.get(name, "")) for name in ("cause", "text", "advice")))
        for event in comparison.events[i]
        if event["event"] == "warning"
    ]
    name = short_names(run.path for run in comparison.runs)[i]
    return Entry(comparison.letters[i], name, facts, frames, remarks, taken, _command(comparison, i))


def short_names(paths: Iterable[Path]) -> list[str]:
    """The shortest trailing parts of the paths that tell them apart."""
    parts = [path.resolve().parts for path in paths]
    names = (["/".join(part[-length:]) for part in parts] for length in range(1, max(map(len, parts)) + 1))
    return next(found for found in names if len(set(found)) == len(found))


def _command(comparison: Comparison, i: int) -> str:
    """The command that evaluates a run under the protocol of the others."""
    run, words = comparison.runs[i], ["sparring", "evaluate", comparison.paths[i]]
    if comparison.lines:
        protocol = comparison.lines[0].first.protocol
        own = run.facts.get("data_name") == protocol.data
        words += ["--num", str(protocol.num_samples)] + ([] if own else ["--against", protocol.data])
    return shlex.join(words)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"


# Settings


def _setting(value: Any) -> Cell | None:
    return None if value is MISSING else Cell(_in_words(value))


def _in_words(value: Any) -> str:
    """A part as name(setting=value, ...), without unset fields; repeated neighbours in a list appear once, with a count."""
    if isinstance(value, dict):
        inside = ", ".join(f"{k}={_in_words(v)}" for k, v in value.items() if k != "name" and v is not None)
        return f"{value.get('name', '')}({inside})"
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        words: list[list[Any]] = []
        for item in map(_in_words, value):
            if words and words[-1][1] == item:
                words[-1][0] += 1
            else:
                words.append([1, item])
        return ", ".join(f"{times} × {item}" if times > 1 else item for times, item in words)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Pictures


def film(comparison: Comparison) -> tuple[list[str], list[list[Picture | None]]]:
    """Titles of the comparable moments, and each run's pictures at those moments."""
    found = []
    for run, events in zip(comparison.runs, comparison.events, strict=True):
        drawn = {run.path / str(event.get("file")): event for event in events if event["event"] == "sample"}
        found.append([(path, drawn[path]) for path in run.frames()])
    chosen = moments([[number_in(event, "images") or 0 for _, event in frames] for frames in found])
    titles = [f"about {images:,} images" if images is not None else "the last" for images, _ in chosen]
    columns = [indices for _, indices in chosen]
    rows = [
        [None if (place := column[i]) is None else _picture(run, *found[i][place]) for column in columns]
        for i, run in enumerate(comparison.runs)
    ]
    return titles, rows


def moments(shown: Sequence[Sequence[float]], num: int = MOMENTS) -> list[tuple[int | None, tuple[int | None, ...]]]:
    """Moments of training at which the pictures of several runs can be compared.

    shown: for each run, the number of images D had seen at each picture, ascending. Each moment is a target number of
    images with, for every run, the index of the nearest picture (None for a run without pictures). Targets are spaced
    geometrically, because GANs change fastest early on, from the latest first picture to the earliest last one. The final
    moment, with target None, holds each run's last picture.
    """
    there = [images for images in shown if images]
    if not there:
        return []
    last = tuple(len(images) - 1 if images else None for images in shown)
    start, stop = max(images[0] for images in there), min(images[-1] for images in there)
    found: dict[tuple[int | None, ...], int | None] = {}
    for i in range(num if 0 < start <= stop else 0):
        aim = start * (stop / start) ** (i / (num - 1))
        places = (min(range(len(s)), key=lambda j, s=s: abs(s[j] - aim)) if s else None for s in shown)
        found.setdefault(tuple(places), round(aim))
    found.pop(last, None)
    return [(aim, places) for places, aim in found.items()] + [(None, last)]


def _picture(run: Run, path: Path, event: Mapping[str, Any]) -> Picture:
    try:
        png = read_bytes(path, LONGEST_PICTURE)
        decode_png(png, str(path))
    except InputError as error:
        raise InputError(f"cannot read the picture {path}: {error}; remove it, and the comparison goes without") from None
    images = number_in(event, "images") or 0
    return Picture(png, f"epoch {event.get('epoch')}, {images:,} images", sharp=len(run.shape) == 3)


def _sharing_z(comparison: Comparison) -> list[str]:
    """Groups of runs that draw the same fixed z, by letter."""
    alike: dict[str, list[str]] = {}
    for run, letter in zip(comparison.runs, comparison.letters, strict=True):
        grid = [(picture.rows, picture.columns) for picture in run.recipe.pictures if isinstance(picture, FixedGrid)]
        alike.setdefault(repr((run.seed, run.recipe.z, grid)), []).append(letter)
    return [" and ".join(letters) for letters in alike.values() if len(letters) > 1]


# Plots


def _plots(comparison: Comparison) -> Iterator[Picture]:
    rounds = [[event for event in events if event["event"] == "round"] for events in comparison.events]
    unit, times = _time(comparison)
    for title, name in LOSSES + PROBABILITIES:
        found = zip(comparison.letters, rounds, times, strict=True)
        lines = {letter: _series(events, name, per) for letter, events, per in found}
        if not any(x for x, _ in lines.values()):
            continue
        probability = (title, name) in PROBABILITIES
        png = probabilities_plot(title, lines, unit) if probability else lines_plot(title, "loss", lines, unit)
        yield Picture(png, f"{title}, by run" + (" (means over batches; 0.5 is undecided)" if probability else ""))
    yield from _score_plots(comparison)


def _time(comparison: Comparison) -> tuple[str, list[float]]:
    """The unit of the time axis and its length in images for each run; epochs only if all runs have equal ones."""
    epochs = [float(epoch_of(run)) for run in comparison.runs]
    return ("epoch", epochs) if len(set(epochs)) == 1 else ("thousand images shown to D", [1000.0] * len(epochs))


def _series(events: Iterable[Mapping[str, Any]], name: str, per: float) -> Series:
    points = [(number_in(event, "images"), number_in(event, name)) for event in events]
    drawable = [(x / per, y) for x, y in points if x is not None and y is not None]
    return [x for x, _ in drawable], [y for _, y in drawable]


def _score_plots(comparison: Comparison) -> Iterator[Picture]:
    """Plots of the primary quick score over time, one for each protocol."""
    unit, times = _time(comparison)
    taken = [list(_quick_scores(run, events)) for run, events in zip(comparison.runs, comparison.events, strict=True)]
    left = [score for found in taken for _, score in found]
    while left:
        first = left[0]
        lines: dict[str, Series] = {}
        for letter, found, per in zip(comparison.letters, taken, times, strict=True):
            alike = [(images / per, score.value) for images, score in found if difference(first, score) is None]
            lines[letter] = [x for x, _ in alike], [y for _, y in alike]
        name, protocol = metric_label(first.metric), first.protocol
        png = scores_plot(f"Quick {name}", name, lines, unit, first.floor)
        details = f"{protocol.num_samples:,} samples, extractor {protocol.extractor_text}; logarithmic axis"
        yield Picture(png, f"Quick {name}, by run ({details})")
        left = [score for score in left if difference(first, score) is not None]


def _quick_scores(run: Run, events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[float, Score]]:
    """Images shown so far and the primary score, for each quick score above 0 (the axis is logarithmic)."""
    images = {event.get("round"): number_in(event, "images") for event in events if event["event"] == "score"}
    for evaluation in run.scores():
        shown = images.get(evaluation.round)
        if evaluation.quick and shown is not None and evaluation.scores and evaluation.scores[0].value > 0:
            yield shown, evaluation.scores[0]
