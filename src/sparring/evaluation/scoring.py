"""Scoring of samples: metric values, intervals and floors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import sqrt
from statistics import mean, stdev
from typing import Any

import torch

from sparring.config import codec
from sparring.config.rng import keyed_generator
from sparring.data import Data
from sparring.data.folder.picture_folder import PictureFolder
from sparring.data.sets import Dataset, ImageSet
from sparring.evaluation import cache
from sparring.evaluation.extractors import Features
from sparring.evaluation.references import FeatureReference, Reference, Values
from sparring.evaluation.score import Protocol, Score, check_comparable
from sparring.metrics.confidence import mean_interval, t_quantile

DRAWS = 5
COSTLY_DRAWS = 3
SUBSETS = 100  # of the kernel distance, divided among the draws
SUBSAMPLES = 8
TWO_SIDED = 1.96  # deviations of a normal variable that hold 95 %
AUDITED = 1000  # samples in the audit of memorisation
QUICK = 2000
SHARES = {"precision", "recall", "coverage", "largest_class", "high_quality"}
COUNTS = {"missing_classes", "modes"}  # scores without an interval
SIGNED = {"kernel_distance", "memorisation", "energy_distance", "mode_kl_excess"}

Interval = tuple[float, float]


def score_draws(
    reference: Reference, draw: Callable[[int], Dataset], seed: int, draws: int = DRAWS, train: Dataset | None = None
) -> list[Score]:
    """Scores of a generator from at least 2 independent draws of samples, whose spread gives the intervals.

    draw: maps the index of a draw to its samples. Expensive metrics are taken on the first three draws only. train: the
    generator's training data, for the audit of memorisation; None leaves the audit out.
    """
    first = draw(0)
    seen = [reference.extract(first), *(reference.extract(draw(index)) for index in range(1, draws))]
    cheap = [reference.per_draw_metrics(s, seed + i, -(-SUBSETS // draws)) for i, s in enumerate(seen)]
    costly = [reference.costly_metrics(s)[0] for s in seen[:COSTLY_DRAWS]]
    values: Values = {}
    intervals: dict[str, Interval] = {}
    notes: dict[str, str] = {}
    for found in (cheap, costly):
        for name in set.intersection(*map(set, found)):
            values[name] = mean(each[name] for each in found)
            intervals[name] = mean_interval([each[name] for each in found])
            notes[name] = f"{len(found)} independent draws"
    ordered = {name: values[name] for name in [*cheap[0], *costly[0]] if name in values}
    return _scores(reference, len(first), seed, ordered, intervals, notes) + _audit(reference, first, train, seed)


def score_samples(reference: Reference, samples: Dataset, seed: int, train: Dataset | None = None) -> list[Score]:
    """Scores of a fixed set of samples, with intervals from the spread of its subsamples, or from the jackknife."""

    def measure(part: Features) -> Values:
        return reference.per_draw_metrics(part, seed, SUBSETS // SUBSAMPLES) | reference.costly_metrics(part)[0]

    seen = reference.extract(samples)
    costly, deviations = reference.costly_metrics(seen)
    values = reference.per_draw_metrics(seen, seed, SUBSETS) | costly
    intervals, note = by_subsamples(values, measure, seen, seed)
    notes = dict.fromkeys(values, note)
    for name, deviation in deviations.items():
        intervals[name] = values[name] - TWO_SIDED * deviation, values[name] + TWO_SIDED * deviation
        notes[name] = "jackknife"
    return _scores(reference, len(samples), seed, values, intervals, notes) + _audit(reference, samples, train, seed)


def quick_scores(reference: Reference, samples: Dataset, seed: int) -> list[Score]:
    """The few cheap scores that are taken during training, with intervals from subsamples."""
    seen = reference.extract(samples)
    values = reference.quick_metrics(seen)
    intervals, note = by_subsamples(values, reference.quick_metrics, seen, seed)
    return _scores(reference, len(samples), seed, values, intervals, dict.fromkeys(values, note), quick=True)


def mean_scores(runs: Mapping[str, Sequence[Score]]) -> list[Score]:
    """The means of the scores over runs, with 95 % intervals of the means; `runs`: at least one, by name.

    A score that some run lacks is left out, and one run alone has no intervals. InputError, with the names, where scores
    differ in their protocol.
    """
    (name, first), *others = runs.items()
    found = []
    for score in first:
        alike = {other: theirs for other, scores in others for theirs in scores if theirs.metric == score.metric}
        if len(alike) < len(others):
            continue
        for other, theirs in alike.items():
            check_comparable(score, theirs, (name, other))
        values = [score.value, *(theirs.value for theirs in alike.values())]
        low, high = (_within(score.metric, b) for b in mean_interval(values)) if len(values) > 1 else (None, None)
        protocol = replace(score.protocol, interval=f"{len(values)} run{'s' * (len(values) > 1)}")
        found.append(replace(score, value=mean(values), low=low, high=high, protocol=protocol))
    return found


def floor(reference: Reference, num: int, quick: bool = False) -> Values:
    """Scores of the last `num` training examples against the test examples; computed once, then read from the cache.

    Of a folder, whose pictures lie class by class, they are `num` at random. Empty if there are fewer examples, because most
    metrics depend on their number. quick: only the metrics of a quick score.
    """
    if (num, quick) not in reference.floors:
        reference.floors[num, quick] = _floor(reference, num, quick)
    return reference.floors[num, quick]


def _floor(reference: Reference, num: int, quick: bool) -> Values:
    known = reference.known_floor(num)
    if known is not None:
        return known
    train = reference.data.train()
    if len(train) < num:
        return {}
    last = for_floor(reference.data, train, num)

    def make() -> dict[str, torch.Tensor]:
        seen = reference.extract(last)
        values = (
            reference.quick_metrics(seen)
            if quick
            else reference.per_draw_metrics(seen, 0, SUBSETS) | reference.costly_metrics(seen)[0]
        )
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}

    depends_on = ("floor", quick, reference.extractor_names[1], reference.fingerprint, last.fingerprint(), SUBSETS)

    def fits(found: dict[str, torch.Tensor]) -> bool:
        return all(value.ndim == 0 and value.dtype == torch.float64 for value in found.values())

    return {name: value.item() for name, value in cache.tensors(depends_on, make, fits).items()}


def for_floor(data: Data, train: Dataset, num: int) -> Dataset:
    """The last `num` training examples, or of a folder `num` at random; one that version 0.1 read keeps its last ones."""
    if isinstance(data, PictureFolder) and data.reading == 2:
        return train.take(torch.randperm(len(train), generator=keyed_generator("cpu", 0, "floor"))[:num].sort().values)
    return train.without_first(len(train) - num)


def by_subsamples(
    values: Values, measure: Callable[[Any], Values], seen: Features | Dataset, seed: int
) -> tuple[dict[str, Interval], str]:
    """95 % intervals around the values, from the spread of subsamples of a quarter, drawn without replacement.

    The deviation over subsamples of m out of N, times sqrt(m / (N - m)), estimates the deviation at N (the delete-d
    jackknife, Shao and Wu 1989): exactly for means, roughly for other metrics. Only the spread is used, so the bias of the
    Frechet distance at smaller sample sizes does not enter. Returns the intervals and a note on the method.
    """
    size = len(seen) // 4
    places = [torch.randperm(len(seen), generator=keyed_generator("cpu", seed, "subsample", i)) for i in range(SUBSAMPLES)]
    found = [measure(seen.take(place[:size])) for place in places]
    t = t_quantile(0.975, SUBSAMPLES - 1) * sqrt(size / (len(seen) - size))
    half = {name: t * stdev(each[name] for each in found) for name in set.intersection(*map(set, found))}
    intervals = {name: (value - half[name], value + half[name]) for name, value in values.items() if name in half}
    return intervals, f"{SUBSAMPLES} subsamples of {size:,}"


def _scores(
    reference: Reference,
    num: int,
    seed: int,
    values: Values,
    intervals: Mapping[str, Interval],
    notes: Mapping[str, str],
    quick: bool = False,
) -> list[Score]:
    floors, ceilings = floor(reference, num, quick), reference.ceilings(num)
    found = []
    for name, value in values.items():
        low, high = intervals.get(name, (None, None)) if name not in COUNTS else (None, None)
        protocol = _protocol(reference, name, num, seed, notes[name])
        bounds = None if low is None else _within(name, low), None if high is None else _within(name, high)
        found.append(Score(name, float(value), *bounds, floors.get(name), ceilings.get(name), protocol))
    return found


def _audit(reference: Reference, samples: Dataset, train: Dataset | None, seed: int) -> list[Score]:
    """The memorisation score of up to a thousand random samples."""
    if not (isinstance(reference, FeatureReference) and isinstance(reference.test, ImageSet)):
        return []
    if not (isinstance(train, ImageSet) and isinstance(samples, ImageSet)):
        return []
    order = torch.randperm(len(samples), generator=keyed_generator("cpu", seed, "audited"))
    audited = samples.take(order[:AUDITED])
    done = reference.audit(audited, train)
    low, high = done.found.interval or (None, None)
    protocol = _protocol(reference, "memorisation", len(audited), seed, done.interval, done.options)
    return [Score("memorisation", done.found.score, low, high, None, None, protocol)]


def _protocol(reference: Reference, metric: str, num: int, seed: int, interval: str, options: str | None = None) -> Protocol:
    label, checksum = reference.extractor_names
    return Protocol(
        extractor=label,
        extractor_hash=checksum,
        data=codec.encode(reference.data)["name"],
        data_fingerprint=reference.fingerprint,
        split=reference.split,
        num_samples=num,
        num_real=reference.num_real,
        preprocessing=reference.preprocessing,
        options=reference.options.get(metric, "") if options is None else options,
        seed=seed,
        interval=interval,
        weak_extractor=reference.weakness,
    )


def _within(metric: str, bound: float) -> float:
    bound = bound if metric in SIGNED else max(bound, 0.0)
    return min(bound, 1.0) if metric in SHARES or metric.startswith("share_") else bound
