"""`sparring ARGS...` as a child process, such as for one seed of several: `python -m sparring.cli.worker ARGS...`.

The parent controls it through standard input. A byte requests a stop, as Ctrl-C does; end of file, because the parent closed
it or died, acts as SIGTERM. In both cases training saves its run first.
"""

import os
import signal
import sys
from threading import Thread

from sparring.cli import main


def _stop_on_input() -> None:
    asked = os.read(sys.stdin.fileno(), 1)  # sys.stdin.read would hold a lock that blocks the interpreter's exit
    signal.raise_signal(signal.SIGINT if asked else signal.SIGTERM)


if __name__ == "__main__":
    Thread(target=_stop_on_input, daemon=True).start()
    main()
