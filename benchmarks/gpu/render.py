"""The tables of docs/gpu.md, from what visits to a GPU have found.

python benchmarks/gpu/render.py benchmarks/gpu/found/2026-11-26-h200.jsonl
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Finding = dict[str, Any]


def tables(found: list[Finding]) -> str:
    """All tables as Markdown."""
    (machine,) = {
        json.dumps(facts(one, "device", "torch", "cuda", "cudnn", "python")) for one in found if one["section"] == "machine"
    }
    parts = [", ".join(f"{name} {value}" for name, value in json.loads(machine).items())]
    parts += [_speed(of(found, "speed")), _agreement(of(found, "agreement")), _graphs(of(found, "graphs"))]
    return "\n\n".join(parts) + "\n"


def of(found: Iterable[Finding], section: str) -> list[Finding]:
    return [one for one in found if one["section"] == section]


def facts(one: Finding, *names: str) -> Finding:
    return {name: one[name] for name in names}


def _speed(found: list[Finding]) -> str:
    rows = [
        (
            _label(one),
            f"{one['eager_ms']:.2f}",
            f"{one['graphed_ms']:.2f}",
            f"{one['eager_ms'] / one['graphed_ms']:.1f}",
            f"{one['busy_ms']:.2f}",
            f"{one['kernels']:.0f}",
            f"{max(one['eager_peak_mib'], one['graphed_peak_mib']):,.0f}",
        )
        for one in found
    ]
    return table(("recipe", "eager, ms", "graphs, ms", "quotient", "kernels' time, ms", "kernels", "peak MiB"), rows)


def _label(one: Finding) -> str:
    changes = [f"{name} {one[name]}" for name in ("batch_size", "precision") if name in one]
    return ", ".join([one["recipe"], *(change.replace("batch_size", "batch").replace("precision ", "") for change in changes)])


def _agreement(found: list[Finding]) -> str:
    rows = [(one["recipe"], *(f"{one[name]:.0e}" for name in ("float64", "float32", "tf32"))) for one in found]
    return table(("recipe", "float64", "float32", "TF32"), rows)


def _graphs(found: list[Finding]) -> str:
    rows = [(one["recipe"], *(f"{one[name]:.0e}" for name in ("eager_differ_by", "graphed_differ_by"))) for one in found]
    return table(("recipe", "two eager plays", "eager and graphs"), rows)


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [columns, ("---", *("---:",) * (len(columns) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    lines = [line for name in sys.argv[1:] for line in Path(name).read_text().splitlines()]
    print(tables([json.loads(line) for line in lines]), end="")
