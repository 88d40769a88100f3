"""Runs whose D gives no probabilities: what the journal, the screen and the pictures make of it."""

import json

import pytest

import sparring
from tiny import MLP

CRITIC = MLP | {
    "loss": "wasserstein",
    "penalties": '["gradient-penalty"]',
    "round.moves": '["move-d", "move-d", "move-g"]',
    "journal": '{"rounds": 2}',
    "review": '{"rounds": 4}',
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sparring.train("paper", rounds=8, out=tmp_path_factory.mktemp("critics") / "run", settings=CRITIC, quiet=True)


def test_the_journal_has_no_probabilities_but_the_penalty(run):
    rounds = run.rounds()
    assert [event["round"] for event in rounds[:2]] == [2, 4]
    assert all(event["d_real"] is None and event["d_fake"] is None for event in rounds)
    assert all(event["d_accuracy_real"] is None and event["g_accuracy"] is None for event in rounds)
    assert all(event["d_penalty"] > 0 for event in rounds)
    assert rounds[0]["images"] == 2 * 2 * 96


def test_its_pictures_and_scores_are_there(run):
    for name in ("losses.png", "traces.png", "training.gif"):
        assert (run.path / name).stat().st_size > 1000
    assert run.scores()


def test_commands_take_it(run, sparring_command, tmp_path):
    changes = [f"--set={name}={value}" for name, value in CRITIC.items()]
    done = sparring_command("train", "paper", *changes, "--rounds=3", "--out=shown")
    assert done.status == 0, done.err
    assert "D(x)" not in done.err
    assert sparring_command("compare", run.path, "shown", "--out", "both.html").status == 0
    listed = sparring_command(
        "train", "paper", *[f"--set={k}={v}" for k, v in CRITIC.items()], "--rounds=2", "--json", "--out=j"
    )
    assert json.loads(listed.out)["rounds"] == 2


def test_the_coach_hears_it(run):
    assert [event for event in run.journal() if event["event"] == "checkup"]
