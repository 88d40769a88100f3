"""How this process was started: alone, or by torchrun as one of a group that trains together."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass

_NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Launch:
    """A process's place in its group: `rank` of `size` in all, `local_rank` on its host.

    `attempt` counts the restarts of the group so far, of `max_restarts`; `group` names what was launched, restarts included.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    host: str = "this host"
    attempt: int = 0
    max_restarts: int = 0
    group: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Launch":
        """What torchrun's variables say; alone where they are not all there."""
        if not all(name in environment for name in _NEEDED):
            return cls()
        rank, size, local_rank = (int(environment[name]) for name in _NEEDED[:3])
        attempt, most = (int(environment.get(f"TORCHELASTIC_{name}", 0)) for name in ("RESTART_COUNT", "MAX_RESTARTS"))
        host, name = platform.node(), environment.get("TORCHELASTIC_RUN_ID", "none")
        group = name if name != "none" else f"{host}:{os.getppid()}"  # "none" is torchrun's name for every nameless launch
        return cls(rank, size, local_rank, host, attempt, most, group)

    @property
    def is_reporting(self) -> bool:
        """Whether this process tells people what all processes of its host could tell."""
        return self.local_rank == 0
