"""The server's end of the worker: started when it is needed, asked one thing at a time, started again where it has ended."""

import json
import subprocess
import sys
from subprocess import PIPE, Popen
from threading import Lock, Timer
from typing import Any

from sparring.errors import InputError

PATIENCE = 120.0  # seconds


class Worker:
    """The process that draws; `ask` starts it, from any thread."""

    def __init__(self) -> None:
        self._process: Popen[bytes] | None = None
        self._turn = Lock()
        self._is_closed = False

    def ask(self, do: str, **request: Any) -> Any:
        """What the worker answers; InputError with its sentence where it refuses, or where it takes too long."""
        line = json.dumps({"do": do} | request).encode() + b"\n"
        with self._turn:
            # once more, for it may end, after five idle minutes, in the moment in which it is asked
            answer = self._exchange(line) or self._exchange(line)
        if not answer:
            raise InputError("the drawing process has ended; the terminal of `sparring play` shows why")
        found = json.loads(answer)
        if "error" in found:
            raise InputError(found["error"])
        return found["ok"]

    def stop(self) -> None:
        """Kill the process, whatever it does; who waits for it is told so at once, and none is started again."""
        self._is_closed = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the process; the next question starts another, unless it was stopped."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _exchange(self, line: bytes) -> bytes:
        """The answer to a line; nothing where the process has ended."""
        if self._is_closed:
            return b""
        if self._process is None:
            command = (sys.executable, "-m", "sparring.web.worker")
            self._process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, start_new_session=True)
        process = self._process
        assert process.stdin
        assert process.stdout
        limit = Timer(PATIENCE, process.kill)
        limit.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        finally:
            limit.cancel()
        if not answer:
            self.close()
        return answer
