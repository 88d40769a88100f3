"""Sparring beside other frameworks (`benchmarks/race.py`): turns, interruptions, the file that is kept, tables."""

import importlib
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sparring import recipes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

TOY = """
import os, signal, time
from common import arguments, serve
arguments("")
played = turns = 0
def play(rounds):
    global played, turns
    played, turns = played + rounds, turns + 1
    time.sleep({seconds})
    if turns == {last_turn}:
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(60)
    return 1.0, 2.0
serve(play, parameters=7, updates=lambda: 2 * played)
"""


@pytest.fixture
def benchmarks(monkeypatch):
    """A function that imports a module of the folder."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def toys(benchmarks, monkeypatch, tmp_path):
    """Two entrants of vanilla, processes that speak the protocol and sleep through their turns; the fifth is jax's last one,
    at which it presses Control-C: after its first round, its turn to warm up, and two that count."""
    lineup = benchmarks("lineup")
    for name, seconds, last_turn in (("sparring", 0.02, 0), ("jax", 0.06, 5)):
        script = tmp_path / f"toy_{name}"
        script.with_suffix(".py").write_text(TOY.format(seconds=seconds, last_turn=last_turn))
        monkeypatch.setitem(lineup.ENTRANTS, name, lineup.Entrant(str(script), Path(sys.executable), ("vanilla",)))
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS / "peers"))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
    return benchmarks("race").Course(tmp_path / "mnist.npy", ["jax"], threads=1)


def results(report, recipe="vanilla", turns=2, **times):
    """Results with the same time in all turns; milliseconds by entrant."""
    return [report.Result(recipe, name.replace("_", "-"), 1.0, {}, [ms] * turns, [0.0] * turns) for name, ms in times.items()]


def test_entrants_race_in_turns(benchmarks, toys, capfd):
    race, report = benchmarks("race"), benchmarks("report")
    found = race.race("vanilla", toys, 2, benchmarks("progress").Progress({"vanilla": 60}))
    assert [(result.entrant, len(result.ms), len(result.elsewhere)) for result in found] == [("sparring", 2, 2), ("jax", 2, 2)]
    assert all(result.peak_mib > 5 and result.software["PyTorch"] for result in found)
    assert 2 < report.ratio(found[1], found[0]) < 3.5
    assert "vanilla: entrants start; about 60 s left" in capfd.readouterr().err


def test_processor_time_in_place_of_the_clocks(benchmarks, toys, capfd):
    race, course = benchmarks("race"), replace(toys, clock="cpu")
    found = race.race("vanilla", course, 1, benchmarks("progress").Progress({"vanilla": 60}))
    rounds = benchmarks("lineup").ROUNDS["vanilla"]
    assert all(result.ms[0] * rounds < 10 for result in found)  # of 20 and 60, in which they sleep
    assert benchmarks("report").machine(1, cpu=True)["threads"] == "threads: 1, CPU time"


def test_photo_has_pictures_without_a_folder(benchmarks, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS / "peers")
    images = benchmarks("pictures_of").training_data(recipes.get("photo")).images
    assert images.shape == (960, 3, 64, 64)
    assert len(images) / recipes.get("photo").batch_size == benchmarks("lineup").EPOCH["photo"]
    assert 0.02 < (images < 255).any(1).float().mean() < 0.6


def test_an_interrupted_race_keeps_what_all_have_done_and_is_not_run_again_once_complete(benchmarks, toys, tmp_path, capfd):
    race, kept, report = benchmarks("race"), benchmarks("kept"), benchmarks("report")
    file, table, machine = tmp_path / "peers.json", tmp_path / "peers.md", report.machine(1)
    with pytest.raises(KeyboardInterrupt):
        race.race_all({"vanilla": 7}, toys, kept.Kept.open(file, table, machine))
    found = json.loads(file.read_text())["results"]
    assert [(result["entrant"], len(result["ms"])) for result in found] == [("sparring", 2), ("jax", 2)]
    assert "| vanilla | jax |" in table.read_text()
    table.unlink()
    race.race_all({"vanilla": 2}, toys, kept.Kept.open(file, table, machine))
    assert "peers.json already, and not measured again: vanilla" in capfd.readouterr().err
    assert json.loads(file.read_text())["results"] == found
    assert "| vanilla | jax |" in table.read_text()


def test_more_turns_replace_fewer_but_never_the_other_way(benchmarks, tmp_path):
    kept, report = benchmarks("kept"), benchmarks("report")
    store = kept.Kept.open(tmp_path / "peers.json", None, report.machine())
    store.add(results(report, "upsample", turns=3, sparring=10, keras=11))
    store.add(results(report, turns=3, sparring=1, jax=2))
    for fewer in (results(report, turns=2, sparring=3, jax=4), results(report, turns=4, sparring=3)):
        store.add(fewer)
    again = kept.Kept.open(tmp_path / "peers.json", None, report.machine())
    assert [(one.recipe, one.entrant, one.ms[0]) for one in again.results] == [
        ("vanilla", "sparring", 1),
        ("vanilla", "jax", 2),
        ("upsample", "sparring", 10),
        ("upsample", "keras", 11),
    ]
    assert again.has("upsample", ["sparring", "keras"], 3)
    assert not again.has("upsample", ["sparring", "keras"], 7)
    assert not again.has("upsample", ["sparring", "floor"], 3)


@pytest.mark.parametrize("text", ["{", "[]", '{"machine": {}, "results": [{"recipe": "vanilla"}]}'])
def test_a_file_of_something_else_is_refused(benchmarks, tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="holds no results of race\\.py; name another file"):
        benchmarks("kept").Kept.open(file, None, benchmarks("report").machine())


def test_times_with_other_threads_are_not_mixed(benchmarks, tmp_path):
    kept, report = benchmarks("kept"), benchmarks("report")
    kept.Kept.open(tmp_path / "one.json", None, report.machine(1)).add(results(report, sparring=1))
    with pytest.raises(ValueError, match="measured with 'threads: 1', not 'threads by default'; name another file"):
        kept.Kept.open(tmp_path / "one.json", None, report.machine())


def test_tables_for_the_documentation(benchmarks):
    report, goals = benchmarks("report"), benchmarks("goals")
    found = results(report, "dcgan", sparring=300.0, sparring_bf16=200.0, tf_function=320.0)
    found[2].elsewhere[1] = 0.5
    lines = report.markdown(found, report.machine()).splitlines()
    assert lines[2:5] == [
        "| recipe | entrant | ms per round (quartiles) | s per epoch | to Sparring | peak MiB | s to first round |",
        "|---|---|---:|---:|---:|---:|---:|",
        "| dcgan | sparring | 300 (300 to 300) | 70.3 | 1.00 | 0 | 1.0 |",
    ]
    assert lines[-1] == "Turns in which other programs kept more than a tenth of a core busy: dcgan 1 of 6."
    assert goals.rows(found) == [
        ("dcgan", "at most 0.90 of tf-function", "0.94", "missed"),
        ("dcgan", "sparring-bf16: at most 0.70 of sparring", "0.67", "met"),
    ]


def test_the_time_left_counts_turns_and_recipes_to_come(benchmarks, monkeypatch, capfd):
    progress = benchmarks("progress")
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    line = progress.Progress({"vanilla": 50, "dcgan": 250})
    line.begin("vanilla")
    line.turn("jax", 0, 8)  # too soon after the first line
    now += 20
    line.turn("floor", 2, 8)  # 20 s for a quarter of the turns
    line.begin("dcgan")  # too soon
    now += 400
    line.turn("jax", 0, 10)
    now += 40
    line.turn("floor", 5, 10)
    assert capfd.readouterr().err.splitlines() == [
        "vanilla: entrants start; about 5 min left",
        "vanilla: turn 3 of 8: floor; about 5 min left",
        "dcgan: turn 1 of 10: jax; about 4 min left",
        "dcgan: turn 6 of 10: floor; about 40 s left",
    ]
