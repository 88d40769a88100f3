"""Whole runs as a user makes them, and how good their generators are."""

import os
import shutil
import signal
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from visit import Visit

from sparring.api.evaluate import evaluate
from sparring.api.resume import resume
from sparring.api.session import TrainingStopped
from sparring.api.train import train
from sparring.runs.run import Run
from tiny import pictures

OFTEN = {"review": '{"rounds": 60}', "checkpoint": '{"rounds": 60}', "journal": '{"rounds": 20}'}
RUNS: tuple[tuple[str, dict[str, str]], ...] = (
    ("ring", {}),
    ("flash", {}),
    ("cgan", {}),
    ("sngan", {}),
    ("flash", {"non_finite": "roll-back"}),
    ("selfcond", {}),
    ("r3", {"accumulate": "4"}),
    ("gaussian", {}),
    ("dropout-mlp", {"data.held_back": "59000"}),
)


@cache
def scratch() -> Path:
    """A folder for runs, which have more files than may come back."""
    return Path(tempfile.mkdtemp())


def whole_runs(visit: Visit) -> None:
    """Train with reviews, scores and pictures; resume; evaluate; resume on the CPU."""
    for index, (name, settings) in enumerate(visit.within(15, RUNS)):
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
    """Whole runs of flash: is what comes out as good as on the CPU, and as good in bfloat16?"""
    for seed, precision in visit.within(40, ((0, "float32"), (1, "float32"), (2, "float32"), (0, "bf16"), (1, "bf16"))):
        with visit.telling("quality", recipe="flash", seed=seed) as facts:
            start, rounds, out = time.monotonic(), 3 if visit.few else None, scratch() / f"flash{seed}-{precision}"
            settings, device = {"precision": precision}, visit.device.type
            run = train("flash", rounds=rounds, out=out, seed=seed, settings=settings, device=device, quiet=True)
            facts["train_seconds"] = round(time.monotonic() - start, 2)
            facts |= {"engine": run.facts["engine"], "precision": run.recipe.precision}
            facts |= _between_rounds(run)
            facts["scores"] = _scores(visit, run)


def dcgan_in_full(visit: Visit) -> None:
    """The tutorial's 150 epochs of dcgan, or as many as the time allows, with its curves, traces and animation."""
    with visit.telling("dcgan_in_full") as facts:
        place = scratch() / "dcgan"
        start = time.monotonic()
        try:
            with _stopped_after(max(visit.left - 90, 10)):
                train("dcgan", rounds=3 if visit.few else None, out=place, device=visit.device.type, quiet=True)
            facts["train_seconds"] = round(time.monotonic() - start, 1)
            run = Run.open(place)
            facts |= _between_rounds(run)
            facts["last"] = [event for event in run.journal() if event["event"] == "round"][-1]
            facts["scores"] = _scores(visit, run)
        finally:
            _keep(place, visit.out)


def photos(visit: Visit) -> None:
    """Half a minute of `photo` on coloured waves at 64 and at 128 pixels, and its last grid."""
    for size in visit.within(45, (64, 128), few=2):
        with visit.telling("photos", pixels=size) as facts:
            folder = scratch() / f"pictures{size}"
            folder.mkdir()
            given: dict[str, Any] = {"rounds": 3} if visit.few else {"minutes": 0.5}
            given |= {"data": pictures(folder, num=48 if visit.few else 400, size=160), "device": visit.device.type}
            run = train("photo", settings={"data.size": size}, out=scratch() / f"photo{size}", quiet=True, **given)
            facts |= _between_rounds(run)
            grids = sorted((run.path / "samples").glob("*.png"))
            shutil.copy(grids[-1], visit.out / f"photo-{size}.png")


def stacked_wide(visit: Visit) -> None:
    """Stacked MNIST with networks twice as wide, for five minutes or what is left: its modes and KL."""
    settings: dict[str, Any] = {"generator.width": 256, "discriminator.width": 96, "generator.mapping": [512, 512]}
    given: dict[str, Any] = {"minutes": min(5.0, max(0.2, (visit.left - 60) / 60))}
    if visit.few:
        settings, given = {"generator.width": 8, "discriminator.width": 4, "data.num": 2000}, {"rounds": 3}
    with visit.telling("stacked_wide", settings=settings) as facts:
        run = train("stacked", out=scratch() / "stacked", settings=settings, device=visit.device.type, quiet=True, **given)
        facts |= _between_rounds(run)
        facts["scores"] = _scores(visit, run)


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Within the block training is stopped after this time, and its run saved."""
    alarm = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
    alarm.start()
    try:
        with suppress(TrainingStopped):
            yield
    finally:
        alarm.cancel()


def _keep(run: Path, out: Path) -> None:
    """Copy what there is of a run: its plots and animation, and all else but checkpoints as one archive."""
    for name in ("losses.png", "traces.png", "training.gif"):
        if (run / name).exists():
            shutil.copy(run / name, out / f"dcgan-{name}")
    with tarfile.open(out / "dcgan-run.tar.gz", "w:gz") as tar:
        for part in ("recipe.json", "journal.jsonl", "scores.jsonl", "samples", "generator"):
            if (run / part).exists():
                tar.add(run / part, part)


def _scores(visit: Visit, run: Run) -> list[str]:
    num = 1000 if visit.few else None
    return [str(score) for score in evaluate(run, num=num, draws=2, device=visit.device.type, quiet=True).scores]


def _between_rounds(run: Run) -> dict[str, Any]:
    """Seconds between the first and the last round of the journal, and the rounds between them."""
    rounds = [event for event in run.journal() if event["event"] == "round"]
    first, last = rounds[0], rounds[-1]
    return {"rounds": last["round"] - first["round"], "seconds_between": round(last["seconds"] - first["seconds"], 2)}
