"""What many tests share."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from hypothesis import HealthCheck, settings

from sparring.cli import main

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
settings.load_profile("patient")
torch.set_num_threads(1)  # the tests are small, and one thread is the same on every machine
os.environ["OMP_NUM_THREADS"] = "1"  # for the programs that they start


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def sparring_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Outcome]]:
    """Run `sparring ARGS...` in this process, and leave its arithmetic as other tests want it."""

    def run(*args: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["sparring", *map(str, args)])
        capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    yield run
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test starts in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
