"""Snapshots of G: their rounds, their budget, how they are read, and that an interrupted run keeps the same ones."""

from itertools import pairwise

import pytest
import torch

import sparring
from sparring.errors import InputError
from sparring.runs import snapshots
from sparring.runs.snapshots import kept_rounds
from tiny import SETTINGS

TINY = SETTINGS["ring"] | {"pictures": "[]", "checkpoint": '{"rounds": 100}', "keep_checkpoints": "1"}


def kept(run):
    return {path.name: path.read_bytes() for path in (run.path / "snapshots").iterdir()}


def name_of(round_):
    return f"round_{round_:08}.safetensors"


def train(out, rounds, **settings):
    return sparring.train("ring", rounds=rounds, out=out, settings=TINY | settings, quiet=True)


def test_the_rounds_are_evenly_spaced_in_their_logarithm():
    assert kept_rounds(63, 16) == []
    assert kept_rounds(130, 16) == [64, 76, 91, 108, 128]
    for last in (1000, 12_345, 1_000_000):
        found = kept_rounds(last, 16)
        assert len(found) == 16
        assert found[0] == 64
        assert last / found[-1] < 1.2
        apart = [after / before for before, after in pairwise(found)]
        assert max(apart) <= 2.1 * min(apart)
    assert kept_rounds(128, 2) == [64, 128]
    assert kept_rounds(128, 1) == [128]


def test_what_is_thinned_later_was_kept_before():
    for last in range(1000, 20_000, 500):
        assert {round_ for round_ in kept_rounds(20_000, 16) if round_ <= last} <= set(kept_rounds(last, 16))


def test_a_snapshot_draws_what_the_checkpoint_of_its_round_draws(tmp_path):
    run = train(tmp_path / "run", 128)
    assert sorted(kept(run)) == [name_of(round_) for round_ in (64, 76, 91, 108, 128)]
    file = run.path / "snapshots" / name_of(128)
    assert torch.equal(sparring.sample(file, num=5), sparring.sample(run, num=5))
    assert not torch.equal(sparring.sample(file, num=5), sparring.sample(file.with_name(name_of(64)), num=5))
    with pytest.raises(InputError, match="is a snapshot, which does not have all"):
        sparring.train("ring", rounds=1, start_from=file, out=tmp_path / "other", quiet=True)
    file.write_bytes(file.read_bytes()[:-1])
    assert [str(file) in sentence for sentence in run.damage()] == [True]


def test_the_budget_counts(tmp_path):
    wide = {"generator.widths": "[512, 512]"}  # about 1.1 MiB
    assert sorted(kept(train(tmp_path / "few", 91, **wide, snapshot_mib="3"))) == [name_of(64), name_of(91)]
    assert not (train(tmp_path / "none", 64, snapshot_mib="0").path / "snapshots").exists()
    assert not (train(tmp_path / "large", 64, **wide, snapshot_mib="1").path / "snapshots").exists()


def test_an_interrupted_run_keeps_the_same_snapshots(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "MOST", 3)
    settings = {"checkpoint": '{"rounds": 80}', "keep_checkpoints": "9"}
    whole = train(tmp_path / "whole", 160, **settings)
    wanted = kept(whole)
    assert sorted(wanted) == [name_of(64), name_of(128), name_of(152)]
    (whole.path / "checkpoints" / name_of(160)).unlink()
    (whole.path / "snapshots" / name_of(152)).write_bytes(b"half a file")
    assert kept(sparring.resume(whole.path, quiet=True)) == wanted
    (whole.path / "checkpoints" / name_of(160)).unlink()
    assert sorted(kept(sparring.resume(whole.path, rounds=85, quiet=True))) == [name_of(64)]  # none of rounds that never came


def test_a_run_whose_snapshots_cannot_be_written_goes_on_with_one_warning(tmp_path, capsys):
    run = train(tmp_path / "run", 60)
    (run.path / "snapshots").write_text("in the way")
    assert sparring.resume(run.path, rounds=80).newest_checkpoint()[0].info.round == 80
    assert capsys.readouterr().err.count("a snapshot could not be written") == 1
