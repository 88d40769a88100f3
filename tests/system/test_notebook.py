"""In a notebook the progress shows and a run displays its picture."""

import subprocess
import sys

from tiny import SETTINGS

NOTEBOOK = f"""
import nbformat, nbclient
cells = [
    "import sparring; run = sparring.train('vanilla', epochs=1, out='run', settings={SETTINGS["vanilla"]!r})",
    "run",
    "sparring.load('run').sample(num=16, seed=0).shape",
]
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
trained, shown, sampled = ([output for output in cell.outputs] for cell in book.cells)
print(sorted({{kind for output in trained for kind in output.get("data", {{}})}}))
print(shown[0]["data"].keys() >= {{"image/png"}})
print(sampled[0]["data"]["text/plain"])
"""


def test_progress_and_picture():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", NOTEBOOK], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    kinds, shown, sampled = done.stdout.splitlines()[-3:]
    assert "application/vnd.jupyter.widget-view+json" in kinds or "text/html" in kinds
    assert shown == "True"
    assert sampled == "torch.Size([16, 1, 28, 28])"
