"""Trainings that the page has started: processes in sessions of their own, which outlive the server."""

import secrets
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.errors import InputError
from sparring.storage.files import make_folder
from sparring.web.run_index import identity

MOST = 32  # that one server remembers


@dataclass
class Training:
    """A process that was started; its run is in `folder` once it has begun."""

    process: subprocess.Popen
    folder: Path
    log: Path
    sentence: str = ""  # why it was refused

    def state(self, root: Path) -> dict[str, Any]:
        """`{"run": id}` once there is a run, `{"error": sentence}` where it was refused, else `{}`."""
        if (self.folder / "recipe.json").is_file():
            return {"run": identity(root, self.folder)}
        if self.process.poll() is None:
            return {}
        if not self.sentence:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            self.sentence = lines[-1].removeprefix("sparring: ") if lines else f"it ended with status {self.process.returncode}"
            self._tidy()
        return {"error": self.sentence}

    def _tidy(self) -> None:
        """Remove the folder that the training has not used, and what it printed."""
        with suppress(OSError):
            for path in (self.log, self.folder / ".lock"):
                path.unlink(missing_ok=True)
            self.folder.rmdir()


class Trainings:
    """Starts trainings under `root`, and tells what became of them."""

    def __init__(self, root: Path):
        self._root = root
        self._started: dict[str, Training] = {}

    def start(self, name: str, arguments: list[str]) -> str:
        """Start `sparring train` with these arguments, in a new folder that begins with the time and ends with `name`.

        Returns the name under which `state` knows the training. What it prints goes to a file beside its run.
        """
        if (self._root / "recipe.json").is_file():
            raise InputError("this page shows one run alone; `sparring play FOLDER` shows a folder, where others can start")
        if sum(one.process.poll() is None for one in self._started.values()) >= MOST:
            raise InputError(f"{MOST} trainings are under way; wait until one has ended")
        folder = self._new_folder(f"{time.strftime('%Y%m%d-%H%M%S')}-{name}")
        log = folder.with_name(f".{folder.name}.log")
        command = [sys.executable, "-m", "sparring", "train", *arguments, "--out", str(folder), "--quiet"]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        token = secrets.token_hex(6)
        self._started[token] = Training(process, folder, log)
        return token

    def state(self, name: str) -> dict[str, Any]:
        """What became of a training; KeyError for an unknown one."""
        return self._started[name].state(self._root)

    def _new_folder(self, name: str) -> Path:
        """An empty folder of this name, or with a number where there is one."""
        path, number = self._root / name, 1
        while path.exists():
            number += 1
            path = self._root / f"{name}-{number}"
        make_folder(path)
        return path
