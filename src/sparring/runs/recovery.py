"""The recovery file: the state between two checkpoints, written by the clock, so that a kill costs minutes at most.

It is a checkpoint that is replaced by the next one, and removed once there is an ordinary checkpoint. The journal does not
mention it, so what an undisturbed run leaves does not depend on the clock.
"""

import time
from collections.abc import Callable
from pathlib import Path

from sparring.config.non_finite import DivergenceError
from sparring.config.schedules import RoundInfo
from sparring.errors import MachineError
from sparring.runs import checkpoint
from sparring.runs.journal import Journal
from sparring.storage.files import remove
from sparring.training.gan import GAN

FIRST_SECONDS = 60.0  # from the start
SECONDS = 180.0  # from then on, and after an ordinary checkpoint
SHARE = 0.01  # of the time that it may take


class Recovery:
    """Writes the recovery file of a run whenever it is due. `say` gets a sentence where that fails, once."""

    def __init__(self, folder: Path, say: Callable[[str], None]):
        self._path, self._say, self._has_failed = checkpoint.recovery_path(folder), say, False
        self._due = time.monotonic() + FIRST_SECONDS

    def write_if_due(self, gan: GAN, info: RoundInfo, journal: Journal) -> None:
        """Write the state after this round, if it is time; a state that is not finite is left to those who look for it."""
        began = time.monotonic()
        if began < self._due or not journal.is_written:
            return
        try:
            checkpoint.check_finite(gan)
            checkpoint.write(self._path, gan, info, journal.sync())
        except DivergenceError:
            pass
        except MachineError as error:
            if not self._has_failed:
                self._say(f"the recovery file could not be written, and training goes on without it: {error}")
            self._has_failed = True
        ended = time.monotonic()
        self._due = ended + max(SECONDS, (ended - began) / SHARE)

    def remove(self) -> None:
        """Remove the file, which an ordinary checkpoint has replaced; MachineError where that fails."""
        self._due = max(self._due, time.monotonic() + SECONDS)
        if self._path.exists():
            remove(self._path)
