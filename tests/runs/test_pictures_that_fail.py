import os
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

import sparring
from sparring import recipes
from sparring.config import codec
from sparring.config.registry import register
from sparring.errors import MachineError
from tiny import SETTINGS


@register("picture")
@dataclass(frozen=True)
class Spoilt:
    """A picture of a user's own with a fault in it."""

    def render(self, info, sampler):
        yield f"before_{info.round}.png", b"a picture"
        raise ZeroDivisionError("division by zero")


def trained(tmp_path, said):
    recipe = codec.override(recipes.get("vanilla"), SETTINGS["vanilla"])
    recipe = replace(recipe, pictures=(Spoilt(), *recipe.pictures))
    return sparring.train(recipe, rounds=4, out=tmp_path / "run", quiet=said)


def test_a_picture_that_cannot_be_drawn_is_a_warning(tmp_path, capfd):
    run = trained(tmp_path, said=False)
    warnings = [event["text"] for event in run.journal() if event["event"] == "warning" and "cause" not in event]
    assert warnings[0].endswith("the run goes on without it: ZeroDivisionError: division by zero")
    assert len(warnings) == 1
    assert "division by zero" in capfd.readouterr().err
    assert [event["ending"] for event in run.journal() if event["event"] == "end"] == ["finished"]
    assert (run.path / "samples/before_4.png").read_bytes() == b"a picture"
    assert run.frames()


def test_plots_that_cannot_be_drawn_leave_the_run_and_its_animation(tmp_path, monkeypatch):
    monkeypatch.setattr("sparring.runs.plots.losses_plot", lambda *_: 1 / 0)
    run = trained(tmp_path, said=True)
    assert not (run.path / "losses.png").exists()
    assert (run.path / "training.gif").exists()


def test_a_full_disk_is_no_such_thing(tmp_path, monkeypatch):
    def full(*_):
        raise MachineError("no room")

    monkeypatch.setattr("sparring.runs.plots.losses_plot", full)
    with pytest.raises(MachineError, match="no room"):
        trained(tmp_path, said=True)


@pytest.mark.parametrize("backend", ["no-such-backend", "module://no_such_package.backend_inline"])
def test_a_backend_that_is_not_there_does_not_matter(backend):
    code = (
        "import os; from sparring.visual import losses_plot; "
        "losses_plot({'G': ([1, 2], [0.5, 0.6])}); print(os.environ['MPLBACKEND'])"
    )
    program = [sys.executable, "-c", code]
    done = subprocess.run(program, env=os.environ | {"MPLBACKEND": backend}, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, backend, "")
