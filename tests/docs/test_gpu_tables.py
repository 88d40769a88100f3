"""The tables of docs/gpu.md are those of what was found."""

import importlib

import pytest
from blocks import ROOT

GPU = ROOT / "benchmarks" / "gpu"


def test_every_table_is_as_it_was_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(GPU)
    render = importlib.import_module("render")
    text = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    tables = render.tables(render.read(sorted((GPU / "found").glob("*.jsonl"))))
    assert [name for name, table in tables.items() if table not in text] == []
