"""The mathematics stays what it was: refactoring and speed may reorder sums, nothing more."""

import pytest

from sparring import recipes
from sparring.config import registry
from tiny import SETTINGS
from traces import DTYPES, NAMES, READ, ROUNDS, golden, read

TOLERANCES = {"float64": (1e-9, 1e-12), "float32": (1e-3, 1e-5)}  # of a trace's values, and of a gradient by the norm of all

POOLED = 5e-3  # of upsample's gradients in float32: rounding decides which of two nearly equal values max-pooling takes


def test_every_recipe_has_its_miniature():
    own = [name for name in recipes.names() if registry.find("recipe", name).__module__.startswith("sparring.")]
    assert sorted(SETTINGS) == own


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_golden(name, dtype, tmp_path):
    of_traces, of_gradients = TOLERANCES[dtype]
    of_gradients = POOLED if (name, dtype) == ("upsample", "float32") else of_gradients
    then, now = read(name)[dtype], golden(name, dtype, tmp_path)
    assert len(then["trace"]) == ROUNDS
    for round_, (old, new) in enumerate(zip(then["trace"], now["trace"], strict=True), 1):
        assert new == pytest.approx(old, rel=of_traces, abs=0.1 * of_traces), f"round {round_}: {READ}, norms of the weights"
    assert then["gradients"]
    for place, (old, new) in enumerate(zip(then["gradients"], now["gradients"], strict=True)):
        assert new == pytest.approx(old, rel=0, abs=of_gradients * old[0]), f"gradient {place} of the round"
