"""--patience: when it stops a run, what it leaves, and how the run goes on."""

import json
import shutil
from types import SimpleNamespace
from typing import Any

import pytest

import sparring
from sparring.config.schedules import RoundInfo
from sparring.errors import InputError
from sparring.multiseed import Task
from sparring.multiseed.seeds import Seed
from sparring.runs import checkpoint
from sparring.runs.patience import Patience
from sparring.runs.run import Run
from sparring.training.observers import Event, Requests
from tiny import SETTINGS, pictures

SETTING = SETTINGS["vanilla"] | {"review": '{"rounds": 4}'}  # its best score is that of round 4
OPTIONS = [f"--set={name}={value}" for name, value in SETTING.items()]


def train(out: str = "run", patience: int = 2, more: dict[str, str] | None = None) -> Run:
    settings = SETTING | (more or {})
    return sparring.train("vanilla", rounds=24, out=out, settings=settings, quiet=True, patience=patience)


def last(run: Run) -> tuple[int, str]:
    end = list(run.journal())[-1]
    return end["round"], end["ending"]


def line(round_: int, value: float, extractor: str = "digits") -> dict[str, Any]:
    return {"event": "score", "round": round_, "headline": "fid", "fid": value, "extractor": extractor}


def stopped_at(reviews: int, scores: list[dict], before: tuple[dict, ...] = ()) -> int | None:
    """The round of the score at which it asks for a stop, if there is one."""
    patience, run, requests = Patience(reviews), SimpleNamespace(journal=lambda: before), Requests(True)
    run: Any
    for number, score in enumerate([{}, *scores]):
        event = Event(run, RoundInfo(score.get("round", 0), 0, 1, 0.0), 100, requests, lambda: None, score)
        patience.on_score(event) if number else patience.on_start(event)
        if requests.asked:
            assert requests.ending == "patience"
            return event.round
    return None


@pytest.mark.parametrize(
    ("reviews", "values", "expected"),
    [
        (1, [5.0, 4.0, 4.0], 3),  # an equal score is no better
        (1, [5.0, 6.0], 2),
        (2, [5.0, 6.0, 4.0, 5.0, 4.5], 5),
        (2, [5.0, 6.0, 4.0, 5.0], None),
        (3, [1.0, 3.0, 2.0], None),
    ],
)
def test_it_counts_the_reviews_since_the_best_one(reviews, values, expected):
    assert stopped_at(reviews, [line(n, value) for n, value in enumerate(values, 1)]) == expected


def test_it_counts_on_where_the_journal_ends_and_anew_after_it_has_stopped_the_run():
    before = (line(1, 1.0), line(2, 2.0))
    assert stopped_at(2, [line(3, 2.0)], before) == 3
    assert stopped_at(2, [line(3, 2.0), line(4, 2.0)], (*before, {"event": "resume", "round": 2, "after": "patience"})) == 4
    assert stopped_at(2, [line(3, 2.0)], (*before, {"event": "resume", "round": 2})) == 3


def test_scores_before_a_roll_back_and_of_another_extractor_do_not_count():
    assert stopped_at(2, [line(1, 1.0), line(2, 2.0), line(2, 2.0)]) is None
    assert stopped_at(1, [line(1, 1.0), line(2, 2.0, "mine")]) is None


def test_it_stops_with_status_0_and_keeps_the_best_checkpoint(sparring_command):
    done = sparring_command("train", "vanilla", "--rounds=24", "--out=run", "--patience=2", "--json", *OPTIONS)
    assert done.status == 0, done.err
    run = Run.open("run")
    assert last(run) == (12, "patience")
    found = json.loads(done.out)
    assert (found["rounds"], found["g_loss"]) == (12, run.rounds()[-1]["g_loss"])
    assert checkpoint.read(checkpoint.best_path(run.path / "checkpoints")).info.round == 4
    assert [row["state"] for row in json.loads(sparring_command("runs", ".", "--json").out)] == ["patience"]
    again = sparring_command("resume", "run", "--patience=1")
    assert (again.status, last(run)) == (0, (16, "patience"))
    assert sparring_command("resume", "run").status == 0
    assert last(run) == (24, "finished")


def test_a_run_that_stopped_and_goes_on_is_the_one_that_never_stopped():
    run, whole = sparring.resume(train(), quiet=True), train("whole", patience=100)
    tensors, others = (each.newest_checkpoint()[0].tensors for each in (run, whole))
    assert all(tensor.equal(others[name]) for name, tensor in tensors.items())
    scores, all_scores = ([e["frechet_distance"] for e in each.journal() if e["event"] == "score"] for each in (run, whole))
    assert scores == all_scores


def test_a_killed_run_stops_where_it_would_have_stopped(tmp_path):
    settings = {"checkpoint": '{"rounds": 5}', "keep_checkpoints": "9"}
    whole = train(patience=3, more=settings)
    shutil.copytree(whole.path, "killed")
    for path in checkpoint.paths(tmp_path / "killed" / "checkpoints"):
        if path.stem > "round_00000010":
            path.unlink()
    assert last(sparring.resume("killed", patience=3, quiet=True)) == last(whole) == (16, "patience")


def test_it_gets_as_many_reviews_again_however_often_it_is_killed(tmp_path):
    run = train(patience=2)
    for rounds in (14, 24):  # first killed in round 14, before anything was saved
        run = sparring.resume(run, patience=2, rounds=rounds, quiet=True)
        for path in checkpoint.paths(run.path / "checkpoints"):
            if path.stem == "round_00000014":
                path.unlink()
    assert last(run) == (20, "patience")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--data=own", "--set=review=null"], "--patience counts quick scores, and the recipe takes none; set review to"),
        (["--data=own"], "--patience counts quick scores, and no extractor suits these data"),
        (["--patience=0"], "0 is not in the range x>=1"),
    ],
)
def test_without_scores_it_is_refused_and_nothing_is_written(options, sentence, sparring_command, tmp_path):
    pictures(tmp_path).rename("own")
    done = sparring_command("train", "photo", "--out=run", "--rounds=1", "--patience=2", *options)
    assert (done.status, done.out) == (2, "")
    assert sentence in done.err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_a_number_that_is_none_is_refused(number, tmp_path):
    with pytest.raises(InputError, match=f"patience is {number}; it must be a whole number of at least 1"):
        sparring.train("vanilla", patience=number)
    assert list(tmp_path.iterdir()) == []


def test_a_seed_that_lost_patience_is_done_for_a_task_with_patience():
    run = train("p/seed0")
    tasks = {n: Task.of("vanilla", settings=SETTING, rounds=24, patience=n) for n in (2, None)}
    states = {n: Seed.inspect(task, 0, run.path, threads=1).state for n, task in tasks.items()}
    assert states == {2: "done", None: "stopped"}
    longer = Task.of("vanilla", settings=SETTING, rounds=48, patience=2)
    assert Seed.inspect(longer, 0, run.path, threads=1).state == "stopped"
    assert "--patience=2" in longer.begin(0, run.path)
    assert "--patience=2" in longer.resume(run.path)


def test_seeds_with_patience(sparring_command):
    given = ["--seeds=0-1", "--rounds=24", "--out=p", "--patience=2", "--json", *OPTIONS]
    found = json.loads(sparring_command("train", "vanilla", *given).out)
    assert (found["failed"], found["unfinished"], len(found["seeds"])) == ([], [], 2)
    assert {last(Run.open(f"p/seed{n}"))[1] for n in (0, 1)} <= {"patience", "finished"}
    assert json.loads(sparring_command("train", "vanilla", *given).out)["images"] == found["images"]
