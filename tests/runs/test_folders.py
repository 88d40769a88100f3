"""The order of runs, and the newest one."""

import json
import os
import shutil
from pathlib import Path

import sparring
from sparring.runs.folders import latest, run_folders
from tiny import SETTINGS


def test_runs_stand_in_the_order_of_their_starts_whatever_is_touched_or_copied_later():
    for name in ("b", "a", "c"):
        sparring.train("paper", rounds=2, out=f"runs/{name}", settings=SETTINGS["paper"], quiet=True)
    sparring.resume("runs/b", rounds=3, quiet=True)
    shutil.copytree("runs/a", "runs/a-copy")
    assert run_folders() == [Path("runs", name) for name in ("b", "a", "a-copy", "c")]
    assert latest() == Path("runs/c")


def test_runs_whose_start_has_no_time_go_by_recipe_json():
    for place, name in enumerate(("old", "older")):
        path = sparring.train("paper", rounds=1, out=f"runs/{name}", settings=SETTINGS["paper"], quiet=True).path
        (path / "journal.crc32").unlink()
        lines = [json.loads(line) for line in (path / "journal.jsonl").read_text().splitlines()]
        del lines[0]["time"]
        (path / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        os.utime(path / "recipe.json", (1e9 - place, 1e9 - place))
    assert run_folders() == [Path("runs/older"), Path("runs/old")]
