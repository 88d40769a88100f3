"""What a run's engine says of its CUDA graphs goes into the journal, as lines that are read again; where there can be none."""

import pytest
import torch

from sparring import recipes
from sparring.api.session import Options, build, joined_processes, run_to_end
from sparring.config.schedules import START
from sparring.distributed.launch import Launch
from sparring.distributed.single_process import SingleProcess
from sparring.errors import InputError
from sparring.runs.progress import Progress
from sparring.runs.recorder import Recorder
from sparring.runs.run import Run
from sparring.training.capture import EagerSteps
from tiny import miniature


def test_a_run_whose_graphs_differed_and_then_failed_ends_with_a_readable_journal(tmp_path):
    recipe = miniature("ring", tmp_path, length='{"rounds": 4}')
    with joined_processes(Launch.of(), Options(quiet=True)) as session:
        engine, test = session.build(recipe, 0)
        engine.steps = Reporting(session.device)
        (tmp_path / "run").mkdir()
        facts = session.describe(engine) | {"shape": list(engine.data.shape)}
        recorder = Recorder(Run.create(tmp_path / "run", recipe, 0, facts), engine, test)
        recorder.log_start()
        run = run_to_end(session, recorder, START)
    events = list(run.journal())
    assert [event["differs_by"] for event in events if event["event"] == "capture"] == [2e-7]
    (warning,) = (event["text"] for event in events if event["event"] == "warning")
    assert warning.endswith("could not be replayed as a CUDA graph: a kind that cannot be recorded")
    assert events[-1]["ending"] == "finished"


def test_capture_in_several_processes_is_refused():
    cuda, recipe = torch.device("cuda"), recipes.get("vanilla")
    with pytest.raises(InputError, match="records rounds on CUDA in a single process, not in 2 processes; use auto"):
        build(recipe, 0, cuda, Progress(quiet=True), SingleProcess(0, 2), engine="capture")


class Reporting(EagerSteps):
    """Eager steps that report what recorded ones may."""

    def __init__(self, device):
        super().__init__(device)
        self.differences = [1e-7, 2e-7]
        self.failure = "a kind that cannot be recorded"
