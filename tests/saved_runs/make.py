"""Runs as one version saves them, for later ones to open, resume, sample and score.

Made on purpose alone: `PYTHONPATH=tests python -m saved_runs.make`. One folder a version: another version gets another VERSION,
and old folders are never made anew, for their files stand for those that people have. An archive holds a run and the pictures
that it needs, byte for byte; `expected.json` what its version made of all runs; a file of the user's own lies beside. All is
trained under relative paths, so that no file names the machine.

0.1.0: commit 621b165; Linux x86_64, Python 3.11.7, PyTorch 2.13.0 for the CPU, one thread.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

import sparring
from saved_runs.kinds import KINDS, STRUCK, Kind
from sparring import recipes

VERSION = "0.1.0"
FOLDER = Path(__file__).parent / VERSION
PATIENCE = 120  # seconds
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the time of all that lies in an archive
READ = ("g_loss", "d_loss", "real_logit", "fake_logit", "strength", "d_penalty")  # of a round, where the journal has them
EVALUATION = ("--num=1000", "--draws=2", "--quiet")  # the least that `evaluate` takes of images
NUM, SEED = 4, 5  # of samples


def opened(run: str) -> Any:
    """A run. (`sparring.load` promises less, for other places hold a generator alone.)"""
    return sparring.load(run)


def brief(samples: Tensor) -> list[float]:
    """Sixteen of the values of samples [N, ...] or fewer, evenly spread."""
    values = samples.flatten().tolist()
    return values[:: max(1, len(values) // 16)][:16]


def headlines(run: str) -> list[list[int | bool | str | float]]:
    """Of each of a run's evaluations the round, whether it was a quick one, and the first metric."""
    return [[found.round, found.quick, found.scores[0].metric, found.scores[0].value] for found in opened(run).scores()]


def state_of(run: Path) -> dict[str, Any]:
    """How a run ended, and after how many rounds, by its journal."""
    events = journal(run)
    rounds = [event["round"] for event in events if event["event"] == "round"]
    return {"state": events[-1].get("ending", "unfinished"), "rounds": rounds[-1]}


def since_resumed(run: Path) -> dict[str, dict[str, float]]:
    """What the journal has of each round that was played since the run was resumed."""
    events = journal(run)
    start = [event["event"] for event in events].index("resume")
    rounds = [event for event in events[start:] if event["event"] == "round"]
    return {str(event["round"]): {name: event[name] for name in READ if event.get(name) is not None} for event in rounds}


def journal(run: Path) -> list[dict[str, Any]]:
    """The events of whole lines."""
    *lines, _ = (run / "journal.jsonl").read_text().split("\n")
    return [json.loads(line) for line in lines]


def make(name: str, kind: Kind) -> dict[str, Any]:
    """Train, pack and resume one kind in this folder; what is expected of later versions, for each run's folder."""
    for folder in kind.folders:
        draw(Path(folder))
    if kind.stray:
        add_stray(Path(kind.stray), Path(kind.folders[0], "1/0.png"))
    arguments = command(name, kind)
    if kind.struck_by:
        strike(name, arguments, kind.struck_by)
    else:
        run_sparring(*arguments)
    own = [f"--with={kind.recipe}"] if kind.recipe.endswith(".py") else []
    if kind.evaluated:
        run_sparring("evaluate", name, *EVALUATION, *own)
    pack(name, "pictures")
    runs = sorted(str(path.parent) for path in Path(name).rglob("recipe.json"))
    return {run: {"command": arguments, **expected(run, [*kind.resume, *own])} for run in runs}


def command(name: str, kind: Kind) -> list[str]:
    """The arguments of `sparring` that train it."""
    changes = [f"--set={key}={value}" for key, value in kind.settings.items()]
    seeds = [f"--seeds={kind.seeds}"] if kind.seeds else []
    return ["train", kind.recipe, f"--out={name}", f"--rounds={kind.length}", *seeds, *changes, "--quiet"]


def expected(run: str, resume: list[str]) -> dict[str, Any]:
    """What this version makes of a run, which is resumed."""
    before = look(run)
    run_sparring("resume", run, *resume, "--quiet")
    return before | {"resume": resume, "resumed": look(run) | {"read": since_resumed(Path(run))}}


def look(run: str) -> dict[str, Any]:
    """What everybody can see of a run."""
    return {
        "recipe": opened(run).recipe.name,
        **state_of(Path(run)),
        "samples": brief(opened(run).sample(NUM, SEED)),
        "scores": headlines(run),
    }


def run_sparring(*arguments: str) -> None:
    """A command to its end."""
    subprocess.run([sys.executable, "-m", "sparring", *arguments], check=True, env=ONE_THREAD)


def strike(name: str, arguments: list[str], number: signal.Signals) -> None:
    """Train until this signal ends it in the round STRUCK or soon after."""
    process = subprocess.Popen([sys.executable, "-m", "sparring", *arguments], env=ONE_THREAD)
    path, deadline = Path(name, "journal.jsonl"), time.monotonic() + PATIENCE
    while not (path.exists() and f'"event": "round", "round": {STRUCK},' in path.read_text()):
        assert process.poll() is None, f"{name} ended by itself"
        assert time.monotonic() < deadline, f"{name} never came there"
        time.sleep(0.001)
    process.send_signal(number)
    process.wait()
    found, wanted = state_of(Path(name)), "unfinished" if number == signal.SIGKILL else "interrupted"
    assert found["state"] == wanted, f"{name} is {found}; make it again"


def draw(folder: Path) -> None:
    """Six pictures in each of ten folders 1 to 10: the greater the number, the brighter they are."""
    for number in range(1, 11):
        (folder / str(number)).mkdir(parents=True)
        for row in range(6):
            pixels = np.full((8, 8), 24 * number, np.uint8)
            pixels[row] += 5
            Image.fromarray(pixels).save(folder / str(number) / f"{row}.png")


def add_stray(path: Path, picture: Path) -> None:
    """A file where nobody expects one: a copy of the picture, if its name says so."""
    if path.suffix == picture.suffix:
        shutil.copy(picture, path)
    else:
        path.write_text("This is no picture.\n")


def pack(name: str, *others: str) -> None:
    """An archive of folders below this one."""
    files = sorted(file for folder in (name, *others) for file in Path(folder).rglob("*") if file.is_file())
    with zipfile.ZipFile(FOLDER / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in files:
            data = file.read_bytes()
            for secret in (Path.cwd(), Path.home()):
                assert str(secret).encode() not in data, f"{file} names {secret}"
            archive.writestr(zipfile.ZipInfo(file.as_posix(), LONG_AGO), data, zipfile.ZIP_DEFLATED)


def main() -> None:
    """Make all kinds."""
    found = {}
    for name, kind in KINDS.items():
        with TemporaryDirectory() as scratch, chdir(scratch):
            if kind.recipe.endswith(".py"):
                shutil.copy(FOLDER / kind.recipe, kind.recipe)
                recipes.from_file(kind.recipe)
            found |= make(name, kind)
    lines = [f"{json.dumps(run)}: {json.dumps(facts)}" for run, facts in found.items()]
    (FOLDER / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
