"""Exports every recipe's generator at full size and writes the table of docs/export.md: make parity.

The weights are drawn at random, those that begin at zero too, and batch norm has the statistics of its own z: the samples
vary as much as those of trained generators, and no training is needed.
"""

import sys
from pathlib import Path

import torch

from sparring import recipes
from sparring.exporters import Options, Parity, Trained
from sparring.exporters.onnx_file import onnx_bytes
from sparring.exporters.parity import limits_for
from tiny import SETTINGS
from untrained import untrained

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
BEGIN, END = "<!-- parity: begin -->\n", "<!-- parity: end -->\n"
HEAD = (
    "| recipe | samples | weights | float32: MiB | largest difference | pixels that differ | "
    "float16: MiB | largest difference | pixels off by 1 | by 2 |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def row(trained: Trained) -> tuple[str, bool]:
    """A line of the table, and whether both exports keep the limits."""
    generator = trained.generator
    num = sum(weight.numel() for weight in generator.parameters())
    found = {dtype: onnx_bytes(trained, Options("onnx", dtype, allow_inexact=True)) for dtype in ("float32", "float16")}
    good = not any(parity.misses(limits_for(generator.shape, dtype)) for dtype, (_, parity) in found.items())
    (whole, exact), (halved, near) = found.values()
    cells = (
        f"`{trained.name}`",
        " x ".join(map(str, generator.shape)),
        f"{num:,}",
        *(mib(whole), f"{exact.difference:.1e}", share(exact, 1)),
        *(mib(halved), f"{near.difference:.1e}", share(near, 1), share(near, 2)),
    )
    return f"| {' | '.join(cells)} |", good


def share(parity: Parity, levels: int) -> str:
    """The share of pixels that are off by so many grey levels; a dash for points."""
    if parity.differing is None or parity.beyond_one is None:
        return "-"
    value = parity.differing - parity.beyond_one if levels == 1 else parity.beyond_one
    return f"{value:.4%}" if value else "0"


def mib(data: bytes) -> str:
    return f"{len(data) / 2**20:.2f}"


def main() -> int:
    torch.set_num_threads(2)
    rows, missed = [], []
    for name in SETTINGS:
        line, good = row(untrained(recipes.get(name)))
        rows.append(line)
        missed += [] if good else [name]
        print(line, flush=True)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text("".join((before, BEGIN, "\n".join((*HEAD, *rows)), "\n", END, after)), encoding="utf-8")
    print(f"missed: {', '.join(missed)}" if missed else "all keep the limits")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
