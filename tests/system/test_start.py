"""What a training waits for before its first round."""

import os
import subprocess
import sys

import pytest

from tiny import SETTINGS

SLOW = {"matplotlib", "scipy", "pandas", "sympy", "jinja2", "torch._dynamo", "torch._inductor", "onnx", "starlette", "imageio"}
PROGRAM = """
import gc, sys
from sparring import cli

def begin(engine, round_):
    print(*sys.modules, sep="\\n")
    print(gc.isenabled(), gc.get_freeze_count() > 100_000, gc.get_stats()[2]["collections"])
    sys.exit()

class Patch:
    def find_spec(self, name, *_):
        if name == "sparring.runs.recorder":  # once the engine is there, and without importing it earlier than the command does
            sys.modules["sparring.training.engine"].Engine.train_round = begin

sys.meta_path.insert(0, Patch())
cli.main()
"""


@pytest.mark.parametrize("recipe", ["vanilla", "gaussian"])
def test_no_plot_and_no_collection_of_garbage_come_before_the_first_round(recipe, tmp_path):
    settings = [word for name, value in SETTINGS[recipe].items() for word in ("--set", f"{name}={value}")]
    command = ["train", recipe, "--rounds", "1", "--out", str(tmp_path / "run"), "--device", "cpu", "--quiet", *settings]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, env=os.environ)
    *modules, garbage = done.stdout.splitlines()
    assert not SLOW & set(modules)
    is_enabled, is_frozen, collections = garbage.split()
    assert (is_enabled, is_frozen) == ("True", "True")
    assert int(collections) <= 3
