"""What a terminal of 60 to 120 columns shows."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

import sparring
from sparring import recipes
from sparring.config.schedules import Duration, RoundInfo
from sparring.runs.progress import Progress
from sparring.training.observers import Event
from tiny import SETTINGS

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")

WIDTHS = (60, 80, 100, 120)


def shown(width: int, *args: str) -> str:
    """What a command prints to a terminal of this width, without colours."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sparring", *args]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"COLUMNS": str(width)})
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # on Linux the end
            break
        if not part:
            break
        text += part
    os.close(ours)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", text.decode()).replace("\r", "")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bar_its_percent_and_the_time_left_are_always_there(width):
    progress, written = Progress(), io.StringIO()
    console = Console(file=written, width=width, force_terminal=True, color_system=None)
    news = "epoch 37  D 1.381  G 0.718  D(x) 0.492  D(G(z)) 0.488  14,400 images/s"
    progress._bars.update(progress._bars.add_task("dropout-mlp", total=1000, news=""), completed=370, news=news)
    console.print(progress._bars.make_tasks_table(progress._bars.tasks))
    (line,) = written.getvalue().rstrip().splitlines()
    assert re.match(r"dropout-mlp [━╸╺ ]{8,} +37% --:-- epoch 37", line)
    assert len(line) <= width


@pytest.mark.parametrize(("last", "left"), [(False, "60%  about 40 s left"), (True, "100%")])
def test_the_time_left_is_that_of_this_session_s_pace(last, left, capsys):
    """A session before it was a hundred times as slow."""
    progress, recipe = Progress(), replace(recipes.get("vanilla"), length=Duration(rounds=1000))
    run = SimpleNamespace(recipe=recipe, path="runs/a")
    start = RoundInfo(round=500, images=50_000, epoch=1, seconds=5000.0)
    now = RoundInfo(round=1000 if last else 600, images=60_000, epoch=1, seconds=5010.0, last=last, epoch_ended=True)
    progress.on_start(cast("Event", SimpleNamespace(run=run, info=start, num_images=55_000)))
    progress.on_round(cast("Event", SimpleNamespace(run=run, info=now, num_images=55_000)))
    assert capsys.readouterr().err.splitlines()[-1].endswith(left)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_names_of_runs_are_whole(width):
    names = [f"runs/20261126-21501{n}-dropout-mlp-seed0" for n in range(2)]
    for name in names:
        sparring.train("vanilla", rounds=1, out=name, settings=SETTINGS["vanilla"], quiet=True)
    lines = shown(width, "runs").splitlines()
    assert len(lines) == 3
    assert [line.split()[0] for line in lines[1:]] == names
    assert all("finished" in line and len(line) <= width for line in lines[1:])


@pytest.mark.parametrize("width", WIDTHS)
def test_a_recipe_breaks_between_words(width):
    text = shown(width, "recipes", "dcgan")
    assert max(len(line) for line in text.splitlines() if "https://" not in line) < width
    whole = json.loads(subprocess.check_output([sys.executable, "-m", "sparring", "recipes", "dcgan", "--json"]))
    assert text.split()[: len(whole["documentation"].split())] == whole["documentation"].split()


@pytest.mark.parametrize("width", WIDTHS)
def test_show_draws_the_newest_grid_as_blocks_and_links_to_its_file(width, monkeypatch):
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    run = sparring.train("vanilla", rounds=2, out="runs/a b", settings=SETTINGS["vanilla"], quiet=True)
    *rows, last = shown(width, "show").splitlines()
    assert set("".join(rows)) == {"▀"}
    assert {len(row) for row in rows} == {width}
    newest = run.frames()[-1]
    assert last == f"\x1b]8;;{newest.absolute().as_uri()}\x1b\\{newest}\x1b]8;;\x1b\\"


def test_show_prints_the_path_alone_where_there_are_no_colours(monkeypatch, sparring_command):
    run = sparring.train("vanilla", rounds=2, out="runs/a", settings=SETTINGS["vanilla"], quiet=True)
    monkeypatch.setenv("TERM", "dumb")
    assert shown(80, "show").splitlines() == [str(run.frames()[-1])]
    assert sparring_command("show", "runs/a").out == f"{run.frames()[-1]}\n"  # to a pipe
    assert json.loads(sparring_command("show", "--json").out) == {"picture": str(run.frames()[-1])}
