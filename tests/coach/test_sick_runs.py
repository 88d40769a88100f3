"""The coach on real runs: each made sick in a way of its own, and one that the scores call healthy."""

import pytest
from sick import SICK_RUNS, SMALL, SickRun, settings

import sparring
from sparring.errors import NonFiniteError
from sparring.runs.run import Run


@pytest.mark.parametrize("sick", SICK_RUNS, ids=lambda sick: sick.cause)
def test_the_coach_names_what_ails_a_run(sick: SickRun, tmp_path, capfd):
    try:
        sparring.train(sick.recipe, rounds=sick.rounds, settings=settings(sick), out=tmp_path / "run")
    except NonFiniteError:
        assert sick.cause == "exploding gradients"  # the warning must have come before
    warnings = [e for e in Run.open(tmp_path / "run").journal() if e["event"] == "warning"]
    causes = [warning["cause"] for warning in warnings]
    assert sick.cause in causes
    assert len(set(causes)) == len(causes)
    assert all(warning["text"] in capfd.readouterr().err.replace("\n", " ") for warning in warnings[:1])


def test_flash_whose_d_has_won_is_helped_by_the_rate_of_the_side_that_the_coach_names(tmp_path):
    """Each side has an Adam of its own: a smaller rate for both would leave G as far behind as it is."""
    small = {name: value for name, value in SMALL.items() if not name.endswith("widths")}
    small |= {"generator.width": "8", "batch_size": "32", "review": '{"rounds": 40}', "data.held_back": "55000"}
    gaps = {}
    for name, g_lr, d_lr in (("sick", "3e-4", "2e-2"), ("advised", "3e-4", "2e-4"), ("both", "3e-6", "2e-4")):
        settings = small | {"g_optim.lr": g_lr, "d_optim.lr": d_lr}
        run = sparring.train("flash", rounds=200, settings=settings, out=tmp_path / name, quiet=True)
        advice = [event["advice"] for event in run.journal() if event.get("cause") == "d has won"]
        assert bool(advice) == (name == "sick")
        assert all("smaller d_optim.lr gives G time" in text for text in advice)
        last = [event for event in run.journal() if event["event"] == "round"][-1]
        gaps[name] = last["d_real"] - last["d_fake"]
    assert gaps["advised"] < 0.9 < gaps["both"] < gaps["sick"]


def test_the_coach_is_silent_on_a_run_that_the_scores_call_healthy(tmp_path):
    settings = {
        "data": "gaussian-1d",
        "generator.widths": "[32]",
        "generator.output": "linear",
        "generator.initial": "glorot-uniform",
        "discriminator.widths": "[32]",
        "discriminator.activation": "leaky-relu",
        "discriminator.unit_range": "false",
        "discriminator.initial": "glorot-uniform",
        "z.num": "4",
        "optim.lr": "1e-3",
        "optim.beta1": "0.0",
        "batch_size": "128",
        "journal": '{"rounds": 25}',
        "review": '{"rounds": 250}',
        "pictures": "[]",
    }
    run = sparring.train("paper", rounds=1500, settings=settings, out=tmp_path / "run", quiet=True)
    assert run.scores()[-1]["energy_distance"].value < 0.02
    assert [event["text"] for event in run.journal() if event["event"] == "warning"] == []


def test_the_newest_review_is_told_at_the_end_and_a_longer_run_does_not_know_of_it(tmp_path, capfd):
    spoilt = SMALL | {"optim.lr": "0.5", "checkpoint": '{"rounds": 50}'}
    run = sparring.train("paper", rounds=50, settings=spoilt, out=tmp_path / "run")
    *_, warning, end = run.journal()
    assert (warning["event"], end["event"]) == ("warning", "end")
    assert warning["text"].startswith("At the end of the run: ")
    assert "At the end of the run: " in capfd.readouterr().err.replace("\n", " ")
    whole = sparring.train("paper", rounds=100, settings=spoilt, out=tmp_path / "whole", quiet=True)
    longer = sparring.resume(run.path, rounds=100, quiet=True)
    assert lines(longer) == lines(whole)


def test_a_run_that_patience_ended_and_that_goes_on_does_not_know_of_it_either(tmp_path):
    spoilt = SMALL | {"optim.lr": "0.5"}
    run = sparring.train("paper", rounds=200, settings=spoilt, out=tmp_path / "run", patience=1, quiet=True)
    *_, warning, end = run.journal()
    assert (warning["event"], end["ending"]) == ("warning", "patience")
    assert warning["text"].startswith("At the end of the run: ")
    longer = sparring.resume(run.path, rounds=200, quiet=True)
    assert not [line for line in lines(longer) if line.get("text", "").startswith("At the end of the run: ")]


def lines(run: Run) -> list[dict]:
    return [
        {k: v for k, v in event.items() if k != "seconds"}
        for event in run.journal()
        if event["event"] not in ("start", "resume")
    ]
