"""`python -m sparring.cli.worker ARGS...` is `sparring ARGS...` as a part of some larger work, such as one seed of several.

Standard input is the line to the parent. A byte on it asks for a stop as Ctrl-C does; its end, whether the parent closed it or
died, asks as SIGTERM does. Either way a training saves its run first.
"""

import os
import signal
import sys
from threading import Thread

from sparring.cli import main


def _obey() -> None:
    asked = os.read(sys.stdin.fileno(), 1)  # without the lock of sys.stdin, which would be in the way of the interpreter's end
    signal.raise_signal(signal.SIGINT if asked else signal.SIGTERM)


if __name__ == "__main__":
    Thread(target=_obey, daemon=True).start()
    main()
