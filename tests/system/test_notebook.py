"""In a notebook the progress and the losses replace themselves, and what the calls return is shown."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tiny import SETTINGS

CELLS = [
    f"import sparring; run = sparring.train('vanilla', epochs=2, out='run', settings={SETTINGS['vanilla']!r})",
    "run",
    "print(run)",
    "sparring.sample('run', num=16)",
    "sparring.evaluate(run, num=1000, draws=2)",
    f"other = sparring.train('vanilla', epochs=1, out='b', seed=1, quiet=True, settings={SETTINGS['vanilla']!r})",
    "sparring.compare([run, other])",
    f"sparring.train_seeds('vanilla', [0, 1], rounds=3, out='seeds', quiet=True, settings={SETTINGS['vanilla']!r})",
    "dir(sparring)",
]
WITHOUT_WIDGETS = "import sys; sys.modules['ipywidgets'] = None"
PROGRAM = """
import json, sys, nbformat, nbclient
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in json.loads(sys.argv[1])])
nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
print(json.dumps([cell.outputs for cell in book.cells]))
"""


def executed(cells: list[str], folder: Path) -> list[list[dict[str, Any]]]:
    """The outputs of a notebook's cells."""
    pytest.importorskip("nbclient")
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, json.dumps(cells)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return executed(CELLS, tmp_path_factory.mktemp("notebook"))


def kinds(output) -> set[str]:
    return set(output.get("data", {}))


def test_without_ipywidgets_nothing_is_missing(tmp_path):
    _, trained = executed([WITHOUT_WIDGETS, CELLS[0]], tmp_path)
    assert "100%" in json.dumps(trained)
    assert "ipywidgets" not in json.dumps(trained)


def test_training_shows_one_bar_and_one_plot_that_were_replaced(outputs):
    bars = [output for output in outputs[0] if "<progress" in str(output.get("data", {}).get("text/html"))]
    assert len(bars) == 1
    assert "100%" in bars[0]["data"]["text/html"]
    assert "data:image/png;base64," in bars[0]["data"]["text/html"]
    assert "ipywidgets" not in json.dumps(outputs)
    assert not [output for output in outputs[0] if output.get("name") == "stderr"]


def test_a_run_is_a_picture_and_a_line(outputs):
    assert "image/png" in kinds(outputs[1][0])
    (printed,) = outputs[2]
    assert printed["text"] == "Run('run', recipe='vanilla', seed=0)\n"


def test_samples_are_a_picture_and_tables_are_tables(outputs):
    assert "image/png" in kinds(outputs[3][-1])
    for cell, words in ((4, "best possible"), (6, "frechet distance"), (7, "last round")):
        assert words in outputs[cell][-1]["data"]["text/html"]


def test_the_names_are_the_public_ones(outputs):
    shown = outputs[8][-1]["data"]["text/plain"]
    for name in ("train", "resume", "load", "evaluate", "sample", "compare", "recipes", "train_seeds"):
        assert f"'{name}'" in shown
    assert "_" not in shown.replace("train_seeds", "").replace("from_pretrained", "")
