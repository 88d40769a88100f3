"""The script of a visit to a GPU, rehearsed on the CPU, and what it keeps of a long run that fails."""

import importlib
import json
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import torch

GPU = Path(__file__).parents[2] / "benchmarks" / "gpu"


SECTIONS = ["batch_norm", "waits", "seeds", "from_host", "accumulated"]


def test_some_sections_of_a_visit_are_rehearsed_however_long_they_take(tmp_path):
    command = [sys.executable, GPU / "check.py", tmp_path, "--device=cpu", "--few", "--seconds=0", "--only", *SECTIONS]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(GPU.parents[1] / folder) for folder in ("src", "tests"))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert [one["recipe"] for one in found if one["section"] == "waits"] == ["flash", "vanilla"]
    assert [one["num"] for one in found if one["section"] == "seeds"] == [1, 4]
    assert [one["differ_by"] for one in found if one["section"] == "seeds_alike"] == [[0, 0]]
    assert sum(one["section"] == "batch_norm" for one in found) == 4
    assert [one["differ_by"] for one in found if one["section"] == "from_host"] == [0]
    assert [one["differ_by"] < 1e-5 for one in found if one["section"] == "accumulated"] == [True]
    assert [one["name"] for one in found if one["section"] == "section"] == SECTIONS
    assert not any("error" in one for one in found)


MACHINE = {"code": "new", "torch": "2.11", "device": "H200"}


def test_a_section_that_is_known_of_the_same_code_and_card_is_left_out(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(GPU)
    visit = importlib.import_module("visit")
    for number, code in enumerate(("old", "new")):
        ends = [("speed", True), ("waits", False)] if code == "new" else [("graphs", True)]
        lines = [{"section": "machine", **MACHINE, "code": code}]
        lines += [{"section": "section", "name": name, "in_full": in_full} for name, in_full in ends]
        (tmp_path / f"{number}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert visit.known_sections(tmp_path, MACHINE) == {"speed"}
    assert visit.known_sections(tmp_path, MACHINE | {"device": "H100"}) == set()


def test_a_section_that_runs_out_of_time_is_not_done_in_full(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(GPU)
    visit = importlib.import_module("visit").Visit(tmp_path, torch.device("cpu"), seconds=5.0)
    assert (list(visit.within(0, "ab")), visit.is_cut) == (["a", "b"], False)
    assert (list(visit.within(10, "ab")), visit.is_cut) == ([], True)


def test_the_parts_of_a_visit_fit_its_time(monkeypatch):
    monkeypatch.syspath_prepend(GPU)
    check = importlib.import_module("check")
    of_parts = {part: sum(check.SECONDS[section.__name__] for section in check.PARTS[part]) for part in check.PARTS}
    assert check.SECONDS.keys() == {section.__name__ for section in check.PARTS["all"]}
    assert max(of_parts["first"], of_parts["second"], of_parts["third"]) <= 440


def test_what_came_of_a_long_run_that_failed_is_kept(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(GPU)
    visit, whole_runs = importlib.import_module("visit"), importlib.import_module("whole_runs")

    def train(name: str, out: Path, **_) -> None:
        out.mkdir()
        (out / "journal.jsonl").write_text("{}\n")
        (out / "losses.png").write_bytes(b"a picture")
        raise RuntimeError("the run failed")

    monkeypatch.setattr(whole_runs, "train", train)
    (tmp_path / "found").mkdir()
    alive = threading.active_count()
    whole_runs.dcgan_in_full(visit.Visit(tmp_path / "found", torch.device("cpu"), seconds=600.0))
    (told,) = map(json.loads, (tmp_path / "found" / "found.jsonl").read_text().splitlines())
    assert told["error"] == "RuntimeError: the run failed"
    assert told["where"][-1].startswith("test_rehearsal.py:")
    assert (tmp_path / "found" / "dcgan-losses.png").read_bytes() == b"a picture"
    with tarfile.open(tmp_path / "found" / "dcgan-run.tar.gz") as tar:
        assert tar.getnames() == ["journal.jsonl"]
    for thread in threading.enumerate()[alive:]:
        thread.join(timeout=1)  # of the timer, which was cancelled
    assert threading.active_count() == alive
