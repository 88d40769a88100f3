"""Whole runs as a user makes them, and how good their generators are."""

import os
import shutil
import signal
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from visit import Visit

from sparring.api.evaluate import evaluate
from sparring.api.resume import resume
from sparring.api.session import TrainingStopped
from sparring.api.train import train
from sparring.runs.run import Run

OFTEN = {"review": '{"rounds": 60}', "checkpoint": '{"rounds": 60}', "journal": '{"rounds": 20}'}
RUNS: tuple[tuple[str, dict[str, str]], ...] = (
    ("flash", {}),
    ("cgan", {}),
    ("ring", {}),
    ("sngan", {}),
    ("flash", {"non_finite": "roll-back"}),
    ("gaussian", {}),
    ("dropout-mlp", {"data.held_back": "59000"}),
)


@cache
def scratch() -> Path:
    """A folder for runs, which have more files than may come back."""
    return Path(tempfile.mkdtemp())


def whole_runs(visit: Visit) -> None:
    """Train with reviews, scores and pictures; resume; evaluate; resume on the CPU."""
    for index, (name, settings) in enumerate(RUNS):
        if visit.left < 15 or (visit.few and name != "ring"):
            continue
        with visit.telling("whole_runs", recipe=name, settings=settings) as facts:
            place = scratch() / f"run{index}"
            run = train(name, rounds=120, settings=OFTEN | settings, out=place, device=visit.device.type, quiet=True)
            resume(run, rounds=130, device=visit.device.type, quiet=True)
            if name in ("flash", "ring"):
                result = evaluate(place, num=1000, draws=2, device=visit.device.type, quiet=True)
                facts["first_score"] = str(result.scores[0])
            resume(place, rounds=132, device="cpu", quiet=True)
            events = list(run.journal())
            facts["capture"] = [event["differs_by"] for event in events if event["event"] == "capture"]
            facts["warnings"] = [event.get("text") for event in events if event["event"] == "warning"][:3]


def quality(visit: Visit) -> None:
    """A whole run of flash: is what comes out as good as on the CPU?"""
    for seed in (0, 1, 2):
        if visit.left < 40 or visit.few:
            return
        with visit.telling("quality", recipe="flash", seed=seed) as facts:
            start = time.monotonic()
            run = train("flash", out=scratch() / f"flash{seed}", seed=seed, device=visit.device.type, quiet=True)
            facts["train_seconds"] = round(time.monotonic() - start, 2)
            facts |= _between_rounds(run)
            facts["scores"] = _scores(visit, run)


def dcgan_in_full(visit: Visit) -> None:
    """The tutorial's 150 epochs of dcgan, or as many as the time allows, with its curves, traces and animation."""
    with visit.telling("dcgan_in_full") as facts:
        place = scratch() / "dcgan"
        alarm = threading.Timer(visit.left - 90, os.kill, (os.getpid(), signal.SIGTERM))  # the run is saved then
        start = time.monotonic()
        alarm.start()
        with suppress(TrainingStopped):
            train("dcgan", out=place, device=visit.device.type, quiet=True, **({"rounds": 3} if visit.few else {}))
        alarm.cancel()
        run = Run.open(place)
        facts["train_seconds"] = round(time.monotonic() - start, 1)
        facts |= _between_rounds(run)
        facts["last"] = [event for event in run.journal() if event["event"] == "round"][-1]
        if not visit.few:
            facts["scores"] = _scores(visit, run)
        for name in ("losses.png", "traces.png", "training.gif"):
            if (run.path / name).exists():
                shutil.copy(run.path / name, visit.out / f"dcgan-{name}")
        with tarfile.open(visit.out / "dcgan-run.tar.gz", "w:gz") as tar:
            for part in ("recipe.json", "journal.jsonl", "scores.jsonl", "samples", "generator"):
                if (run.path / part).exists():
                    tar.add(run.path / part, part)


def _scores(visit: Visit, run: Any) -> list[str]:
    return [str(score) for score in evaluate(run, draws=2, device=visit.device.type, quiet=True).scores]


def _between_rounds(run: Any) -> dict[str, Any]:
    """Seconds between the first and the last round of the journal, and the rounds between them."""
    rounds = [event for event in run.journal() if event["event"] == "round"]
    first, last = rounds[0], rounds[-1]
    return {"rounds": last["round"] - first["round"], "seconds_between": round(last["seconds"] - first["seconds"], 2)}
