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


def test_tables_of_options(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(GPU)
    render = importlib.import_module("render")
    host = {"recipe": "photo", "pixels": 64, "graphed": True, "device_ms": 2.0, "host_ms": 2.5, "differ_by": 0.0}
    parts = {"recipe": "r3", "ms_1": 11.0, "ms_4": 40.0, "peak_mib_1": 1264.0, "peak_mib_4": 400.0, "differ_by": 3e-7}
    found = [
        {"section": "deterministic", "recipe": "flash", "same": True},
        {"section": "from_host", **host},
        {"section": "accumulated", **parts},
        {"section": "whole_runs", "recipe": "r3", "settings": {"accumulate": "4"}, "seconds": 5.0, "capture": []},
    ]
    tables = render.tables(found)
    assert {name: table.splitlines()[-1] for name, table in tables.items()} == {
        "deterministic": "| flash | yes |",
        "from_host": "| photo, 64 pixels, graphs | 2.00 | 2.50 | 0 |",
        "accumulated": "| r3 | 11.00 | 40.00 | 1,264 | 400 | 3e-07 |",
        "whole_runs": "| r3, accumulate=4 | 5.0 | - | - |",
    }


def test_every_table_is_as_it_was_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(GPU)
    render = importlib.import_module("render")
    text = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    tables = render.tables(render.read(sorted((GPU / "found").glob("*.jsonl"))))
    assert [name for name, table in tables.items() if table not in text] == []
