"""The mathematics stays what it was: refactoring and speed may reorder float32 sums, nothing more."""

import json

import pytest

from tiny import SETTINGS
from traces import FILE, ROUNDS, trace


@pytest.mark.parametrize("recipe", SETTINGS)
def test_golden_trace(recipe):
    golden = json.loads(FILE.read_text())[recipe]
    assert len(golden) == ROUNDS
    for now, then in zip(trace(recipe), golden, strict=True):
        assert now == pytest.approx(then, rel=1e-3, abs=1e-4)
