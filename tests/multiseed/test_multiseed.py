"""What a population finds in its folder, asks of its workers, and makes of its runs."""

import json
import os
import shutil
from dataclasses import replace
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

import pytest
import torch
from click import BadParameter

import sparring
from sparring import multiseed
from sparring.cli import options
from sparring.config.schedules import Duration
from sparring.errors import InputError, MachineError, NonFiniteError, SparringError
from sparring.multiseed import Failure, SeedRuns, Task, workers
from sparring.multiseed.seeds import Seed
from sparring.runs import journal
from sparring.runs.run import Run
from sparring.storage import locks
from tiny import SETTINGS

TINY = SETTINGS["vanilla"] | {"review": "null"}


def train(place: str, seed: int = 0, rounds: int = 3) -> Run:
    return sparring.train("vanilla", rounds=rounds, out=place, seed=seed, settings=TINY, quiet=True)


def task(rounds: int = 3, lr: str = "2e-4") -> Task:
    return Task.of("vanilla", settings=TINY | {"optim.lr": lr}, rounds=rounds)


def look(task_: Task, number: int = 0) -> Seed:
    return Seed.inspect(task_, number, Path(f"p/seed{number}"), threads=1)


@pytest.fixture
def three() -> dict[int, Run]:
    return {seed: train(f"p/seed{seed}", seed) for seed in (0, 1, 2)}


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-15", [*range(16)]), ("7", [7]), ("0,3,7", [0, 3, 7]), ("3,0-1,1", [0, 1, 3]), ("0-999", [*range(1000)])],
)
def test_seeds_are_read(text, seeds):
    assert options.seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "-1", "3-1", "0,", "1.5", "0-", "5,3-1", "0-1000", "0-1000000000000"])
def test_what_names_no_seeds_is_refused(text):
    with pytest.raises(BadParameter):
        options.seeds(text)


def test_mean_and_interval_over_the_seeds(three):
    found = multiseed.train_seeds(task(), [0, 1, 2], out="p", quiet=True)  # nothing is left to train
    summary = json.loads(Path("p/summary.json").read_text())
    assert summary == found.as_json()
    for name in ("g_loss", "d_loss", "d_real", "d_fake"):
        values = [run.rounds()[-1][name] for run in three.values()]
        half = 4.302653 * stdev(values) / sqrt(3)  # Student's t for 2 degrees of freedom
        expected = {"mean": mean(values), "low": mean(values) - half, "high": mean(values) + half}
        assert summary["summary"][name] == pytest.approx(expected, rel=1e-5)
        assert [seed[name] for seed in summary["seeds"]] == values
    assert [(seed["seed"], seed["run"], seed["rounds"]) for seed in summary["seeds"]] == [
        (n, f"p/seed{n}", 3) for n in range(3)
    ]
    assert "quick_score" not in summary["summary"]
    assert (summary["failed"], summary["unfinished"]) == ([], [])


def test_quick_scores_are_averaged_and_one_run_makes_no_interval():
    run = sparring.train("vanilla", rounds=3, out="p/seed0", settings=SETTINGS["vanilla"], quiet=True)
    summary = multiseed.train_seeds(Task.of("vanilla", settings=SETTINGS["vanilla"], rounds=3), [0], out="p").summary()
    value = run.scores()[0]["frechet_distance"].value
    assert summary["quick_score"] == {"metric": "frechet_distance", "mean": value, "low": None, "high": None}
    assert summary["g_loss"] == {"mean": run.rounds()[-1]["g_loss"], "low": None, "high": None}


def test_all_seeds_in_the_folder_belong_to_the_population_but_only_those_asked_for_are_trained(three):
    shutil.rmtree(three[1].path / "checkpoints")
    (three[1].path / "journal.jsonl").unlink()
    found = multiseed.train_seeds(task(), [2], out="p", quiet=True)
    assert (list(found.runs), found.unfinished) == ([0, 2], (1,))


def test_time_and_images_of_earlier_sessions_are_kept(three):
    multiseed.train_seeds(task(), [0, 1, 2], out="p", quiet=True)
    facts = json.loads(Path("p/summary.json").read_text())
    Path("p/summary.json").write_text(json.dumps(facts | {"images": 864, "seconds": 2.0}))
    found = multiseed.train_seeds(task(), [0, 1, 2], out="p", quiet=True).as_json()
    assert (found["images"], found["seconds"], found["images_per_second"]) == (864, 2.0, 432.0)


def test_states_of_a_seed():
    assert look(task()).state == "new"
    run = train("p/seed0")
    assert look(task()).state == "done"
    assert look(task(rounds=4)).state == "stopped"
    with pytest.raises(InputError, match=r"trained for 3 rounds, not 2 rounds"):
        look(task(rounds=2))
    (run.path / "journal.crc32").unlink()
    lines = (run.path / "journal.jsonl").read_text().splitlines()
    end = json.dumps({"event": "end", "round": 3, "ending": "non-finite", "seconds": 1.0, "reason": "g_loss became nan"})
    (run.path / "journal.jsonl").write_text("\n".join([*lines[:-1], end]) + "\n")
    assert look(task()).state == "failed"
    (run.path / "journal.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    assert look(task()).state == "stopped"  # it was killed


def test_a_seed_that_began_goes_on_with_its_own_number_of_threads():
    run = train("p/seed0")
    replace(run, facts=run.facts | {"threads": 5}).with_recipe(run.recipe)
    assert look(task(rounds=4)).threads == 5
    assert look(task(), 1).threads == 1


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a single core gives one thread, whatever is asked")
def test_a_worker_takes_the_threads_that_it_is_given():
    run = train("p/seed0")
    replace(run, facts=run.facts | {"threads": 2}).with_recipe(run.recipe)
    multiseed.train_seeds(task(rounds=4), [0], out="p", quiet=True)
    assert [event["threads"] for event in run.journal() if event["event"] == "resume"] == [2]


def test_how_far_a_seed_is():
    seed = look(task())
    assert (seed.newest(), seed.images(), seed.share(Duration(rounds=4))) == (None, 0, 0.0)
    run = train("p/seed0")
    assert (seed.images(), seed.share(Duration(rounds=4)), seed.share(Duration(rounds=2))) == (288, 0.75, 1.0)
    with (run.path / "journal.jsonl").open("a") as stream:
        stream.write('{"event": "round", "round": 50, "ima')  # as the reader may find it
    assert seed.images() == 288


def test_a_seed_that_was_killed_before_its_first_checkpoint_begins_anew():
    whole, killed = train("p/seed0"), train("q/seed0")
    for file in (killed.path / "checkpoints").iterdir():
        file.unlink()
    journal.truncate_after(killed.path / "journal.jsonl", 0)
    multiseed.train_seeds(task(), [0], out="q", quiet=True)
    assert [event["g_loss"] for event in killed.rounds()] == [event["g_loss"] for event in whole.rounds()]


def test_two_populations_in_one_folder():
    with locks.run_lock(Path("p")), pytest.raises(InputError, match="another process trains p"):
        multiseed.train_seeds(task(), [0], out="p", quiet=True)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (lambda: Task.of("paper", settings=TINY, rounds=3), "p/seed0 holds vanilla, seed 0, not paper, seed 0"),
        (lambda: task(lr="1e-5"), "another setting of g_optim"),
        (lambda: Task.of("vanilla", settings=TINY, rounds=3, start_from="p/seed1"), "started from no other run"),
    ],
)
def test_runs_of_another_task_are_refused_and_left_alone(changed, sentence, three):
    files = {path: path.read_bytes() for path in Path("p").rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=sentence):
        multiseed.train_seeds(changed(), [0, 1, 2, 3], out="p", quiet=True)
    assert {path: path.read_bytes() for path in Path("p").rglob("*") if path.is_file()} == files


def test_the_run_of_another_seed_is_refused(three):
    shutil.move("p/seed1", "p/seed7")
    with pytest.raises(InputError, match="p/seed7 holds vanilla, seed 1, not vanilla, seed 7"):
        multiseed.train_seeds(task(), [0], out="p", quiet=True)


def test_a_folder_of_other_things_is_refused():
    Path("p").mkdir()
    Path("p/seeds.txt").touch()
    with pytest.raises(InputError, match="p is not empty"):
        multiseed.train_seeds(task(), [0], out="p", quiet=True)


def test_latest_is_looked_up_before_the_first_seed_begins():
    run = train("runs/old")
    begun = Task.of("vanilla", start_from="latest", rounds=3).begin(4, Path("p/seed4"))
    assert begun[begun.index("--from") + 1] == str(run.path)


def test_two_files_of_ones_own_are_refused():
    with pytest.raises(InputError, match=r"import b.py in a.py"):
        Task.of("a.py", code="b.py")


@pytest.mark.parametrize(
    ("recipe", "cores", "seeds", "variable", "threads", "side_by_side"),
    [
        ("vanilla", 2, 16, None, 1, 2),
        ("vanilla", 2, 1, None, 2, 1),
        ("vanilla", 16, 4, None, 4, 4),
        ("vanilla", 8, 3, None, 2, 4),
        ("vanilla", 8, 16, "3", 3, 2),
        ("vanilla", 1, 3, "2", 2, 1),
        ("gaussian", 8, 3, None, 1, 8),
        ("gaussian", 8, 3, "3", 3, 2),
    ],
)
def test_the_seeds_share_the_cores(recipe, cores, seeds, variable, threads, side_by_side, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: int(variable or cores))  # PyTorch reads the variable when it starts
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", variable or "")
    assert workers.threads_for(seeds, cores, Task.of(recipe).threads_that_gain) == threads
    assert workers.at_once(threads, "cpu", cores) == side_by_side


def test_few_share_one_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert workers.at_once(1, "auto", 64) == workers.at_once(1, "cuda", 64) == workers.ON_ONE_GPU
    assert workers.at_once(1, "cpu", 64) == 64


@pytest.mark.parametrize(("status", "kind"), [(1, SparringError), (2, InputError), (3, NonFiniteError), (4, MachineError)])
def test_a_failure_is_raised_with_its_own_status(status, kind):
    failed = tuple(Failure(seed, f"p/seed{seed}", status, "it would not") for seed in (3, 5))
    found = SeedRuns(Path("p"), "vanilla", {}, failed, (), 0, 0.0)
    with pytest.raises(kind, match=r"seed 3 failed: it would not \(and 1 more, named in p.summary.json\)") as raised:
        found.check()
    assert raised.value.exit_status == status
    replace(found, failed=()).check()


@pytest.mark.parametrize("seeds", [[], [-1, 2]])
def test_seeds_that_are_none(seeds, tmp_path):
    with pytest.raises(InputError, match="name one or more"):
        multiseed.train_seeds(Task.of("vanilla", rounds=1), seeds, out=tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()
