"""--tensorboard: what TensorBoard reads of a run."""

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

import sparring
from sparring.errors import InputError
from sparring.runs import checkpoint
from sparring.runs.run import Run
from sparring.runs.tensorboard import FOLDER, TensorBoard
from tiny import SETTINGS

SETTING = SETTINGS["vanilla"] | {"review": '{"rounds": 6}'}
OPTIONS = [f"--set={name}={value}" for name, value in SETTING.items()]


def shown(run: Run):
    """TensorBoard's own view of a run."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run.path / FOLDER))
    found.Reload()
    return found


def curve(found, tag: str) -> dict[int, float]:
    return {point.step: point.value for point in found.Scalars(tag)}


def test_tensorboard_shows_the_numbers_scores_and_pictures_of_the_journal(sparring_command):
    pytest.importorskip("tensorboard")
    done = sparring_command("train", "vanilla", "--rounds=12", "--out=run", "--tensorboard", "--json", *OPTIONS)
    assert done.status == 0, done.err
    run = Run.open("run")
    found = shown(run)
    names_of = {"round": ("g_loss", "d_real"), "score": ("frechet_distance", "classifier_score"), "checkup": ("spread",)}
    for kind, names in names_of.items():
        lines = [line for line in run.journal() if line["event"] == kind]
        assert lines
        for name in names:
            expected = {line["round"]: pytest.approx(line[name]) for line in lines}
            assert curve(found, f"{kind}/{name}") == expected
    assert {"score/quick", "round/seconds", "round/epoch"}.isdisjoint(found.Tags()["scalars"])
    assert [image.step for image in found.Images("samples/epoch")] == [11]
    (drawn,) = found.Images("samples/round")
    with Image.open(io.BytesIO(drawn.encoded_image_string)) as image, Image.open("run/samples/round_000012.png") as own:
        assert image.tobytes() == own.convert("RGB").tobytes()
    assert json.loads(done.out)["rounds"] == 12
    assert list(run.damage()) == []


def test_a_resumed_run_goes_on_in_the_same_curves():
    pytest.importorskip("tensorboard")
    settings = SETTING | {"journal": '{"rounds": 1}', "checkpoint": '{"rounds": 4}'}
    run = sparring.train("vanilla", rounds=6, out="run", settings=settings, quiet=True, observers=[TensorBoard()])
    checkpoint.path_of(run.path / "checkpoints", 6).unlink()  # as if it had been killed in round 6
    again = sparring.resume(run, rounds=9, quiet=True, observers=[TensorBoard()])
    assert [point.step for point in shown(again).Scalars("round/g_loss")] == [*range(1, 10)]


def test_without_the_package_one_sentence_says_what_to_install(sparring_command, monkeypatch):
    for name in ("tensorboard", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    for command in (["train", "vanilla", "--out=run"], ["resume", "run"], ["train", "vanilla", "--seeds=0-1", "--out=p"]):
        done = sparring_command(*command, "--tensorboard")
        assert done.status == 2
        assert done.err == ('sparring: --tensorboard needs a package that is missing; pip install "sparring[tensorboard]"\n')
    assert list(Path().iterdir()) == []
    with pytest.raises(InputError):
        TensorBoard()
