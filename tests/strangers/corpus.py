"""Files from strangers: hundreds of damaged and hostile files of every kind, each read with little memory and time.

    python tests/strangers/corpus.py           all of them, some minutes
    python tests/strangers/corpus.py --short   about a hundred
    python tests/strangers/corpus.py --kind "hub weights"

Each must be read as what it says, or be refused with exit status 2 and one sentence that names it. Linux only: memory is
bounded by RLIMIT_AS, and a process a file is forked from one that has PyTorch loaded already.
"""

import argparse
import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import originals
import torch
from kinds import ALL, Kind, agrees, bomb, kinds

from sparring.cli import main
from sparring.errors import InputError

MEMORY = 1 << 30  # bytes that a reader may take
SECONDS = 30
MUTANTS = 24  # of each kind, and somewhat more
EVERY = 10  # of them, in the short list
SECRET = "what nobody may read"


@dataclass(frozen=True)
class Case:
    """A way to spoil a world, by name."""

    kind: Kind
    name: str
    spoil: Callable[[Path], Any]

    def __str__(self) -> str:
        return f"{self.kind.name}: {self.name}"


def cases(short: bool) -> Iterator[Case]:
    """In the order of their kinds; a short list has every so many of the mutants, and a link of each kind."""
    for number, kind in enumerate(kinds()):
        whole = Path(kind.file).read_bytes()
        mutants = list(kind.mutants(whole, Random(kind.name), MUTANTS))
        for done, mutant in mutants[number % EVERY :: EVERY] if short else mutants:
            yield Case(kind, done, lambda file, mutant=mutant: file.write_bytes(mutant))
        links = list(LINKS.items())
        for done, spoil in [links[number % len(links)]] if short else links:
            yield Case(kind, done, spoil)
        if kind.name in ("png picture", "gif picture"):
            yield Case(kind, "a header of 9000 x 9000", lambda file, kind=kind: file.write_bytes(bomb(kind.name[:3])))


def _replace(file: Path, make: Callable[[], Any]) -> None:
    file.unlink()
    make()


LINKS: dict[str, Callable[[Path], Any]] = {
    "a link to a secret": lambda file: _replace(file, lambda: file.symlink_to(Path("secret.txt").absolute())),
    "a link to zeros without end": lambda file: _replace(file, lambda: file.symlink_to("/dev/zero")),
    "a pipe": lambda file: _replace(file, lambda: os.mkfifo(file)),
    "a folder": lambda file: _replace(file, file.mkdir),
}


def attempt(case: Case, truth: Any) -> dict[str, Any]:
    """How a spoilt file is read, in this process: {"outcome": "read" or "refused"} or {"fault": what went wrong}."""
    case.spoil(Path(case.kind.file))
    whole = Path(case.kind.file).read_bytes() if Path(case.kind.file).is_file() and case.name not in LINKS else b""
    try:
        content = case.kind.content()
    except InputError as error:
        _check_sentence(case, str(error))
        content, outcome = None, "refused"
    else:
        outcome = "read"
        told = truth if case.kind.truth == ALL else case.kind.truth(whole)  # pyright: ignore[reportCallIssue]
        assert agrees(json.loads(json.dumps(told)), json.loads(json.dumps(content))), "it was read as something else"
    for command in case.kind.commands:
        _run(case, command)
    assert Path("secret.txt").read_text() == SECRET, "a file outside was written"
    assert not Path("pickle-was-run").exists(), "code was run"
    return {"outcome": outcome}


def _run(case: Case, command: str) -> None:
    """`sparring COMMAND` in this process: it must end with 0, or with 2 and a sentence."""
    sys.argv, out, err = ["sparring", *command.split()], StringIO(), StringIO()
    status = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            status = end.code
    said = err.getvalue()
    assert SECRET not in out.getvalue() + said, f"`sparring {command}` tells the secret"
    assert status in (0, 2), f"`sparring {command}` ended with {status}: {said[-300:]}"
    if status == 2:
        _check_sentence(case, said.removeprefix("sparring: ").rstrip("\n"))


def _check_sentence(case: Case, sentence: str) -> None:
    assert "\n" not in sentence, f"more than a sentence: {sentence[:300]}"
    assert len(sentence) < 1500, f"a long sentence: {sentence[:300]}"
    assert sentence.isprintable(), f"a sentence that no terminal should see: {sentence[:300]!r}"
    top = Path(case.kind.file).parts[0]
    assert top in sentence or Path(case.kind.file).name in sentence, f"a sentence that names no file: {sentence}"


def in_child(case: Case, world: Path, truth: Any) -> dict[str, Any]:
    """The attempt in a forked process, in a copy of the world, with bounded memory and time."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in {*case.kind.needs, "other", "original", "secret.txt"}:
            if (world / name).exists():
                copy = shutil.copytree if (world / name).is_dir() else shutil.copy
                copy(world / name, folder / name)
        child = os.fork()
        if child == 0:
            _attempt_and_exit(case, folder, truth)
        status = _wait(child)
        told = folder / "outcome"
        if status is None:
            return {"fault": f"it took longer than {SECONDS} s"}
        return json.loads(told.read_text()) if told.exists() else {"fault": f"the process ended with {status}"}


def _attempt_and_exit(case: Case, folder: Path, truth: Any) -> None:
    try:
        os.chdir(folder)
        os.environ["SPARRING_CACHE"] = str(folder / "cache")
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        found = attempt(case, truth)
    except BaseException as error:
        where = traceback.format_exc(limit=-4)
        found = {"fault": f"{type(error).__name__}: {str(error)[:300]}", "where": where[-1500:]}
    (folder / "outcome").write_text(json.dumps(found))
    os._exit(0)


def _wait(child: int) -> int | None:
    """The child's status; None where it had to be ended."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def play(short: bool, only: str | None, verbose: bool) -> int:
    """Try all; print a summary and every failure. The number of failures."""
    read, refused, failures = Counter(), Counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        world = Path(scratch)
        originals.make(world)
        (world / "secret.txt").write_text(SECRET)
        shutil.copy(world / "data/t10k-images-idx3-ubyte", world / "original")
        truths = {kind.name: kind.content() for kind in kinds()}
        for case in cases(short):
            if only not in (None, case.kind.name):
                continue
            found = in_child(case, world, truths[case.kind.name])
            if "fault" in found:
                failures.append((case, found))
            else:
                (read if found["outcome"] == "read" else refused)[case.kind.name] += 1
            if verbose:
                print(case, found, flush=True)
        os.chdir("/")
    for name in truths:
        print(f"{name:<14} {read[name] + refused[name]:>4} files: {read[name]:>3} read, {refused[name]:>3} refused")
    for case, found in failures:
        print(f"FAILED {case}\n  {found['fault']}\n{found.get('where', '')}")
    total = read.total() + refused.total() + len(failures)
    print(f"{total} files: {read.total()} read, {refused.total()} refused, {len(failures)} failed")
    return len(failures)


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.getLogger("sparring").setLevel(logging.ERROR)  # that damaged files are fetched anew
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--kind")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    sys.exit(bool(play(given.short, given.kind, given.verbose)))
