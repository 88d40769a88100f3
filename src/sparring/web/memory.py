"""How much memory the process that trains a run has, as Linux tells it."""

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def memory_mib(lock: Path) -> int | None:
    """The resident memory, in MiB, of the process that holds this file's lock; None where that cannot be seen."""
    with suppress(OSError, ValueError, IndexError):
        inode = str(lock.stat().st_ino)
        for line in (PROC / "locks").read_text().splitlines():
            _, _, _, _, pid, place, *_ = line.split()
            if place.rpartition(":")[2] == inode:
                status = (PROC / pid / "status").read_text()
                return int(status.partition("VmRSS:")[2].split()[0]) >> 10  # it is in KiB
    return None
