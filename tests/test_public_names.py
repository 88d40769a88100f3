"""What `import sparring` offers: its names, their docstrings, their types."""

import inspect
import json
import os
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

import sparring

DESIGNED = {
    *("train", "resume", "load", "from_pretrained", "evaluate", "sample", "compare", "export", "invert", "play", "train_seeds"),
    *("register", "recipes", "data", "losses", "networks", "Recipe", "Run", "Observer"),
}
"""The names of the design, some of which are yet to come."""
DOCUMENTED = [name for name in dir(sparring) if inspect.isfunction(getattr(sparring, name))]


def test_the_names_are_those_of_the_design():
    assert set(dir(sparring)) <= DESIGNED
    assert {"train", "resume", "load", "evaluate", "compare", "train_seeds", "register"} <= set(DOCUMENTED)
    for name in dir(sparring):
        assert inspect.getdoc(getattr(sparring, name)), name


@pytest.mark.parametrize("name", [*DOCUMENTED, "data.of", "losses.own_loss"])
def test_a_docstring_names_every_argument_and_what_is_raised(name):
    function = attrgetter(name)(sparring)
    text = inspect.getdoc(function) or ""
    missing = [argument for argument in inspect.signature(function).parameters if argument not in text]
    assert not missing
    assert "Raises" in text


def test_exported_names_have_complete_types():
    """At least 95 % by `pyright --verifytypes`, which looks for the package where this Python finds it."""
    pytest.importorskip("pyright")
    paths = {
        "PYTHONPATH": str(Path(sparring.__file__).parents[1]),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, "-W", "ignore", "-m", "pyright", "--verifytypes", "sparring", "--ignoreexternal", "--outputjson"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | paths, timeout=300)
    found = json.loads(done.stdout)["typeCompleteness"]
    assert found["completenessScore"] >= 0.95, found["completenessScore"]
