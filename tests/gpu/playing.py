"""Programs of this folder in processes of their own, with the package as it is or with a fault in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"


def played(program: str, *names: str, sources: Path = SOURCES) -> dict[str, dict]:
    """What a program, such as `play.py`, says of these recipes, by name."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (sources, HERE.parent))), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", str(HERE / program), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {line["recipe"]: line for line in map(json.loads, done.stdout.splitlines())}


def spoilt(folder: Path, file: str, right: str, wrong: str) -> Path:
    """The package's sources in a folder, with other text in one file."""
    for source in (SOURCES / "sparring").rglob("*"):
        if source.is_file() and "__pycache__" not in source.parts:
            place = folder / source.relative_to(SOURCES)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
    text = (SOURCES / "sparring" / file).read_text()
    assert right in text
    (folder / "sparring" / file).unlink()
    (folder / "sparring" / file).write_text(text.replace(right, wrong))
    return folder
