"""The tables of docs/gpu.md are those of what was found."""

import importlib

import pytest
from blocks import ROOT

GPU = ROOT / "benchmarks" / "gpu"


def test_a_table_of_seeds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(GPU)
    render = importlib.import_module("render")
    found = [
        {"section": "seeds", "recipe": "vanilla", "num": num, "ms": ms, "peak_mib": 100.0 * num}
        for num, ms in ((1, 0.3), (16, 0.96))
    ]
    assert render.tables(found)["seeds"].splitlines()[2:] == [
        "| vanilla | 1 | 0.30 | 1.0 | 3,333 | 100 |",
        "| vanilla | 16 | 0.96 | 3.2 | 16,667 | 1,600 |",
    ]


def test_every_table_is_as_it_was_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(GPU)
    render = importlib.import_module("render")
    text = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    tables = render.tables(render.read(sorted((GPU / "found").glob("*.jsonl"))))
    assert [name for name, table in tables.items() if table not in text] == []
