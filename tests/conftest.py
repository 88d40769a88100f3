"""What many tests share."""

import os
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import pytest
import torch
from hypothesis import HealthCheck, settings

from sparring.cli import main

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
settings.load_profile("patient")
torch.set_num_threads(1)  # the tests are small, and one thread is the same on every machine
os.environ["OMP_NUM_THREADS"] = "1"  # for the programs that they start


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="what is skipped for lack of a browser or a package fails")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not item.get_closest_marker("skipif"):  # which is for what the system or the processor lacks
        _fail_if_skipped(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report, collector.config)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if report.skipped and config.getoption("--no-skips"):
        report.outcome, report.longrepr = "failed", f"--no-skips: {report.longreprtext}"


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
