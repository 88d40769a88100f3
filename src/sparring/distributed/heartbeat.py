"""Heartbeats of all processes, so that one that waits in vain can name the process that is lost."""

import json
import threading
import time
from typing import Any

from sparring.errors import InputError, MachineError, NonFiniteError, SparringError

_KINDS: dict[int, type[SparringError]] = {kind.exit_status: kind for kind in (InputError, NonFiniteError, MachineError)}


def error_of(status: int, sentence: str) -> SparringError:
    """The error of another process, from its exit status and its sentence."""
    return _KINDS.get(status, MachineError)(sentence)


class Heartbeat(threading.Thread):
    """A thread that writes this process's heartbeat and progress to the group's store every `period` seconds.

    `store` is one of `torch.distributed`, for this purpose alone. `round` is the round being played; `num_collectives` counts
    the collectives that this process has begun.
    """

    def __init__(self, store: Any, rank: int, size: int, host: str, period: float):
        super().__init__(name="heartbeat", daemon=True)
        self.round, self.num_collectives, self.beat = 0, 0, 0
        self._store, self._rank, self._size, self._host, self._period = store, rank, size, host, period
        self._over = threading.Event()

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._write()
                self._over.wait(self._period)
        except RuntimeError:
            return  # the store is gone; the next collective will raise

    def close(self) -> None:
        """Stop writing heartbeats."""
        self._over.set()
        self.join(self._period + 1)

    def leave(self, error: BaseException | None) -> None:
        """Tell the other processes that this one leaves, and why."""
        status, sentence = getattr(error, "exit_status", 1), str(error)
        if not isinstance(error, SparringError):
            how = "ended" if error is None else f"failed: {type(error).__name__}: {error}"
            sentence = f"{_named(self._rank, self._host)}, in round {self.round}, {how}"
        try:
            self._store.set(f"left/{self._rank}", json.dumps({"status": status, "sentence": sentence}))
        except RuntimeError:
            return  # the store is gone

    def wait_for_exit(self, rank: int, timeout: float) -> None:
        """Return when this rank has left, or has had no heartbeat for so many seconds."""
        try:
            sign, since = None, time.monotonic()
            while not self._store.check([f"left/{rank}"]) and time.monotonic() - since < timeout:
                time.sleep(0.02)
                now = self._read("signs").get(rank)
                sign, since = (sign, since) if now == sign else (now, time.monotonic())
        except RuntimeError:
            return  # the process that keeps the store has left

    def claim_report(self) -> bool:
        """True in the first process of a host that asks: it reports the error to the user."""
        try:
            return self._store.add(f"told/{self._host}", 1) == 1
        except RuntimeError:
            return True

    def explain(self, reason: BaseException) -> SparringError:
        """The reason why a collective failed: the error that a process left with, or the process that is missing since when."""
        try:
            then = self._read("signs")
            time.sleep(3 * self._period + 0.2)
            now, left = self._read("signs"), self._read("left")
        except RuntimeError:
            return MachineError("the process that keeps the group's store is gone: rank 0, or torchrun on its host")
        if left:
            found = left[min(left)]
            return error_of(found["status"], found["sentence"])
        others = [rank for rank in range(self._size) if rank != self._rank]
        silent = [rank for rank in others if now.get(rank) == then.get(rank)]
        behind = min(others, key=lambda rank: now[rank]["collectives"] if rank in now else -1)
        if silent:
            return self._missing(silent[0], "gives no sign of life", now.get(silent[0]))
        if now[behind]["collectives"] < self.num_collectives:
            return self._missing(behind, "is alive but stuck", now[behind])
        return MachineError(f"the processes lost each other in round {self.round}: {reason}")

    def _missing(self, rank: int, what: str, sign: dict[str, Any] | None) -> MachineError:
        if sign is None:
            return MachineError(f"rank {rank} never came")
        return MachineError(f"{_named(rank, sign['host'])} {what}; it was last seen in round {sign['round']}")

    def _write(self) -> None:
        self.beat += 1
        sign = {"beat": self.beat, "collectives": self.num_collectives, "round": self.round, "host": self._host}
        self._store.set(f"signs/{self._rank}", json.dumps(sign))

    def _read(self, folder: str) -> dict[int, dict[str, Any]]:
        """The values that the ranks have written under this name, by rank."""
        keys = {rank: f"{folder}/{rank}" for rank in range(self._size)}
        return {rank: json.loads(self._store.get(key)) for rank, key in keys.items() if self._store.check([key])}


def _named(rank: int, host: str) -> str:
    return f"rank {rank} on {host}"
