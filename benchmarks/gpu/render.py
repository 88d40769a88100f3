"""The tables of docs/gpu.md, from what visits to a GPU have found; of what was found several times, the last counts.

python benchmarks/gpu/render.py benchmarks/gpu/found/*.jsonl
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Finding = dict[str, Any]
Row = tuple[str, ...]


def read(paths: Iterable[str | Path]) -> list[Finding]:
    """The findings of visits, in order."""
    return [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]


def tables(found: list[Finding]) -> dict[str, str]:
    """Each table of which anything was found as Markdown, by its name."""
    of = {section: [one for one in found if one["section"] == section and "error" not in one] for section in TABLES}
    return {section: TABLES[section](findings) for section, findings in of.items() if findings}


def speed(found: list[Finding]) -> str:
    last = _last((one for one in found if "graphed_ms" in one), "recipe", "batch_size", "pixels", "precision")
    columns = ("recipe", "eager, ms", "graphs, ms", "quotient", "kernels' time, ms", "kernels", "peak MiB")
    return table(columns, [_speed(one) for one in last])


def _speed(one: Finding) -> Row:
    changes = [f"batch {one['batch_size']}"] if "batch_size" in one else []
    changes += [f"{one['pixels']} pixels"] if "pixels" in one else []
    changes += [one["precision"].upper()] if "precision" in one else []
    eager, graphed = one["eager_ms"], one["graphed_ms"]
    peak = max(one["eager_peak_mib"], one["graphed_peak_mib"])
    times = (f"{eager:.2f}", f"{graphed:.2f}", f"{eager / graphed:.1f}", f"{one['busy_ms']:.2f}")
    return ", ".join([one["recipe"], *changes]), *times, f"{one['kernels']:,.0f}", f"{peak:,.0f}"


def agreement(found: list[Finding]) -> str:
    last = _last(found, "recipe")
    return table(("recipe", "float64", "float32", "TF32"), [_numbers(one, "float64", "float32", "tf32") for one in last])


def graphs(found: list[Finding]) -> str:
    names = ("eager_differ_by", "graphed_differ_by")
    by_recipe: dict[str, Row] = {}
    for deterministic in (False, True):
        last = {
            one["recipe"]: _numbers(one, *names)[1:] for one in _last(found, "recipe", where=("deterministic", deterministic))
        }
        for recipe in dict.fromkeys(one["recipe"] for one in found):
            by_recipe[recipe] = (*by_recipe.get(recipe, ()), *last.get(recipe, ("-", "-")))
    ways = ("two eager plays", "eager and graphs")
    columns = ("recipe", *ways, *(f"{way}, deterministic convolutions" for way in ways))
    return table(columns, _alike(by_recipe))


def waits(found: list[Finding]) -> str:
    by_recipe: dict[str, list[str]] = {}
    for one in found:
        sites = [
            count for site, count in one["in_8_rounds"].items() if "__init__" not in site
        ]  # PyTorch's word on its debug mode
        by_recipe.setdefault(one["recipe"], []).append(f"{sum(sites) / 8:g}")
    return table(("recipe", "before", "now"), _alike({name: (counts[0], counts[-1]) for name, counts in by_recipe.items()}))


def whole_runs(found: list[Finding]) -> str:
    rows = []
    for one in _last((one for one in found if "error" not in one), "recipe", "settings"):
        changes = [f"{name}={value}" for name, value in one["settings"].items()]
        score = one.get("first_score", "-").partition(",")[0]
        differs_by = _number(max(one["capture"])) if one["capture"] else "-"
        rows.append((", ".join([one["recipe"], *changes]), f"{one['seconds']:.1f}", differs_by, score))
    return table(("recipe", "s", "first replays differ by", "score after 130 rounds"), rows)


def quality(found: list[Finding]) -> str:
    rows = []
    for one in found:
        how = ("graphs" if one["engine"] == "capture" else one["engine"]) + ", " + one["precision"].replace("tf", "TF")
        distance = re.match(r"frechet distance (.*?), floor", one["scores"][0])
        shares = [float(share) for share in re.findall(r"share \d ([\d.]+)", " ".join(one["scores"]))]
        classes = f"{100 * min(shares):.1f} %, {100 * max(shares):.1f} %"
        times = f"{one['train_seconds']:.1f}", f"{one['seconds_between']:.1f}"
        rows.append((how, str(one["seed"]), *times, distance[1] if distance else "", classes))
    return table(("flash", "seed", "s in all", "s from round 50 to 5,000", "Frechet distance", "smallest, largest class"), rows)


def settings(found: list[Finding]) -> str:
    ways = list(dict.fromkeys(one["way"] for one in found))
    times = {(one["recipe"], one["way"]): f"{one['ms']:.1f}" for one in found}
    recipes = dict.fromkeys(one["recipe"] for one in found)
    return table(("recipe", *ways), [(recipe, *(times[recipe, way] for way in ways)) for recipe in recipes])


def seeds(found: list[Finding]) -> str:
    rows = []
    for one in _last(found, "recipe", "num"):
        first = next((other for other in found if other["recipe"] == one["recipe"] and other["num"] == 1), one)
        times = f"{one['ms']:.2f}", f"{one['ms'] / first['ms']:.1f}", f"{1000 * one['num'] / one['ms']:,.0f}"
        rows.append((one["recipe"], f"{one['num']}", *times, f"{one['peak_mib']:,.0f}"))
    return table(("recipe", "seeds", "ms", "of one seed's", "rounds a second, all seeds", "peak MiB"), rows)


def deterministic(found: list[Finding]) -> str:
    return table(("recipe", "same files"), [(one["recipe"], "yes" if one["same"] else "no") for one in _last(found, "recipe")])


def from_host(found: list[Finding]) -> str:
    rows = []
    for one in _last(found, "pixels", "graphed"):
        how = f"{one['recipe']}, {one['pixels']} pixels, {'graphs' if one['graphed'] else 'eager'}"
        rows.append((how, f"{one['device_ms']:.2f}", f"{one['host_ms']:.2f}", _number(one["differ_by"])))
    return table(("recipe", "images on the GPU, ms", "in main memory, ms", "weights differ by"), rows)


def accumulated(found: list[Finding]) -> str:
    rows = []
    for one in _last(found, "recipe"):
        times = (f"{one[f'ms_{parts}']:.2f}" for parts in (1, 4))
        peaks = (f"{one[f'peak_mib_{parts}']:,.0f}" for parts in (1, 4))
        rows.append((one["recipe"], *times, *peaks, _number(one["differ_by"])))
    columns = ("recipe", "whole, ms", "in 4 parts, ms", "whole, peak MiB", "in 4 parts, peak MiB", "gradients differ by")
    return table(columns, rows)


TABLES: dict[str, Callable[[list[Finding]], str]] = {
    render.__name__: render
    for render in (
        *(speed, settings, agreement, graphs, waits, whole_runs, quality, seeds),
        *(deterministic, from_host, accumulated),
    )
}


def table(columns: Row, rows: Iterable[Row]) -> str:
    lines = [columns, ("---", *("---:",) * (len(columns) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _last(found: Iterable[Finding], *names: str, where: tuple[str, Any] | None = None) -> list[Finding]:
    """The last finding of each kind, which these facts tell apart, in the order in which the kinds were first found."""
    chosen = [one for one in found if where is None or one.get(where[0]) == where[1]]
    return list({json.dumps([one.get(name) for name in names]): one for one in chosen}.values())


def _alike(by_recipe: dict[str, Row]) -> list[Row]:
    """A row for each value, with all recipes that have it."""
    return [
        (", ".join(name for name in by_recipe if by_recipe[name] == row), *row) for row in dict.fromkeys(by_recipe.values())
    ]


def _numbers(one: Finding, *names: str) -> Row:
    return one["recipe"], *(_number(one[name]) for name in names)


def _number(value: float) -> str:
    return f"{value:.0e}" if value else "0"


if __name__ == "__main__":
    for name, text in tables(read(sys.argv[1:])).items():
        print(f"{name}\n\n{text}\n")
