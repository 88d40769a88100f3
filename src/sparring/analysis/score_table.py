"""The score tables of a comparison page: one row a metric, each run's cell beside the first run's."""

from sparring.analysis.comparison import Comparison, Group
from sparring.analysis.differences import Difference, Line
from sparring.evaluation import Score
from sparring.evaluation.score import number
from sparring.visual.report import Cell, Row, Tone


def score_row(comparison: Comparison, line: Line) -> Row:
    """The row of one metric: its label, a cell for each run, then floor and ceiling."""
    differences = {d.b: d for d in comparison.differences if d.metric == line.metric}
    letters = dict(zip(comparison.paths, comparison.letters, strict=True))
    cells: list[Cell | None] = []
    for path, score in zip(comparison.paths, line.scores, strict=True):
        found = differences.get(path)
        text = _difference_text(found, letters[found.a]) if found else ""
        cells.append(Cell(number(score.value), _interval(score.low, score.high), text, _tone(found)) if score else None)
    bounds = [Cell(number(bound)) if bound is not None else None for bound in (line.first.floor, line.first.ceiling)]
    same = [other for other in comparison.lines if other.metric == line.metric]
    options = f" ({line.first.protocol.options})" if len(same) > 1 else ""
    return metric_label(line.metric).removeprefix("share ") + options, [*cells, *bounds]


def _difference_text(found: Difference, other: str) -> str:
    """The difference in words, such as "differs from A by -3.2: better" or "within the noise of A"."""
    if found.exceeds is None:
        return f"{_signed(found.difference)} against {other}; no interval"
    if not found.exceeds:
        return f"within the noise of {other}{_p_value(found)}"
    if not found.matters:
        return f"hardly differs from {other}"
    judged = "" if found.better is None else ": better" if found.better else ": worse"
    return f"differs from {other} by {_signed(found.difference)}{judged}{_p_value(found)}"


def _p_value(found: Difference) -> str:
    return "" if found.p_value is None else f" (p = {found.p_value:.2g})"


def _tone(found: Difference | None) -> Tone:
    return "" if found is None else "differs" if found.matters else "noise"


def has_group_mean(comparison: Comparison, n: int, line: Line) -> bool:
    """True if some group has a mean in line n; shares of classes do not count."""
    return not line.metric.startswith("share_") and any(n in group.means for group in comparison.groups)


def group_title(comparison: Comparison, group: Group) -> str:
    """The column title of a group: its letters, recipe, seeds and rounds."""
    runs = [comparison.runs[i] for i in group.members]
    seeds = ", ".join(map(str, dict.fromkeys(run.seed for run in runs)))
    rounds = dict.fromkeys(e.round for i in group.members if (e := comparison.evaluations[i]))
    return f"{group.name}: {runs[0].recipe.name}, seeds {seeds}, round {', '.join(f'{r:,}' for r in rounds)}"


def group_row(comparison: Comparison, n: int) -> Row:
    """The row of line n in the table of groups: its label and a cell for each group."""
    line = comparison.lines[n]
    differences = {d.b: d for d in comparison.group_differences if d.metric == line.metric}
    cells: list[Cell | None] = []
    for group in comparison.groups:
        found, mean = differences.get(group.name), group.means.get(n)
        text = _difference_text(found, found.a) if found else ""
        cells.append(Cell(number(mean[0]), _interval(mean[1], mean[2]), text, _tone(found)) if mean else None)
    return metric_label(line.metric), cells


def protocol_text(score: Score) -> str:
    """A sentence about the protocol of a score, for above the table."""
    p = score.protocol
    return (
        f"{p.num_samples:,} samples against the {p.num_real:,} {p.split} examples of {p.data}; extractor {p.extractor_text}; "
        "95 % intervals beneath the values."
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '−'}{number(abs(value))}"


def metric_label(metric: str) -> str:
    """The name of a metric in words."""
    return metric.replace("_", " ")
