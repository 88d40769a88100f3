"""Forks, fine-tuned runs and replays: what recipe.json says of a run's parent, and the family of runs in a folder."""

import json
import shutil

import pytest

import sparring
from sparring.errors import InputError
from sparring.runs import checkpoint
from sparring.runs.family import family, parent_in
from tiny import SETTINGS

TINY = SETTINGS["ring"] | {"checkpoint": '{"rounds": 2}', "keep_checkpoints": "9", "pictures": "[]", "average": "null"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A run, a fork of its fourth round with another lr and on other data, a child of that, and a replay of the first."""
    root = tmp_path_factory.mktemp("family")
    sparring.train("ring", rounds=6, out=root / "first", settings=TINY, quiet=True)
    middle = checkpoint.path_of(root / "first" / "checkpoints", 4)
    own = TINY | {"g_optim.lr": "1e-30", "d_optim.lr": "1e-30", "data.std": "0.02"}
    sparring.train("ring", rounds=2, out=root / "fork", settings=own, start_from=middle, quiet=True)
    sparring.train(rounds=2, out=root / "child", start_from=root / "fork", quiet=True)
    sparring.train(replay=root / "first", rounds=4, out=root / "again", quiet=True)
    return root


def test_a_fork_starts_from_the_weights_of_the_checkpoint(root):
    fork = sparring.Run.open(root / "fork")
    theirs = checkpoint.read(checkpoint.path_of(root / "first" / "checkpoints", 4)).tensors
    mine = fork.newest_checkpoint()[0].tensors
    assert all(mine[name].equal(theirs[name]) for name in mine if ".network." in name)
    parent = fork.facts["parent"]
    assert (parent["run"], parent["round"]) == (str(root / "first"), 4)
    assert fork.facts["start_from"].endswith("round_00000004.safetensors")


def test_without_a_recipe_it_is_that_of_the_parent(root):
    child, fork = sparring.Run.open(root / "child"), sparring.Run.open(root / "fork")
    assert child.recipe == fork.recipe
    assert child.facts["parent"]["round"] == 2


def test_the_family_is_known_again_in_another_place(root, tmp_path):
    shutil.copytree(root, tmp_path / "moved")
    found = {path.name: parent for path, parent in family(tmp_path / "moved").items()}
    assert [*found] == ["first", "fork", "child", "again"]
    assert found["first"] is None
    assert {
        name: (parent.path.name, parent.round, parent.kind) for name, parent in found.items() if parent and parent.path
    } == {
        "fork": ("first", 4, "fork"),
        "child": ("fork", 2, "fork"),
        "again": ("first", 4, "replay"),
    }
    assert all(parent.path.parent == tmp_path / "moved" for parent in found.values() if parent and parent.path)


def test_parents_that_are_not_there_or_not_said_well(tmp_path):
    for name, facts in (("a", {"start_from": "runs/gone"}), ("b", {"parent": {"run": 3}}), ("c", {"parent": {"run": "x\0y"}})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.json").write_text(json.dumps(facts))
    (tmp_path / "b" / "recipe.json").write_text("{")
    found = {path.name: parent for path, parent in family(tmp_path).items()}
    assert found["a"] is not None
    assert (found["a"].named, found["a"].round, found["a"].path) == ("runs/gone", None, None)
    assert found["b"] is found["c"] is None
    assert (replayed := parent_in({"replay": {"run": "r", "rounds": True}})) is not None
    assert replayed.round is None


def test_runs_and_compare_show_the_parent(root, sparring_command):
    rows = {row["run"]: row["parent"] for row in json.loads(sparring_command("runs", root, "--json").out)}
    assert rows[str(root / "fork")] == {"run": str(root / "first"), "round": 4, "kind": "fork"}
    shown = sparring_command("runs", root).out
    assert "first, round 4" in shown
    assert "first, round 4 again" in shown
    page = root / "page.html"
    assert sparring_command("compare", root / "first", root / "fork", "--out", page).status == 0
    assert "start_round" in page.read_text()


def test_a_checkpoint_that_is_gone(root, tmp_path):
    for name in ("first", "fork"):
        shutil.copytree(root / name, tmp_path / name)
    facts = json.loads((tmp_path / "fork" / "recipe.json").read_text())
    facts["parent"]["run"] = str(tmp_path / "first")
    (tmp_path / "fork" / "recipe.json").write_text(json.dumps(facts))
    (tmp_path / "fork" / "SHA256SUMS").unlink()
    again = sparring.train(replay=tmp_path / "fork", out=tmp_path / "again", quiet=True)
    assert again.facts["parent"]["round"] == 4
    checkpoint.path_of(tmp_path / "first" / "checkpoints", 4).unlink()
    with pytest.raises(InputError, match=r"started from round 4 of .*first, which has no checkpoint of it any more"):
        sparring.train(replay=tmp_path / "fork", out=tmp_path / "again2", quiet=True)
