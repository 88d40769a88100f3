"""The coach on real runs: each made sick in a way of its own, and one that the scores call healthy."""

import pytest
from sick import SICK_RUNS, SickRun, settings

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
